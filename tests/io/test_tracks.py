"""Tracks in the JSON of predict.py: people are separate, gaps are kept, invalid files are named."""

import json

import numpy as np
import pytest

from paddle_pose.io.tracks import read_tracks


def person(value, **more):
    return {
        "score": 0.9,
        "box": [],
        "keypoints": [[value, 2.0 * value]] * 3,
        "scores": [0.9] * 3,
        **more,
    }


def frame(number, *persons, video="a.mp4"):
    size = {"width": 640, "height": 480}
    return {
        "image": video,
        **size,
        "frame": number,
        "seconds": number / 25,
        "persons": list(persons),
    }


def written(tmp_path, *images):
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps({"joints": ["a", "b", "c"], "images": images}), encoding="utf-8")
    return path


def test_people_are_separated_by_video_and_id(tmp_path):
    frames = [
        frame(n, person(20 + n, id=2), person(10 + n, id=1), person(0, id=-1))
        for n in (0, 1, 3, 4, 5)
    ]
    first, second, other = read_tracks(
        written(tmp_path, *frames, frame(7, person(5, id=1), video="b.mp4"))
    )
    assert [(t.video, t.id) for t in (first, second, other)] == [
        ("a.mp4", 1),
        ("a.mp4", 2),
        ("b.mp4", 1),
    ]
    assert second.keypoints[:, 0].tolist() == [[20 + n, 40 + 2 * n] for n in (0, 1, 3, 4, 5)]
    assert second.longest_run().frames.tolist() == [3, 4, 5]
    assert second.longest_run().seconds.tolist() == [0.12, 0.16, 0.2]
    assert other.image_size == (640, 480)


def test_one_person_without_an_id_is_read_and_images_are_left_out(tmp_path):
    image = {
        key: value for key, value in frame(0, person(1)).items() if key not in ("frame", "seconds")
    }
    (track,) = read_tracks(
        written(tmp_path, image, frame(0, person(3)), frame(1), frame(2, person(4)))
    )
    assert (track.id, track.frames.tolist()) == (0, [0, 2])
    assert np.array_equal(track.scores, np.full((2, 3), 0.9))


def test_invalid_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.json: not found"):
        read_tracks(tmp_path / "absent.json")
    broken = tmp_path / "broken.json"
    for text in ("[", "[]", '{"images": [{"frame": 1}]}', "3"):
        broken.write_text(text, encoding="utf-8")
        with pytest.raises(
            ValueError, match=r"broken.json: .*expected what .*predict writes of a video"
        ):
            read_tracks(broken)
    with pytest.raises(ValueError, match=r"frame 4 of a.mp4 has 2 people without ids: .*--track"):
        read_tracks(written(tmp_path, frame(4, person(1), person(2))))
    with pytest.raises(ValueError, match="contains no frame of a video"):
        read_tracks(written(tmp_path))
    with pytest.raises(ValueError, match="contains no tracked person"):
        read_tracks(written(tmp_path, frame(0)))
    with pytest.raises(ValueError, match=r"expected what .*predict writes"):
        read_tracks(
            written(tmp_path, frame(0, person(1)), frame(1, {**person(1), "keypoints": [[1, 2]]}))
        )

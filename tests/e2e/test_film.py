"""A film of somebody squatting through Google's MoveNet: one person, one id, less trembling."""

import json


def test_a_film_is_followed_and_smoothed(run_command, tmp_path, shared):
    film = shared / "data/video/pose_squats.mp4"
    weights = shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
    flags = (
        "--config",
        "movenet_lightning_coco",
        "--one_person",
        "--smooth",
        "--device",
        "cpu",
        "--output",
        "film",
    )
    done = run_command("predict.py", film, "--weights", weights, *flags)
    assert done.returncode == 0, done.stderr
    frames = json.loads((tmp_path / "film/predictions.json").read_text())["images"]
    assert [[person["id"] for person in frame["persons"]] for frame in frames] == [[1]] * 65
    assert (tmp_path / "film/pose_squats.mp4").stat().st_size > 100_000
    side = [frame["persons"][0]["window"][2] for frame in frames]
    assert side[0] == 1280  # the whole image, then round the person
    assert max(side[1:]) < 1280
    done = run_command("jitter", "film/predictions.json")
    assert done.returncode == 0, done.stderr
    name, who, count, size, jitter = done.stdout.splitlines()[1].split()[:5]
    assert (name, who, count) == ("pose_squats.mp4", "1", "65")
    assert 350 < float(size) < 450
    assert 0.5 < float(jitter) < 1.6  # percent of the size; 1.80 without smoothing

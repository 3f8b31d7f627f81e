"""A video of a person who squats, with Google's MoveNet: one person, one id, less jitter."""

import json

from paddle_pose.io.videos import VideoWriter, read_video


def test_slow_video_has_ids_from_its_first_frame(run_command, tmp_path, shared):
    writer = None
    for number, (pixels, _, _) in enumerate(read_video(shared / "data/video/pose_squats.mp4")):
        if number % 8 == 0:
            size = (pixels.shape[1], pixels.shape[0])
            writer = writer or VideoWriter(tmp_path / "slow.mp4", size, 0.5)
            writer.write(pixels)
    writer.close()
    flags = (
        "--weights",
        shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite",
        "--config",
        "movenet_lightning_coco",
        "--detector",
        "none",
        "--device",
        "cpu",
        "--track",
        "--save",
        "json",
        "--output",
        "slow",
    )
    done = run_command("predict.py", "slow.mp4", *flags)
    assert done.returncode == 0, done.stderr
    frames = json.loads((tmp_path / "slow/predictions.json").read_text())["images"]
    assert [frame["seconds"] for frame in frames] == [2.0 * number for number in range(9)]
    assert [[person["id"] for person in frame["persons"]] for frame in frames] == [[1]] * 9


def test_video_is_tracked_and_smoothed(run_command, tmp_path, shared):
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
    assert side[0] == 1280  # first the whole image, then windows around the person
    assert max(side[1:]) < 1280
    done = run_command("jitter", "film/predictions.json")
    assert done.returncode == 0, done.stderr
    name, who, count, size, jitter = done.stdout.splitlines()[1].split()[:5]
    assert (name, who, count) == ("pose_squats.mp4", "1", "65")
    assert 350 < float(size) < 450
    assert 0.5 < float(jitter) < 1.6  # percent of the size; 1.80 without smoothing

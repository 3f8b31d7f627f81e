"""`jitter` on synthetic squats measures noise, and smoothing of its own or in a second file."""

import json

import numpy as np
import pytest

from paddle_pose.data.synthetic.motion import squats

SIZE, TIMES = (320, 240), np.arange(120) / 25


def write(path, tracks):
    frames = [
        {
            "image": "drawn.mp4",
            "width": SIZE[0],
            "height": SIZE[1],
            "frame": n,
            "seconds": seconds,
            "persons": [
                {"id": who, "keypoints": points[n].tolist(), "scores": [0.9] * 17}
                for who, points in tracks.items()
            ],
        }
        for n, seconds in enumerate(TIMES)
    ]
    path.write_text(json.dumps({"images": frames}), encoding="utf-8")
    return path


def rows(done):
    assert done.returncode == 0, done.stderr
    return [list(map(float, line.split()[1:])) for line in done.stdout.splitlines()[1:]]


def test_jitter_is_measured_before_and_after_smoothing(run_command, tmp_path):
    noise, true = np.random.default_rng(0).normal(0, 1, (120, 17, 2)), squats(TIMES) + 20
    raw = write(tmp_path / "raw.json", {1: true + noise, 4: 2 * true + noise})
    first, second = rows(run_command("jitter", raw))
    assert (first[:2], second[:2]) == ([1, 120], [4, 120])
    assert second[2] == pytest.approx(2 * first[2], rel=0.05)
    assert first[3] == pytest.approx(
        307 / first[2], rel=0.1
    )  # in percent of the person's size, for noise of 1 px
    assert first[4] < 0.9 * first[3]
    later = np.concatenate([true[:1], true[:1], true[:-2]])
    (only,) = rows(run_command("jitter", raw, write(tmp_path / "late.json", {1: later})))
    assert only[4] < 0.1 * only[3]
    assert only[5] == pytest.approx(80, abs=4)  # ms, two frames


def test_jitter_of_other_videos_or_files_is_an_error(run_command, tmp_path):
    raw, other = (write(tmp_path / f"{who}.json", {who: squats(TIMES)}) for who in (1, 2))
    done = run_command("jitter", raw, other)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: {other}: " in done.stderr
    assert str(raw) in done.stderr

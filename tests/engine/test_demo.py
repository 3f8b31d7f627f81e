import cv2
import numpy as np
import pytest

from paddle_pose.engine import demo
from paddle_pose.engine.zoo import find_published


def test_networks_that_are_not_in_the_cache_are_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("PADDLE_POSE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    files = [
        file
        for name in (demo.DEFAULT_DETECTOR, demo.DEFAULT_MODEL)
        for file in find_published(name).files
    ]
    sizes = [file.size for file in files]
    assert demo.missing_bytes() == sum(sizes)
    for file, size in zip(files, sizes, strict=True):
        before = demo.missing_bytes()
        (tmp_path / file.file_name).touch()
        assert demo.missing_bytes() == before - size
    assert demo.missing_bytes() == 0


def test_photographs_of_the_same_name_get_files_of_their_own(tmp_path, monkeypatch, shared):
    data = shared / "data"
    monkeypatch.setenv("PADDLE_POSE_HOME", str(tmp_path / "cache"))
    load = demo.load_model
    copies = [data / "movenet_tfjs", data / "nanodet" / "nanodet_m_416.onnx"]
    monkeypatch.setattr(
        demo, "load_model", lambda name, **settings: load(name, from_file=copies, **settings)
    )
    photographs = []
    for folder in ("a", "b"):
        photographs.append(tmp_path / folder / "photo.jpg")
        photographs[-1].parent.mkdir()
        photographs[-1].write_bytes((data / "movenet" / "squat.bmp").read_bytes())
    written = demo.draw_photographs(photographs, tmp_path)
    assert [path.name for path in written] == ["photograph_1.png", "photograph_2.png"]
    assert list(written.values())[1].endswith(str(photographs[1]))
    plain = cv2.imread(str(photographs[0]))
    for path in written:
        assert (cv2.imread(str(path)) != plain).any()


@pytest.mark.parametrize("drawn", [True, False])
def test_the_estimate_grows_with_the_work(monkeypatch, drawn):
    def train(config, *, progress, **settings):
        done = progress(6, "steps")
        for step in range(6):
            clock.append(clock[-1] + 2.0)
            done(step)

    clock = [0.0]
    monkeypatch.setattr(demo.time, "perf_counter", lambda: clock[-1])
    monkeypatch.setattr(demo, "train_config", train)

    def write(config, folder, num_train, num_val, seed):
        clock.append(clock[-1] + 0.5 * (num_train + num_val))
        return folder

    monkeypatch.setattr(demo, "write_synthetic_data", write)
    config = demo.registry.find(demo.CONFIG)  # 5 epochs, batches of 8
    seconds = demo.estimate_seconds(config, 80, 20, "cpu", drawn=drawn)
    assert np.isclose(seconds, (5 * 80 + 6 * 20) * 2.0 / 8 + (0 if drawn else 100 * 0.5))


def test_durations_are_rounded_up_to_half_minutes():
    assert [demo._minutes(seconds) for seconds in (1, 50, 125)] == ["0.5 min", "1 min", "2.5 min"]

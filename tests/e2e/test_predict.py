"""`predict.py` on images, videos and boxes with a small untrained network."""

import functools
import hashlib
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import av
import numpy as np
import pytest
from helpers import movies
from PIL import Image

from paddle_pose.cli import predict
from paddle_pose.engine import predict as predict_engine
from paddle_pose.engine import zoo as zoo_engine
from paddle_pose.engine.pose_model import DEFAULT_DETECTOR
from paddle_pose.errors import InputError
from paddle_pose.io import images
from paddle_pose.io.videos import read_video
from paddle_pose.weights import zoo

ROOT = Path(__file__).resolve().parents[2]
CHANGES = {
    "codec.input_size": "(64,64)",
    "model.channels": "(8,8,8,8)",
    "model.blocks": "(1,1,1,1)",
    "model.stem_channels": 8,
    "model.feature_channels": 8,
    "val.flip": "false",
}
FLAGS = [part for key, value in CHANGES.items() for part in ("-o", f"{key}={value}")]


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Returns a weights file with its config beside it."""
    from paddle_pose import build
    from paddle_pose.configs import overrides, registry
    from paddle_pose.weights.write import write_weights

    config = overrides.override(
        registry.find("hourglass_tiny_128"), {key: str(value) for key, value in CHANGES.items()}
    )
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    write_weights(
        path, {name: tensor.numpy() for name, tensor in build.model(config).state_dict().items()}
    )
    path.with_name(registry.FILE_NAME).write_text(registry.to_json(config))
    return path


@pytest.fixture
def run(tmp_path, monkeypatch, weights):
    """Runs the command in a temporary folder with the small network, and returns its status."""
    monkeypatch.chdir(tmp_path)

    def run_predict(*arguments):
        whole = (
            ()
            if {"--detector", "--boxes", "--one_person"} & set(arguments)
            else ("--detector", "none")
        )
        return predict.main(
            [*map(str, arguments), *whole, "--weights", str(weights), "--device", "cpu"]
        )

    return run_predict


def found(folder="output/predict"):
    return json.loads(Path(folder, "predictions.json").read_text(encoding="utf-8"))["images"]


def image(path, size=(80, 60)):
    images.write(
        Path(path), np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    )


def test_animations_pages_and_incomplete_images_are_predicted(run, capsys):
    Path("in").mkdir()
    frames = [Image.new("RGB", (80 + 8 * n, 60), (40 * n, 90, 90)) for n in range(3)]
    same = [frame.resize((80, 60)) for frame in frames]
    frames[0].save("in/scan.tif", save_all=True, append_images=frames[1:])
    same[0].save("in/wave.webp", save_all=True, append_images=same[1:], duration=200)
    image("in/whole.jpg")
    Path("in/cut.jpg").write_bytes(Path("in/whole.jpg").read_bytes()[:-2])
    Path("in/notes.txt").write_text("no image")
    assert run("in", "--output", "out") == 0
    said = capsys.readouterr()
    assert said.err.count("in/cut.jpg: ") == 1
    assert "in: not looked at: 1 .txt" in said.out
    records = found("out")
    assert [
        (record["image"], record.get("frame"), record.get("seconds"), record["drawing"])
        for record in records
    ] == [
        ("in/cut.jpg", None, None, "cut.png"),
        *(("in/scan.tif", n, None, f"scan_{n + 1}.png") for n in range(3)),
        *(("in/wave.webp", n, round(0.2 * n, 4), "wave.mp4") for n in range(3)),
        ("in/whole.jpg", None, None, "whole.png"),
    ]
    assert [record["width"] for record in records[1:4]] == [80, 88, 96]
    assert records[0]["persons"] == records[-1]["persons"]
    assert images.read_upright("out/scan_3.png").shape == (60, 96, 3)
    assert len(list(read_video(Path("out/wave.mp4")))) == 3


def test_folder_with_images_and_a_rotated_video_is_predicted(run, capsys):
    image("in/a.png")
    image("in/day/a.jpg")
    movies.turn(movies.write(Path("in/b.mp4"), count=11), 90)
    Path("in/broken.jpg").write_bytes(b"no image")
    assert run("in", "--save", "drawing", "json", "coco", "csv", "--output", "in/out") == 1
    said = capsys.readouterr()
    assert said.err.endswith(
        "error: in/broken.jpg: not an image that can be decoded; is it complete?\n"
    )
    assert "13 frames, 13 people" in said.out
    records = found("in/out")
    assert [(record["image"], record.get("frame")) for record in records] == [
        ("in/a.png", None),
        *(("in/b.mp4", n) for n in range(11)),
        ("in/day/a.jpg", None),
    ]
    assert [record["seconds"] for record in records[1:4]] == [0, 0.1, 0.2]
    assert {(record["width"], record["height"]) for record in records[1:12]} == {(48, 64)}
    drawn = list(read_video(Path("in/out/b.mp4")))
    assert (len(drawn), drawn[0][0].shape, drawn[0][2]) == (11, (64, 48, 3), 10)
    assert images.read_upright(Path("in/out/day/a.png")).shape == (60, 80, 3)
    results = json.loads(Path("in/out/keypoints_results.json").read_text())
    assert [result["image_id"] for result in results] == list(range(1, 14))
    assert len(Path("in/out/predictions.csv").read_text().splitlines()) == 14
    assert run("in", "--save", "json", "--output", "in/out") == 1
    assert len(found("in/out")) == 13, "what an earlier run has drawn is no input"


def texts(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_predictions_never_replace_the_input_images(run):
    image("pics/x.jpg")
    image("pics/x.png", size=(30, 20))
    photos = texts("pics")
    for _ in range(2):
        assert run("pics/x.jpg", "--output", "pics", "--maps") == 0
        assert photos.items() <= texts("pics").items()
        assert [record["drawing"] for record in found("pics")] == ["x_2.png"]
        assert len(list(Path("pics").glob("[!.]*"))) == 5, "a drawing, its map and predictions.json"


def test_people_have_a_colour_each_where_they_are_known_and_sides_where_not(run):
    image("a.png")
    movies.write(Path("b.mp4"), count=4)

    def drawn(*flags):
        assert run("a.png", "b.mp4", "--threshold", "-1", "--save", "drawing", *flags) == 0
        folder = Path("output/predict")
        frames = [pixels for pixels, _, _ in read_video(folder / "b.mp4")]
        return images.read_upright(folder / "a.png"), frames[-1]

    plain = drawn()
    person = drawn("--color", "person")
    side = drawn("--color", "side")
    assert np.array_equal(plain[0], person[0])
    assert not np.array_equal(plain[0], side[0])
    assert np.array_equal(plain[1], side[1])
    assert not np.array_equal(plain[1], person[1])
    tracked = drawn("--track")
    assert not np.array_equal(tracked[1], drawn("--track", "--color", "side")[1])
    for flag in ("--draw_boxes", "--draw_scores", "--names"):
        assert not np.array_equal(drawn(flag)[0], plain[0])


def test_drawings_of_earlier_runs_are_removed(run):
    for name in ("a", "b", "c"):
        image(f"{name}.jpg")
    assert run("a.jpg", "b.jpg", "c.jpg") == 0
    drawings = Path("output/predict")
    (drawings / "b.png").write_bytes(b"changed")
    assert run("c.jpg", "--save", "csv") == 0
    assert len(list(drawings.glob("*.png"))) == 3, "predictions.json still lists them"
    assert run("c.jpg") == 0
    assert [record["drawing"] for record in found()] == ["c.png"]
    assert sorted(path.name for path in drawings.glob("[!.]*")) == [
        "b.png",
        "c.png",
        "predictions.csv",
        "predictions.json",
    ]
    assert run("output/predict/c.png", "--save", "json") == 0
    assert (drawings / "c.png").exists(), "an input stays"


@pytest.mark.parametrize("name", predict_engine.FILES.values())
def test_foreign_output_is_an_error_before_anything_is_written(run, name):
    image("a.jpg")
    Path("out").mkdir()
    Path("out", name).write_text("mine")
    with pytest.raises(InputError, match=f"out/{name}"):
        run("a.jpg", "--output", "out", "--save", "drawing", "json", "coco", "csv")
    assert texts("out") == {name: b"mine"}


def test_run_after_a_killed_one_replaces_its_files(run, tmp_path, weights):
    for number in range(40):
        image(f"in/{number}.jpg", size=(400, 300))
    command = [
        sys.executable,
        ROOT / "predict.py",
        "in",
        "--weights",
        weights,
        "--detector",
        "none",
    ]
    command += ["--device", "cpu", "--batch_size", "1"]
    process = subprocess.Popen(list(map(str, command)), cwd=tmp_path, stdout=subprocess.DEVNULL)
    drawings = tmp_path / "output/predict"
    while process.poll() is None and len(list(drawings.glob("*.png"))) < 3:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert run("in") == 0
    assert sorted(path.name for path in drawings.glob("[!.]*.png")) == sorted(
        f"{number}.png" for number in range(40)
    )
    assert len(found()) == 40


def test_only_requested_files_are_written(run):
    image("a.png")
    assert run("a.png", "--save", "csv") == 0
    assert [path.name for path in Path("output/predict").glob("[!.]*")] == ["predictions.csv"]


def test_maps_are_drawn_for_each_window_of_each_frame(run):
    image("a.png")
    movies.write(Path("b.mp4"), count=2)
    Path("boxes.json").write_text(json.dumps({"a.png": [[1, 1, 20, 30], [5, 5, 20, 20]]}))
    assert run("a.png", "b.mp4", "--maps", "--boxes", "boxes.json") == 0
    assert sorted(path.name for path in Path("output/predict").glob("*_maps_*")) == [
        "a_maps_1.png",
        "a_maps_2.png",
        "b_0_maps_1.png",
        "b_1_maps_1.png",
    ]


def test_coco_boxes_choose_the_people_and_the_image_ids(run):
    for name in ("a.png", "b.png", "c.png"):
        image(name)
    coco = {
        "images": [
            {"id": 50 + n, "file_name": name, "width": 80, "height": 60}
            for n, name in enumerate(("a.png", "b.png"))
        ],
        "annotations": [
            {"id": n, "image_id": 51, "category_id": 1, "bbox": [n, 2, 30, 40]} for n in range(3)
        ],
        "categories": [{"id": 1, "name": "person"}],
    }
    Path("coco.json").write_text(json.dumps(coco))
    assert run("a.png", "b.png", "c.png", "--boxes", "coco.json", "--save", "json", "coco") == 0
    assert [[person["box"] for person in record["persons"]] for record in found()] == [
        [],
        [[0, 2, 30, 40], [1, 2, 30, 40], [2, 2, 30, 40]],
        [],
    ]
    results = json.loads(Path("output/predict/keypoints_results.json").read_text())
    assert [result["image_id"] for result in results] == [51, 51, 51]


def test_network_that_finds_people_for_another_one(run, weights):
    movies.write(Path("a.mp4"), count=5)
    all_boxes = ("--box_threshold", -9)
    assert run("a.mp4", "--detector", weights, *all_boxes, "--batch_size", 2) == 0
    records = found()
    assert [record["frame"] for record in records] == [0, 1, 2, 3, 4]
    assert {len(record["persons"]) for record in records} <= {0, 1}
    assert all(
        person["box"] != [0, 0, 64, 48] for record in records for person in record["persons"]
    )
    header = json.loads(Path("output/predict/predictions.json").read_text())
    checksum = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    assert (header["detector"], header["detector_sha256"]) == (str(weights), checksum)
    assert run("a.mp4", "--detector", weights, "--box_threshold", 99, "--output", "nobody") == 0
    assert [record["persons"] for record in found("nobody")] == [[]] * 5


def test_batch_size_does_not_change_predictions(run):
    movies.write(Path("a.mp4"), count=7)
    for number in (1, 3):
        assert run("a.mp4", "--batch_size", number, "--save", "json", "--output", number) == 0
    one, three = (
        [record["persons"][0]["keypoints"] for record in found(str(number))] for number in (1, 3)
    )
    np.testing.assert_allclose(one, three, atol=0.01)


def test_python_example_of_the_readme_runs(weights, tmp_path, monkeypatch):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    image("docs/people.jpg")
    movies.write(Path("clip.mp4"), count=3)
    lines = "".join(blocks).replace("movenet_thunder", str(weights))
    names = {}
    exec(
        lines.replace('.jpg"', '.jpg", detector=None').replace(
            "smooth=True", "smooth=True, detector=None"
        ),
        names,
    )
    assert names["result"].keypoints.shape == (1, 16, 2)
    assert Path("poses.png").is_file()
    assert names["frame"].frame == 2


@pytest.fixture
def server(tmp_path_factory, weights, monkeypatch):
    """Serves the small network as the published default weights.

    Yields the published file, and the list of requested paths.
    """
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(weights.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{running.server_address[1]}/{weights.name}"
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        name = predict.DEFAULT_WEIGHTS
        file = zoo.PublishedFile(name, url, digest, "hourglass_tiny_128", (), "", "")
        monkeypatch.setitem(zoo.PUBLISHED, name, file)
        yield file, asked
        running.shutdown()
        thread.join(5)


@pytest.fixture
def published_size(monkeypatch):
    """Makes the published config that of the small network."""
    from paddle_pose.configs import overrides, registry

    small = overrides.override(
        registry.find("hourglass_tiny_128"), {key: str(value) for key, value in CHANGES.items()}
    )
    monkeypatch.setitem(registry.CONFIGS, "hourglass_tiny_128", small)


@pytest.mark.usefixtures("published_size")
def test_default_weights_are_downloaded_once(server, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PADDLE_POSE_HOME", "home")
    _, asked = server
    image("a.png")
    for _ in range(2):
        assert predict.main(["a.png", "--detector", "none"]) == 0
    assert asked == ["/model.safetensors"]
    assert "Written: home/movenet_thunder/model.safetensors" in capsys.readouterr().out
    assert len(found()) == 1


@pytest.mark.usefixtures("published_size")
def test_from_file_is_verified_and_used_instead_of_the_server(
    server, weights, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    _, asked = server
    image("a.png")
    Path("wrong").write_bytes(b"wrong")
    with pytest.raises(ValueError, match="wrong: its SHA-256 is"):
        predict.main(["a.png", "--from_file", "wrong"])
    assert (
        predict.main(
            ["a.png", "--detector", "none", "--from_file", str(weights), "--cache", "kept"]
        )
        == 0
    )
    assert asked == []
    assert Path("kept/movenet_thunder/config.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["nowhere.png"],
            "nowhere.png: not found; expected an image, video, folder, pattern or a camera's"
            " number",
        ),
        (["empty"], "empty: no image or video in this folder"),
        (["a.png", "--output", "a.png"], "--output a.png: "),
        (["a.png", "--boxes", "b.json", "--detector", "d"], "--boxes b.json and --detector d: "),
        (["a.png", "--boxes", "b.json"], "--boxes b.json: not found"),
        (["a.png", "--detector", "d"], "detector d: no such file"),
        (["a.png", "--one_person", "--track"], "--one_person does not go with --track"),
        (["a.png", "--detector", "a.png"], "detector a.png: "),
        (["a.png", "--detector", "none", "--from_file", "f"], "--from_file f: "),
        (["a.png", "--show"], "--show needs a screen, and the package opencv-python"),
    ],
)
def test_bad_input_is_one_error_line(run, monkeypatch, arguments, error):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    image("a.png")
    Path("empty").mkdir()
    with pytest.raises((ValueError, OSError)) as problem:
        run(*arguments)
    assert str(problem.value).startswith(error)


def test_failed_download_of_the_detector_names_the_flag_without_it(run, monkeypatch):
    def locate(source, *arguments, **more):
        if source == DEFAULT_DETECTOR:
            raise ConnectionError("cannot fetch it")
        return original(source, *arguments, **more)

    original = zoo_engine.locate
    monkeypatch.setattr(zoo_engine, "locate", locate)
    image("a.png")
    with pytest.raises(ConnectionError, match="--detector none"):
        run("a.png", "--detector", "auto")


def test_video_without_frames_is_reported_at_the_end(run, capsys):
    movies.write(Path("a.mp4"), count=0)
    image("b.png")
    assert run("a.mp4", "b.png") == 1
    assert "error: a.mp4: " in capsys.readouterr().err
    assert len(found()) == 1


def test_a_cut_video_is_drawn_as_far_as_it_goes_with_its_sound(run, capsys):
    path = Path("a.mkv")
    movies.encode(path, movies.noise(60), rate=10, sound="aac")
    movies.cut(path, 0.6)
    image("b.png")
    assert run("a.mkv", "b.png") == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "a.mkv" in line]
    frames = len(found()) - 1
    assert line.startswith(f"error: a.mkv: ends after {frames} frames")
    assert 20 < frames < 50
    with av.open("output/predict/a.mp4") as drawn:
        picture, sound = drawn.streams
        assert (picture.codec_context.name, picture.frames) == ("h264", frames)
        seconds = float(picture.duration * picture.time_base)
        heard = float(sound.duration * sound.time_base)
        assert seconds - 1 < heard < seconds + 0.1, (
            "the file ends between its sound and its picture"
        )


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of the size of files")
def test_a_full_disk_is_named_and_leaves_no_half_video(tmp_path, weights):
    import resource

    movies.encode(tmp_path / "a.mp4", movies.noise(150, (256, 192)))
    command = [sys.executable, ROOT / "predict.py", "a.mp4", "--weights", weights]
    done = subprocess.run(
        [*map(str, command), "--detector", "none", "--save", "drawing"],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: output/predict/a.mp4: ")
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "output/predict").iterdir()] == []


@pytest.mark.parametrize(
    ("number", "status", "name"), [(signal.SIGTERM, 143, "SIGTERM"), (signal.SIGINT, 130, "Ctrl-C")]
)
def test_interrupted_prediction_of_a_video_keeps_its_frames(
    tmp_path, weights, number, status, name
):
    movies.write(tmp_path / "a.mp4", count=20_000, size=(16, 16))
    command = [
        sys.executable,
        ROOT / "predict.py",
        "a.mp4",
        "--weights",
        weights,
        "--save",
        "drawing",
        "json",
        "csv",
    ]
    command += ["--detector", "none"]
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    rows = tmp_path / "output/predict/predictions.csv"
    while process.poll() is None and not any(
        path.stat().st_size > 20_000 for path in rows.parent.glob(".*.part.csv")
    ):
        time.sleep(0.01)
    os.kill(process.pid, number)
    said, errors = process.communicate(timeout=200)
    assert process.returncode == status, errors
    assert errors.splitlines()[-1].startswith(f"Ended early by {name}; ")
    assert "Traceback" not in errors
    frames = len(found(tmp_path / "output/predict"))
    assert 0 < frames < 20_000
    assert f"\n{frames} frames, {frames} people" in said
    assert len(list(read_video(tmp_path / "output/predict/a.mp4"))) == frames
    assert len(rows.read_text().splitlines()) == frames + 1


LIGHTNING = ("--weights", "google_movenet_lightning_int8", "--detector", "none", "--people", "1")


@pytest.mark.parametrize(
    ("flags", "copies"),
    [
        ((), ("movenet_tfjs", "nanodet")),
        (LIGHTNING, ("movenet/movenet_single_pose_lightning_ptq.tflite",)),
    ],
    ids=["default", "whole image"],
)
def test_googles_movenet_tracks_the_squats(shared, tmp_path, monkeypatch, flags, copies):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PADDLE_POSE_HOME", "home")
    files = [str(shared / "data" / name) for name in copies]
    video = shared / "data" / "video" / "pose_squats.mp4"
    assert predict.main([str(video), "--from_file", *files, "--save", "json", *flags]) == 0
    records = found()
    assert len(records) == 65
    names = json.loads(Path("output/predict/predictions.json").read_text())["joints"]
    hips = [record["persons"][0]["keypoints"][names.index("left_hip")][1] for record in records]
    ankles = [record["persons"][0]["keypoints"][names.index("left_ankle")][1] for record in records]
    assert np.ptp(hips) > 100, "the hips go down and up"
    assert np.ptp(ankles) < 50, "the feet stay"

"""`predict_files`: checks of its arguments before a network runs, and files of videos."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import movies

from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.engine import predict
from paddle_pose.engine.pose_model import PoseModel
from paddle_pose.engine.predict import People, Results
from paddle_pose.errors import InputError, Interrupted
from paddle_pose.interruption import CTRL_C, Interruption
from paddle_pose.io.frames import Source
from paddle_pose.io.images import write

IMAGE = Source("image", Path("a.jpg"), Path("a"))
VIDEO = Source("video", Path("b.mp4"), Path("b"))
CAMERA = Source("camera", Path("0"), Path("camera_0"))


@pytest.mark.parametrize(
    ("name", "people", "results"),
    [
        ("--track", {"track": "oks"}, {}),
        ("--boxes", {"boxes": Path("b.json")}, {}),
        ("--detector", {"detector": "d"}, {}),
        ("--people", {"max_people": 2}, {}),
        ("--maps", {}, {"maps": True}),
    ],
)
def test_one_person_with_settings_for_several_people_raises(name, people, results):
    predict.check_people(People(**people), Results(**results))
    predict.check_people(People(one_person=True, smooth=True), Results())
    with pytest.raises(InputError, match=f"--one_person does not go with {name}"):
        predict.check_people(People(one_person=True, **people), Results(**results))


@pytest.mark.parametrize(
    ("people", "sources", "flags"),
    [
        ({"min_score": 0.5, "detector": None}, [IMAGE], ["--box_threshold"]),
        ({"min_score": 0.5, "one_person": True}, [VIDEO], ["--box_threshold"]),
        ({"min_score": 0.5}, [IMAGE], []),
        ({"min_score": 0.5, "detector": "d"}, [IMAGE], []),
        ({"min_score": 0.5, "boxes": Path("b.json")}, [VIDEO], []),
        ({"smooth": True}, [IMAGE, IMAGE], ["--smooth"]),
        ({"track": "iou"}, [IMAGE], ["--track"]),
        ({"track": "oks", "smooth": True}, [IMAGE], ["--track", "--smooth"]),
        ({"one_person": True, "smooth": True}, [IMAGE], ["--smooth"]),
        ({"track": "oks", "smooth": True}, [IMAGE, VIDEO], []),
        ({"track": "oks", "smooth": True}, [CAMERA], []),
        ({}, [IMAGE], []),
    ],
)
def test_flags_without_effect_are_named_in_one_warning(people, sources, flags, capsys):
    predict.warn_of_no_effect(People(**people), sources)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == bool(flags)
    assert all(flag in printed.err for flag in flags)


def one_pose(images):
    """Returns heatmaps [N, 1, 16, 32, 32] of a person in the middle of each image."""
    maps = np.zeros((len(images), 1, 16, 32, 32), np.float32)
    joints = np.arange(16)
    maps[:, 0, joints, 8 + 3 * (joints // 4), 10 + 3 * (joints % 4)] = 0.9
    return {"heatmaps": maps}


@pytest.fixture
def model(monkeypatch, tmp_path):
    """Replaces the network that `predict_files` loads by `one_pose`."""
    config = override(registry.find("hourglass_tiny_128"), {"val.flip": False})
    weights = tmp_path / "model.pdparams"
    weights.write_bytes(b"weights")
    loaded = PoseModel(config, weights, one_pose, "cpu", open_detector=lambda name: None)
    monkeypatch.setattr(predict, "load_model", lambda *_, **__: loaded)


def predicted(folder):
    """Returns (frame, ids) of each record in predictions.json."""
    records = json.loads((folder / "predictions.json").read_text(encoding="utf-8"))["images"]
    return [(record["frame"], [one["id"] for one in record["persons"]]) for record in records]


@pytest.mark.parametrize("rate", [0.5, 10.0])
def test_people_of_a_video_have_ids_from_the_first_frame(model, tmp_path, rate):
    movies.write(tmp_path / "a.mp4", count=7, rate=rate)
    movies.write(tmp_path / "b.mp4", count=2, rate=rate)
    summary = predict.predict_files(
        [str(tmp_path / "a.mp4"), str(tmp_path / "b.mp4")],
        "model",
        people=People(detector=None, track="oks"),
        results=Results(folder=tmp_path / "out", save=["json"]),
    )
    assert summary.frames == summary.people == 9
    expected = [(frame, [1]) for frame in range(7)] + [(frame, [-1]) for frame in range(2)]
    assert predicted(tmp_path / "out") == expected


@pytest.mark.parametrize(
    ("people", "words"),
    [
        (People(detector=None), "whole images (--detector none)"),
        (People(one_person=True), "one person, around the previous frame's"),
        (People(boxes=Path("b.json")), "file b.json"),
        (People(), "detector nanodet_m"),
    ],
)
def test_the_log_states_where_boxes_come_from(model, people, words):
    loaded = predict.load_model("model")
    name = predict._detector_name(people, loaded)
    assert predict._boxes_report(people, name, loaded) == words


@pytest.mark.parametrize(
    ("config", "joints", "reason"),
    [
        ("movenet_lightning_coco", None, "trained on whole images"),
        ("hourglass_tiny_128", "point", "no shoulders, elbows"),
    ],
)
def test_the_log_states_why_whole_images_are_used(config, joints, reason):
    config = registry.find(config)
    if joints is not None:
        names = tuple(f"{joints}_{k}" for k in range(16))
        skeleton = replace(config.codec.skeleton, joints=names, mirror_pairs=(), limbs=(), upper=())
        config = replace(config, codec=replace(config.codec, skeleton=skeleton))
    loaded = PoseModel(config, Path("w"), one_pose, "cpu", open_detector=lambda name: None)
    name = predict._detector_name(People(), loaded)
    report = predict._boxes_report(People(), name, loaded)
    assert reason in report
    assert "--detector nanodet_m or --boxes FILE" in report


@pytest.mark.parametrize("threshold", [0.5, 0.95])
def test_the_log_states_that_all_scores_are_below_the_threshold(model, tmp_path, capsys, threshold):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((64, 64, 3), np.uint8))
    predict.predict_files(
        [str(tmp_path / "a.png")],
        "model",
        people=People(detector=None),
        results=Results(folder=tmp_path / "out", min_score=threshold),
    )
    printed = capsys.readouterr().out
    assert "Boxes of the people: whole images" in printed
    assert ("People found: 1, but" in printed and "--threshold 0.4 " in printed) == (
        threshold > 0.9
    )


@pytest.mark.parametrize("found", [0, 1])
def test_the_log_states_that_nobody_was_found(model, monkeypatch, tmp_path, capsys, found):
    boxes = np.array([[10.0, 0, 60, 100]])[:found]
    monkeypatch.setattr(predict, "locate_detector", lambda *_, **__: Path(__file__))
    monkeypatch.setattr(
        predict, "open_detector", lambda *_, **__: lambda image: (boxes, np.ones(len(boxes)))
    )
    write(tmp_path / "1.png", np.zeros((120, 160, 3), np.uint8))
    predict.predict_files(
        [str(tmp_path / "1.png")],
        "model",
        people=People(detector="d.onnx"),
        results=Results(folder=tmp_path / "out"),
    )
    assert ("No people: the detector found nobody" in capsys.readouterr().out) == (not found)


def test_people_below_the_threshold_are_only_in_the_file_of_cocos_format(
    model, monkeypatch, tmp_path
):
    def two_boxes(image):
        return np.array([[10.0, 0, 60, 100], [90, 20, 40, 60]]), np.array([0.9, 0.2])

    monkeypatch.setattr(predict, "locate_detector", lambda *_, **__: Path(__file__))
    monkeypatch.setattr(predict, "open_detector", lambda *_, **__: two_boxes)
    write(tmp_path / "1.png", np.zeros((120, 160, 3), np.uint8))

    def run(save, threshold=None):
        return predict.predict_files(
            [str(tmp_path / "1.png")],
            "model",
            people=People(detector="d.onnx", person_threshold=threshold),
            results=Results(folder=tmp_path / "out", save=save),
        )

    def number(name, key):
        content = json.loads((tmp_path / "out" / name).read_text(encoding="utf-8"))
        return len(content if key is None else content["images"][0][key])

    summary = run(["json", "csv", "coco"])
    assert (summary.people, summary.left_out, summary.threshold) == (1, 1, 0.2)
    assert (summary.frames, summary.unit) == (1, "image")
    assert number("predictions.json", "persons") == 1
    assert len((tmp_path / "out" / "predictions.csv").read_text().splitlines()) == 2
    assert number("keypoints_results.json", None) == 2
    assert (run(["json"], 0.0).people, number("predictions.json", "persons")) == (2, 2)
    only = run(["coco"])
    assert (only.people, only.left_out, number("keypoints_results.json", None)) == (2, 0, 2)


@pytest.mark.parametrize(
    ("weights", "people", "names"),
    [
        ("movenet_thunder", {}, ["movenet_thunder", "nanodet_m"]),
        ("movenet_thunder", {"detector": "nanodet_g"}, ["movenet_thunder", "nanodet_g"]),
        ("movenet_thunder", {"detector": "d.onnx"}, ["movenet_thunder"]),
        ("movenet_thunder", {"detector": None}, ["movenet_thunder"]),
        ("movenet_thunder", {"one_person": True}, ["movenet_thunder"]),
        ("movenet_multipose", {}, ["movenet_multipose"]),
        ("own.pdparams", {}, []),
        ("own.pdparams", {"detector": "nanodet_m"}, ["nanodet_m"]),
    ],
)
def test_all_downloads_are_checked_before_a_network_is_loaded(
    monkeypatch, tmp_path, weights, people, names
):
    class Checked(Exception):
        """Raised instead of the check."""

    def check(needed, folder):
        raise Checked(needed, folder)

    monkeypatch.setattr(predict.zoo, "check_downloads", check)
    write(tmp_path / "1.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(Checked) as caught:
        predict.predict_files(
            [str(tmp_path / "1.png")],
            weights,
            people=People(**people),
            results=Results(folder=tmp_path / "out"),
            cache=tmp_path,
        )
    assert caught.value.args == (names, tmp_path)


class AfterChecks(Interruption):
    """Interruption that requests Ctrl-C at the n-th check and at every later one."""

    def __init__(self, checks):
        super().__init__()
        self.left = checks

    def check(self):
        self.left -= 1
        if self.left <= 0:
            self.request(CTRL_C)
        super().check()


@pytest.mark.parametrize("checks", [1, 2, 4])
def test_delayed_frames_are_written_after_ctrl_c(model, tmp_path, checks):
    movies.write(tmp_path / "a.mp4", count=12)
    summary = predict.predict_files(
        [str(tmp_path / "a.mp4")],
        "model",
        people=People(detector=None, track="oks"),
        results=Results(folder=tmp_path / "out", save=["json"]),
        batch_size=1,
        interruption=AfterChecks(checks),
    )
    assert summary.ended.status == CTRL_C
    assert summary.frames == checks + 2
    assert predicted(tmp_path / "out") == [(frame, [1]) for frame in range(checks + 2)]


def test_key_of_the_screen_stops_after_the_shown_frame(model, monkeypatch, tmp_path):
    class Screen:
        def write(self, frame, poses, drawing):
            if frame.index == 3:
                raise Interrupted(0, "the window's key")

        def close(self):
            """Does nothing."""

    monkeypatch.setattr(predict, "ScreenRenderer", Screen)
    movies.write(tmp_path / "a.mp4", count=12)
    summary = predict.predict_files(
        [str(tmp_path / "a.mp4")],
        "model",
        people=People(detector=None, track="oks"),
        results=Results(folder=tmp_path / "out", save=["json"], show=True),
    )
    assert (summary.frames, summary.ended.status) == (6, 0)
    assert predicted(tmp_path / "out") == [(frame, [1]) for frame in range(6)]


@pytest.mark.parametrize("people", [People(detector=None), People(one_person=True)], ids=str)
def test_no_frame_is_written_after_ctrl_c_without_ids(model, tmp_path, people):
    movies.write(tmp_path / "a.mp4", count=12)
    summary = predict.predict_files(
        [str(tmp_path / "a.mp4")],
        "model",
        people=people,
        results=Results(folder=tmp_path / "out", save=["json"]),
        interruption=AfterChecks(3),
    )
    assert (summary.frames, summary.ended.status) == (3, CTRL_C)

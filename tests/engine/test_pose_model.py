"""`load_model` and `PoseModel` with a function as network: it finds the brightest cell."""

import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from helpers import movies
from helpers.foreign_onnx import write_constant

from paddle_pose import environment
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.engine import pose_model
from paddle_pose.engine.pose_model import PoseModel, load_model, open_detector, with_people
from paddle_pose.errors import InputError
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.inference.two_stage import MAX_PEOPLE
from paddle_pose.skeletons import Skeleton

CONFIG = override(registry.find("hourglass_tiny_128"), {"val.flip": False})
POINT = (40, 30)  # (x, y) px of the bright spot
BOX = (20.0, 10.0, 40.0, 40.0)


def brightest(images):
    """Returns heatmaps [N, 1, 16, 32, 32] whose first joint is at the image's brightest cell.

    The other joints are to its lower right.
    """
    maps = np.zeros((len(images), 1, 16, 32, 32), np.float32)
    for n, image in enumerate(images):
        cells = cv2.resize(image[..., 0], (32, 32), interpolation=cv2.INTER_AREA)
        y, x = np.unravel_index(cells.argmax(), cells.shape)
        for k in range(16):
            maps[n, 0, k, min(y + 3 * (k // 4), 31), min(x + 3 * (k % 4), 31)] = 0.9
    return {"heatmaps": maps}


def photo(point=POINT, size=(80, 60)):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    cv2.circle(image, point, 3, (255, 255, 255), -1)
    return image


def no_boxes(image):
    return np.zeros((0, 4)), np.zeros(0)


def one_box(image):
    return np.array([BOX]), np.ones(1)


@pytest.fixture
def opened():
    return []


@pytest.fixture
def model(opened):
    def open_one(name):
        opened.append(name)
        return one_box

    return PoseModel(CONFIG, Path("model.pdparams"), brightest, "cpu", open_detector=open_one)


def test_predict_of_an_array_returns_one_result(model):
    result = model.predict(photo(), detector=None)
    assert isinstance(result, PoseResult)
    assert result.keypoints.shape == (1, 16, 2)
    assert result.scores.shape == (1, 16)
    assert result.boxes.shape == (1, 4)
    assert np.abs(result.keypoints[0, 0] - POINT).max() < 4  # a cell is 2.5 px
    assert result.windows.tolist() == [[0, -10, 80, 80]]
    assert result.path is None
    assert result.joints == CONFIG.codec.skeleton.joints


@pytest.mark.parametrize("kind", ["path", "str", "array", "pil"])
def test_predict_accepts_paths_arrays_and_pil_images(model, kind, tmp_path):
    path = tmp_path / "photo.png"
    PIL.Image.fromarray(photo()).save(path)
    kinds = {"path": path, "str": str(path), "array": photo(), "pil": PIL.Image.fromarray(photo())}
    result = model.predict(kinds[kind], detector=None)
    assert np.array_equal(result.keypoints, model.predict(photo(), detector=None).keypoints)
    assert result.path == (path if kind in ("path", "str") else None)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((9, 9, 3)),
        np.zeros((9, 9), np.uint8),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((1, 9, 9, 3), np.uint8),
        7,
    ],
    ids=["float", "grey", "rgba", "batch", "number"],
)
def test_predict_of_other_types_raises(model, image):
    with pytest.raises(InputError):
        model.predict(image, detector=None)


def test_predict_of_several_images_returns_a_lazy_iterator(model):
    read = []

    def images():
        for x in range(10, 70, 10):
            read.append(x)
            yield photo((x, 30))

    results = model.predict(images(), detector=None, batch_size=2)
    assert read == []
    first = next(results)
    assert len(read) == 2
    points = [first.keypoints[0, 0, 0], *(result.keypoints[0, 0, 0] for result in results)]
    assert np.abs(np.array(points) - np.arange(10, 70, 10)).max() < 4


def test_predict_of_folders_and_patterns_sorts_images(model, tmp_path):
    for name in ("b.png", "a.png", "c.jpg"):
        PIL.Image.fromarray(photo()).save(tmp_path / name)
    folder = [result.path.name for result in model.predict(tmp_path, detector=None)]
    pattern = [result.path.name for result in model.predict(str(tmp_path / "*.png"), detector=None)]
    assert folder == ["a.png", "b.png", "c.jpg"]
    assert pattern == ["a.png", "b.png"]


def test_predict_of_a_video_raises(model, tmp_path, capsys):
    movies.write(tmp_path / "a.mp4", count=2)
    for place in (tmp_path / "a.mp4", tmp_path):
        with pytest.raises(InputError, match="track"):
            model.predict(place)
    PIL.Image.fromarray(photo()).save(tmp_path / "b.png")
    assert [result.path.name for result in model.predict(tmp_path, detector=None)] == ["b.png"]
    assert "a.mp4" in capsys.readouterr().err
    PIL.Image.fromarray(photo()).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="predict"):
        next(model.track(tmp_path / "a.png"))


def test_predict_of_an_animated_image_raises(model, tmp_path):
    path = tmp_path / "a.webp"
    frames = [PIL.Image.fromarray(photo((20 + 5 * n, 30))) for n in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, lossless=True)
    with pytest.raises(InputError, match="track"):
        model.predict(path)
    results = list(model.track(path, detector=None))
    assert [(result.frame, round(result.seconds, 4)) for result in results] == [
        (0, 0),
        (1, 0.1),
        (2, 0.2),
    ]


def test_predict_of_a_tiff_returns_a_result_per_page(model, tmp_path):
    path = tmp_path / "scan.tif"
    pages = [PIL.Image.fromarray(photo((20 + 9 * n, 30), (80 + n, 60))) for n in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    results = list(model.predict(path, detector=None))
    assert [(result.path, result.frame) for result in results] == [(path, 0), (path, 1), (path, 2)]
    assert [result.image.shape for result in results] == [(60, 80 + n, 3) for n in range(3)]
    found = [result.keypoints[0, 0, 0] for result in results]
    assert np.abs(np.array(found) - [20, 29, 38]).max() < 4
    assert len(list(model.predict(tmp_path, detector=None))) == 3


@pytest.mark.parametrize("boxes", [[BOX], np.array([BOX])], ids=["list", "array"])
def test_predict_with_boxes_uses_them_as_windows(model, boxes, opened):
    result = model.predict(photo(), boxes=boxes)
    assert result.boxes.tolist() == [list(BOX)]
    assert result.windows.tolist() == [[15, 5, 50, 50]]  # the context is 1.25
    assert opened == []


def test_predict_of_several_images_takes_boxes_for_each(model):
    results = list(model.predict([photo(), photo()], boxes=[[BOX, BOX], []]))
    assert [len(result) for result in results] == [2, 0]
    with pytest.raises(InputError):
        list(model.predict([photo(), photo()], boxes=[[BOX]]))
    for wrong in ([(1, 2, 3)], [(1, 2, 3, float("inf"))], [(1, 2, 0, 3)]):
        with pytest.raises(InputError):
            model.predict(photo(), boxes=wrong)


def test_box_outside_the_image_is_named_in_a_warning(model, capsys):
    model.predict(photo(), boxes=[(1000, 1000, 20, 20)])
    assert "1000" in capsys.readouterr().err


@pytest.mark.parametrize(
    "returned",
    [None, np.ones((3, 4)), (np.ones((1, 4)), np.ones(2)), (np.ones((1, 5)), np.ones(1))],
    ids=str,
)
def test_detector_with_invalid_output_raises(model, returned):
    with pytest.raises(InputError):
        model.predict(photo(), detector=lambda image: returned)


def test_pose_model_of_several_people_is_a_detector(model, opened):
    config = registry.find("movenet_lightning_coco")
    maps = {"centers": 1, "heatmaps": 17, "regressions": 34, "offsets": 34}

    def run(images):
        found = {
            name: np.zeros((len(images), count, 48, 48), np.float32) for name, count in maps.items()
        }
        found["centers"][:, 0, 24, 24] = 0.9
        for k in range(17):
            found["heatmaps"][:, k, 20 + k // 4, 20 + k % 4] = 0.9
            found["regressions"][:, 2 * k : 2 * k + 2, 24, 24] = np.array([k % 4 - 4, k // 4 - 4])
        return found

    several = PoseModel(config, Path("w"), run, "cpu", open_detector=opened.append)
    result = model.predict(photo(), detector=several)
    assert len(result) == 1
    assert opened == []
    assert result.boxes[0, 2] < 40  # the image is 80 px wide


def test_people_with_a_score_below_the_threshold_are_left_out(model):
    scores = iter(())  # of the boxes; those of the joints are 0.9

    image = photo()
    cv2.circle(image, (10, 10), 3, (255, 255, 255), -1)  # of the second person

    def two_boxes(image):
        return np.array([BOX, (4.0, 4.0, 12.0, 12.0)]), next(scores, np.array([0.9, 0.2]))

    def boxes_of(**settings):
        return model.predict(image, **settings).boxes.tolist()

    both = boxes_of(detector=two_boxes, person_threshold=0)
    assert len(both) == 2
    assert boxes_of(detector=two_boxes) == both[:1] == [list(BOX)]
    assert boxes_of(detector=two_boxes, person_threshold=0.1) == both
    assert boxes_of(boxes=[BOX]) == [list(BOX)]
    assert boxes_of(boxes=[BOX], person_threshold=0.95) == []
    frames = [image] * 3
    tracked = [len(result) for result in model.track(frames, detector=two_boxes)]
    assert tracked == [1, 1, 1]
    every = list(model.track(frames, detector=two_boxes, person_threshold=0))
    assert [len(result) for result in every] == [2, 2, 2]
    frames = [image] * 4
    for threshold, expected in ((None, [2, 2, 2, 2]), (0.2, [2, 2, 2, 1])):
        scores = iter([np.array([0.9, 0.4])] * 3 + [np.array([0.9, 0.2])])  # a track, then 0.18
        counts = model.track(frames, detector=two_boxes, detect_every=1, person_threshold=threshold)
        assert [len(result) for result in counts] == expected
    for wrong in ("0.2", True, float("nan")):
        with pytest.raises(InputError, match="person_threshold"):
            model.predict(photo(), person_threshold=wrong)
        with pytest.raises(InputError, match="person_threshold"):
            model.track(frames, person_threshold=wrong)


def test_auto_opens_the_detector_once_for_top_down_networks(model, opened):
    for _ in range(2):
        assert model.predict(photo()).boxes.tolist() == [list(BOX)]
    assert opened == [pose_model.DEFAULT_DETECTOR]
    model.predict(photo(), detector=Path("other.onnx"))
    assert opened == [pose_model.DEFAULT_DETECTOR, "other.onnx"]


def test_auto_uses_whole_images_for_networks_of_several_people(opened):
    config = registry.find("movenet_lightning_coco")
    model = PoseModel(config, Path("w"), brightest, "cpu", open_detector=opened.append)
    assert not model.needs_boxes
    assert model.open_detector("auto") is None
    single = PoseModel(
        with_people(config, 1), Path("w"), brightest, "cpu", open_detector=opened.append
    )
    assert single.needs_boxes


def test_auto_uses_whole_images_for_other_skeletons(opened):
    points = tuple(f"point_{k}" for k in range(16))
    skeleton = Skeleton("things", points, (), (), sigmas=(0.1,) * 16, weights=(1.0,) * 16, upper=())
    config = replace(CONFIG, codec=replace(CONFIG.codec, skeleton=skeleton))
    model = PoseModel(config, Path("w"), brightest, "cpu", open_detector=opened.append)
    assert model.open_detector("auto") is None
    assert len(model.predict(photo())) == 1
    few = replace(skeleton, joints=("nose", "wrist_l", "wrist_r", *points[3:]))
    config = replace(CONFIG, codec=replace(CONFIG.codec, skeleton=few))
    assert PoseModel(config, Path("w"), brightest, "cpu", open_detector=opened.append).needs_boxes


def test_predict_without_people_returns_empty_arrays(model):
    result = model.predict(photo(), detector=no_boxes)
    assert len(result) == 0
    assert result.keypoints.shape == (0, 16, 2)
    assert result.scores.shape == (0, 16)
    assert result.boxes.shape == (0, 4)
    assert result.windows.shape == (0, 4)
    assert result.to_dict()["persons"] == []
    assert result.to_coco(1) == []
    assert result.draw().size == (80, 60)


def test_track_of_a_video_gives_ids(model, tmp_path):
    movies.write(tmp_path / "a.mp4", count=6)
    results = list(model.track(tmp_path / "a.mp4", detector=None))
    assert [result.frame for result in results] == [0, 1, 2, 3, 4, 5]
    assert [result.ids.tolist() for result in results] == [[1]] * 6
    assert results[0].path == tmp_path / "a.mp4"
    untracked = next(model.track(tmp_path / "a.mp4", detector=None, by=None))
    assert untracked.ids.tolist() == []


def test_track_of_frames_gives_ids_and_seconds(model):
    frames = [photo((20 + x, 30)) for x in range(5)]
    results = list(model.track(iter(frames), detector=None, frames_per_second=10.0))
    assert [round(result.seconds, 3) for result in results] == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert [result.ids.tolist() for result in results] == [[1]] * 5
    alone = list(model.track(frames, one_person=True))
    assert [result.ids.tolist() for result in alone] == [[1]] * 5


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_track_gives_ids_at_low_frame_rates(model, rate):
    frames = [photo((20 + x, 30)) for x in range(4)]
    results = list(model.track(frames, detector=None, frames_per_second=rate))
    assert [result.ids.tolist() for result in results] == [[1]] * 4


@pytest.mark.parametrize(("by", "waited"), [("oks", [2, 2, 2, 1, 0]), (None, [0] * 5)])
def test_track_with_ids_is_delayed_by_two_frames(model, by, waited):
    read = []
    frames = (read.append(x) or photo((20 + x, 30)) for x in range(5))
    results = model.track(frames, detector=None, by=by)
    assert [len(read) - result.frame - 1 for result in results] == waited


def test_track_yields_frames_before_an_invalid_one(model):
    frames = [photo((20, 30)), photo((21, 30)), photo((22, 30)), np.zeros((4, 4), np.float32)]
    results = model.track(iter(frames), detector=None)
    assert [next(results).ids.tolist() for _ in range(3)] == [[1]] * 3
    with pytest.raises(InputError):
        next(results)


def test_maps_returns_the_raw_outputs(model):
    images = np.zeros((2, 128, 128, 3), np.uint8)
    assert model.maps(images)["heatmaps"].shape == (2, 1, 16, 32, 32)
    for wrong in (images[0], images.astype(np.float32), images[:, :64]):
        with pytest.raises(InputError):
            model.maps(wrong)


def test_predict_of_a_closed_model_raises(model):
    with model as entered:
        assert entered is model
    with pytest.raises(InputError):
        model.predict(photo(), detector=None)


def test_threads_run_the_network_one_after_another():
    inside, most = [], []

    def run(images):
        inside.append(1)
        most.append(len(inside))
        threading.Event().wait(0.005)
        inside.pop()
        return brightest(images)

    model = PoseModel(CONFIG, Path("w"), run, "cpu", open_detector=lambda name: one_box)
    found = []
    threads = [
        threading.Thread(
            target=lambda x=x: found.append((x, model.predict(photo((x, 30)), detector=None)))
        )
        for x in range(10, 70, 10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1
    assert all(abs(result.keypoints[0, 0, 0] - x) < 4 for x, result in found)
    assert len(found) == 6


def test_predict_uses_the_flip_test_of_the_config():
    calls = []

    def run(images):
        calls.append(len(images))
        return brightest(images)

    config = replace(CONFIG, val=replace(CONFIG.val, flip=True))
    PoseModel(config, Path("w"), run, "cpu", open_detector=lambda name: one_box).predict(
        photo(), detector=None
    )
    assert calls == [1, 1]


@pytest.mark.parametrize(
    ("name", "found"), [("movenet_lightning_coco", 3), ("hourglass52_mpii_256", None)]
)
def test_with_people_changes_networks_of_several_people_only(name, found):
    config = registry.find(name)
    assert with_people(config, None) is config
    assert with_people(config, 3).codec.max_persons == found
    if found:
        with pytest.raises(InputError, match="max_persons"):
            with_people(config, 0)


def test_open_detector_of_a_movenet_finds_several_people(tmp_path, monkeypatch):
    weights = tmp_path / "model.safetensors"
    config = registry.find("movenet_lightning_coco")
    weights.touch()
    with pytest.raises(InputError, match=str(weights)):
        open_detector(weights)
    (tmp_path / registry.FILE_NAME).write_text(registry.to_json(config))
    configs = []
    monkeypatch.setattr(
        pose_model.build,
        "backend",
        lambda config, *others: configs.append(config) or (brightest, "cpu"),
    )
    open_detector(weights)
    open_detector(weights, max_people=2)
    assert [config.codec.max_persons for config in configs] == [MAX_PEOPLE, 2]


def test_load_model_with_missing_file_or_other_backend_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_model("nothing.pdparams")
    (tmp_path / "model.pdparams").touch()
    with pytest.raises(InputError, match="paddle"):
        load_model(tmp_path / "model.pdparams", config="hourglass_tiny_128", backend="onnx")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threads", 0),
        ("threads", 1.5),
        ("fit", "crop"),
        ("backend", "banana"),
        ("device", "cuda"),
        ("device", "gpu:x"),
        ("overrides", ["val.flip"]),
        ("overrides", {1: 2}),
    ],
    ids=str,
)
def test_load_model_with_invalid_argument_raises(tmp_path, name, value):
    (tmp_path / "model.pdparams").touch()
    with pytest.raises(InputError, match=f"^{name}"):
        load_model(tmp_path / "model.pdparams", **{"config": CONFIG.name, name: value})


@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True], ids=repr)
def test_predict_with_invalid_batch_size_raises(model, value):
    with pytest.raises(InputError, match="batch_size"):
        model.predict(photo(), detector=None, batch_size=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("by", "foo"),
        ("detect_every", 0),
        ("frames_per_second", 0),
        ("frames_per_second", float("nan")),
        ("frames_per_second", "25"),
    ],
    ids=str,
)
def test_track_with_invalid_argument_raises_at_the_call(model, name, value):
    with pytest.raises(InputError, match=f"^{name}"):
        model.track([photo()], **{"detector": None, name: value})


@pytest.mark.parametrize(
    "one", [photo(), PIL.Image.fromarray(photo()), 2.5], ids=["array", "pil", "number"]
)
def test_track_of_one_image_raises(model, one):
    with pytest.raises(InputError, match=r"^source: .*predict"):
        model.track(one, detector=None)


def test_track_accepts_an_array_of_frames(model):
    assert len(list(model.track(np.stack([photo(), photo()]), detector=None))) == 2


@pytest.mark.parametrize(
    ("images", "hint"),
    [
        ([np.zeros(3, np.uint8)], "np.stack"),
        (np.zeros((128, 128, 3), np.uint8), r"images\[None\]"),
        (np.zeros((1, 64, 64, 3), np.uint8), "predict"),
    ],
    ids=["list", "single", "size"],
)
def test_maps_with_invalid_images_names_the_alternative(model, images, hint):
    with pytest.raises(InputError, match=hint):
        model.maps(images)


def test_unreachable_detector_error_states_the_alternatives(monkeypatch):
    def unreachable(*arguments, **options):
        raise ConnectionError("no network")

    monkeypatch.setattr(pose_model.zoo, "locate", unreachable)
    model = PoseModel(CONFIG, Path("w"), brightest, "cpu", open_detector=open_detector)
    with pytest.raises(ConnectionError, match=r"no network.*detector=None.*boxes="):
        model.predict(photo())
    environment.use_flag_names()
    with pytest.raises(ConnectionError, match="--detector none"):
        open_detector(pose_model.DEFAULT_DETECTOR)


def test_people_of_another_programs_network_are_in_image_px(tmp_path):
    """A YOLO-pose network with one person, in an image of 200 x 100 px letterboxed to 64 x 64."""
    rows = np.zeros((1, 84, 56), np.float32)
    rows[0, 5, :5] = [32, 32, 16, 24, 0.75]
    rows[0, 5, 5:] = np.tile([32, 20, 0.5], 17)
    network = write_constant(tmp_path / "yolo.onnx", {"y": rows}, shape=(1, 3, 64, 64))
    with load_model(network, threads=1) as model:
        assert not model.needs_boxes
        result = model.predict(np.zeros((100, 200, 3), np.uint8))
        video = list(model.track([np.zeros((100, 200, 3), np.uint8)] * 3))
        assert not len(
            load_model(network, threads=1, overrides={"codec.min_score": 0.8})
            .predict(np.zeros((100, 200, 3), np.uint8))
            .scores
        )
    # 200 / 64 px of the image per px of the input; 50 px of border above
    np.testing.assert_allclose(result.keypoints, np.tile([100, 20 * 3.125 - 50], (1, 17, 1)))
    np.testing.assert_allclose(result.scores, np.full((1, 17), 0.5))
    assert [len(one.ids) for one in video] == [1, 1, 1]


def test_what_lies_outside_an_image_has_the_grey_of_the_network(tmp_path):
    rows = np.zeros((1, 84, 56), np.float32)
    network = write_constant(tmp_path / "yolo.onnx", {"y": rows}, shape=(1, 3, 64, 64))
    seen = []
    for border in (114, 3):
        model = load_model(network, threads=1, overrides={"codec.border": border})
        image = np.full((100, 200, 3), 255, np.uint8)
        model.predictor()(image, on_maps=lambda one: seen.append(one[0]))
        assert seen[-1][2, 30].tolist() == [border] * 3
        assert seen[-1][32, 30].tolist() == [255] * 3

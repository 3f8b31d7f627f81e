"""Recognition of constructed pose networks of other programs, also of formats with the same shapes.

The outputs of most networks are constant arrays.
"""

import itertools

import numpy as np
import pytest
from helpers.foreign_onnx import write_constant, write_linear

from paddle_pose.errors import InputError
from paddle_pose.inference.detection.grid import count_cells
from paddle_pose.inference.foreign_pose import (
    POSE_FORMATS,
    ForeignPose,
    open_pose_file,
)

SIZE = (64, 96)  # of the input
CELLS = count_cells(SIZE)  # 126
NO_NAMES = ("x", "y")
YOLO_NAMES = ("images", "output0")
POSE = {"author": "Ultralytics", "task": "pose", "kpt_shape": "[17, 3]"}


def zeros(*shape):
    return np.zeros((1, *shape), np.float32)


def write(tmp_path, outputs, names=NO_NAMES, size=SIZE, **options):
    """Writes a network with one output, or a dict of them; its input has channels first."""
    outputs = outputs if isinstance(outputs, dict) else {names[1]: outputs}
    options.setdefault("shape", (1, 3, size[1], size[0]))
    return write_constant(tmp_path / "pose.onnx", outputs, input_name=names[0], **options)


def opened(path, **options):
    return open_pose_file(path, device="cpu", threads=1, **options)


def candidates(error):
    """Returns the formats that a message names."""
    words = str(error.value).replace(",", " ").replace(";", " ").split()
    return [word for word in words if word in POSE_FORMATS]


@pytest.mark.parametrize(
    ("outputs", "format", "joints", "scale"),
    [
        pytest.param({"a": zeros(17, 128), "b": zeros(17, 192)}, "simcc", 17, 2, id="simcc"),
        pytest.param({"a": zeros(26, 192), "b": zeros(26, 288)}, "simcc", 26, 3, id="ratio-3"),
        pytest.param({"a": zeros(17, 192), "b": zeros(17, 128)}, "simcc", 17, 2, id="y-before-x"),
        pytest.param(
            {"a": zeros(128, 17), "b": zeros(192, 17)}, "simcc-transposed", 17, 2, id="bins-first"
        ),
        pytest.param(zeros(17, 24, 16), "heatmaps", 17, 4, id="heatmaps"),
        pytest.param(zeros(16, 48, 32), "heatmaps", 16, 2, id="stride-2"),
        pytest.param(zeros(12, 8, 17), "heatmaps-transposed", 17, 8, id="joints-last"),
        pytest.param(
            {"a": zeros(17, 24, 16), "b": zeros(17, 24, 16)}, "heatmaps", 17, 4, id="two-stages"
        ),
        pytest.param(
            {"cells": zeros(17), "maps": zeros(17, 24, 16)}, "heatmaps", 17, 4, id="with-cells"
        ),
        pytest.param(
            {"labels": zeros(9), "keypoints": zeros(9, 17, 3), "dets": zeros(9, 5)},
            "rtmo",
            17,
            0,
            id="rtmo-with-labels",
        ),
        pytest.param(zeros(56, CELLS), "yolo-pose", 17, 0, id="yolo"),
        pytest.param(zeros(CELLS, 56), "yolo-pose-transposed", 17, 0, id="yolo-cells-first"),
        pytest.param(zeros(CELLS, 5 + 3 * 9), "yolo-pose-transposed", 9, 0, id="nine-joints"),
        pytest.param(zeros(CELLS + 2, 56), "yolo-pose-transposed", 17, 0, id="four-strides"),
        pytest.param(zeros(80, 56), "yolo-pose-transposed", 17, 0, id="other-cells"),
        pytest.param(zeros(300, 57), "yolo-pose-end-to-end", 17, 0, id="end-to-end"),
        pytest.param({"dets": zeros(9, 5), "keypoints": zeros(9, 17, 3)}, "rtmo", 17, 0, id="rtmo"),
        pytest.param({"b": zeros(9, 14, 3), "a": zeros(9, 5)}, "rtmo", 14, 0, id="rtmo-other-way"),
        pytest.param(zeros(6, 56), "multipose", 17, 0, id="multipose"),
    ],
)
@pytest.mark.parametrize("open_outputs", [False, True])
def test_a_format_is_recognized_by_shapes(tmp_path, outputs, format, joints, scale, open_outputs):
    file = opened(write(tmp_path, outputs, open_outputs=open_outputs))
    assert (file.format, file.reading.joints, file.reading.scale) == (format, joints, scale)
    assert file.layout.size == SIZE
    assert opened(file.network.path, format=format).format == format


@pytest.mark.parametrize(
    ("outputs", "size", "expected"),
    [
        pytest.param(
            zeros(56, 56), SIZE, ["yolo-pose", "yolo-pose-transposed"], id="56-candidates"
        ),
        pytest.param(zeros(6, 56), (16, 16), ["yolo-pose-transposed", "multipose"], id="six-cells"),
        pytest.param(
            zeros(16, 16, 16), (64, 64), ["heatmaps", "heatmaps-transposed"], id="square-maps"
        ),
        pytest.param(
            {"a": zeros(128, 128), "b": zeros(128, 128)},
            (64, 64),
            ["simcc", "simcc-transposed"],
            id="square-vectors",
        ),
        pytest.param(zeros(53, 56), SIZE, ["yolo-pose", "yolo-pose-transposed"], id="mpii-or-coco"),
        pytest.param(
            zeros(56, 57), SIZE, ["yolo-pose", "yolo-pose-end-to-end"], id="57-candidates"
        ),
    ],
)
def test_what_fits_two_formats_names_both_and_is_decided_by_the_caller(
    tmp_path, outputs, size, expected
):
    path = write(tmp_path, outputs, size=size)
    with pytest.raises(InputError) as refused:
        opened(path)
    assert candidates(refused) == expected
    assert "model.format" in str(refused.value) or "--weights_format" in str(refused.value)
    for format in expected:
        assert opened(path, format=format).format == format


def test_metadata_names_and_the_layout_of_the_input_decide(tmp_path):
    transposed = zeros(56, 57)
    assert (
        opened(write(tmp_path, transposed, metadata=POSE | {"end2end": "True"})).format
        == "yolo-pose-end-to-end"
    )
    six = {"shape": (1, 16, 16, 3), "dtype": "INT32"}
    assert opened(write(tmp_path, zeros(6, 56), **six)).format == "multipose"
    six = zeros(6, 56)
    assert opened(write(tmp_path, six, YOLO_NAMES, (16, 16))).format == "yolo-pose-transposed"
    stated = POSE | {"kpt_shape": "[9, 3]"}
    file = opened(write(tmp_path, zeros(5 + 3 * 9, 50), metadata=stated))
    assert (file.format, file.reading.joints) == ("yolo-pose", 9)


def test_of_a_square_input_names_tell_x_and_y_else_x_is_first(tmp_path):
    vectors = [zeros(17, 128), zeros(17, 128)]
    named = dict(zip(("simcc_y", "simcc_x"), vectors, strict=True))
    plain = dict(zip(("p", "q"), vectors, strict=True))
    file = opened(write(tmp_path, named, size=(64, 64)))
    assert (file.reading.order, file.reading.remark) == ((1, 0), "")
    file = opened(write(tmp_path, plain, size=(64, 64)))
    assert file.reading.order == (0, 1)
    assert "p" in file.reading.remark.split()


@pytest.mark.parametrize(
    ("outputs", "options", "named"),
    [
        pytest.param(zeros(85, CELLS), {}, "detector", id="detector"),
        pytest.param(
            zeros(56, CELLS), {"metadata": {"task": "detect"}}, "detector", id="52-classes"
        ),
        pytest.param(
            zeros(56, CELLS), {"metadata": {"task": "segment"}}, "1, 56", id="segmentation"
        ),
        pytest.param(zeros(1, 17, 3), {}, "1, 1, 17, 3", id="movenet"),
        pytest.param(zeros(1000), {}, "1, 1000", id="classifier"),
        pytest.param(
            zeros(56, CELLS),
            {"metadata": POSE | {"kpt_shape": "[17, 2]"}},
            "1, 56",
            id="no-scores",
        ),
        pytest.param({"a": zeros(17, 100), "b": zeros(17, 192)}, {}, "1, 17, 100", id="two-ratios"),
        pytest.param(zeros(17, 24, 17), {}, "1, 17, 24, 17", id="two-strides"),
        pytest.param(
            {"a": zeros(17, 24, 16), "b": zeros(17, 48, 32)}, {}, "1, 17, 48, 32", id="two-sizes"
        ),
        pytest.param(zeros(17, 24, 16), {"shape": (1, 1, 96, 64)}, "1, 1, 96, 64", id="grey"),
        pytest.param(zeros(17, 24, 16), {"shape": (8, 3, 96, 64)}, "8 images", id="batch-of-8"),
        pytest.param(
            zeros(17, 24, 16), {"more_inputs": {"boxes": [1, 4]}}, "boxes", id="two-inputs"
        ),
        pytest.param(zeros(17, 24, 16), {"dtype": "BOOL"}, "bool", id="bool"),
    ],
)
def test_other_networks_are_refused_with_what_they_are(tmp_path, outputs, options, named):
    path = write(tmp_path, outputs, **options)
    with pytest.raises(InputError) as refused:
        opened(path)
    assert str(path) in str(refused.value)
    assert named in str(refused.value)


def test_damaged_files_give_one_error(tmp_path):
    good = write(tmp_path, zeros(17, 24, 16))
    for name, content in (
        ("cut.onnx", good.read_bytes()[:-200]),
        ("text.onnx", b"these are no weights\n"),
        ("empty.onnx", b""),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(InputError, match=name):
            opened(path)
    with pytest.raises(FileNotFoundError, match=r"missing\.onnx"):
        opened(tmp_path / "missing.onnx")


def test_a_stated_format_or_size_must_fit(tmp_path):
    path = write(tmp_path, zeros(17, 24, 16))
    with pytest.raises(InputError) as refused:
        opened(path, format="simcc")
    assert candidates(refused) == ["simcc", "heatmaps"]
    with pytest.raises(InputError, match="64x96"):
        opened(path, size=(96, 96))
    with pytest.raises(InputError, match="simcc"):
        opened(path, format="openpose")


def test_an_input_without_a_size_has_the_usual_one_or_the_stated_one(tmp_path):
    path = write_linear(tmp_path / "open.onnx", 17, (None, None), batch=None)
    assert opened(path).layout.size == (192, 256)
    assert opened(path, size=(64, 96)).layout.size == (64, 96)
    file = opened(write(tmp_path, zeros(6, 56), shape=("n", "h", "w", 3), dtype="INT32"))
    assert (file.format, file.layout.size) == ("multipose", (256, 256))
    file = opened(write(tmp_path, zeros(56, 8400), shape=("n", 3, "h", "w")))
    assert (file.format, file.layout.size) == ("yolo-pose", (640, 640))
    sized = {"metadata": POSE | {"imgsz": "[96, 64]"}, "shape": ("n", 3, "h", "w")}
    path = write(tmp_path, zeros(56, CELLS), **sized)
    assert opened(path).layout.size == (64, 96)
    assert opened(path, size=(128, 128)).layout.size == (128, 128)


@pytest.mark.parametrize(
    ("channels_last", "batch", "dtype", "order"),
    list(
        itertools.product(
            (False, True), (1, None), ("FLOAT", "FLOAT16", "UINT8", "INT32"), ("rgb", "bgr")
        )
    ),
)
def test_images_are_given_as_the_network_wants_them(tmp_path, channels_last, batch, dtype, order):
    """The network weighs the channels, so that each of them must be where it belongs."""
    path = write_linear(
        tmp_path / "net.onnx", 17, SIZE, batch=batch, channels_last=channels_last, dtype=dtype
    )
    file = opened(path)
    is_integer = dtype in ("UINT8", "INT32")
    assert file.preprocessing[1] == ((0, 0, 0) if is_integer else (123.675, 116.28, 103.53))
    _, mean, deviation = file.preprocessing
    images = np.random.default_rng(0).integers(0, 256, (3, SIZE[1], SIZE[0], 3), np.uint8)
    maps = ForeignPose(file, order, mean, deviation)(images)["heatmaps"]
    assert maps.shape == (3, 1, 17, 24, 16)
    values = (images - np.array(mean)) / np.array(deviation)
    values = values[..., ::-1] if order == "bgr" else values
    cells = values.reshape(3, 24, 4, 16, 4, 3).mean(axis=(2, 4))  # N, h, w, 3
    expected = np.moveaxis(cells @ (np.arange(3 * 17).reshape(17, 3).T + 1.0), -1, 1)
    error = np.abs(maps[:, 0] - expected).max() / np.abs(expected).max()
    assert error < (2e-2 if dtype == "FLOAT16" else 1e-5)


def people_of(tmp_path, outputs, size=(100, 200), images=2, **options):
    """Returns the candidates of a run."""
    file = opened(write(tmp_path, outputs, size=size, **options))
    backend = ForeignPose(file, *file.preprocessing)
    return backend(np.zeros((images, size[1], size[0], 3), np.uint8))["people"]


CORNERS = np.array([10, 20, 40, 80, 0.9])
JOINTS = np.random.default_rng(1).uniform(0, 1, (17, 3)) * [100, 200, 1]
EXPECTED = [*CORNERS, *JOINTS.ravel()]


def test_candidates_of_all_formats_are_the_same_people(tmp_path):
    """(x0, y0, x1, y1, score), then x, y, score of each joint, in input px."""
    cells = count_cells((100, 200))
    yolo = zeros(cells, 56)
    yolo[0, 7] = [25, 50, 30, 60, 0.9, *JOINTS.ravel()]
    for outputs in (yolo, yolo.swapaxes(1, 2)):
        people = people_of(tmp_path, np.ascontiguousarray(outputs))
        np.testing.assert_allclose(people[:, 7], [EXPECTED] * 2, rtol=1e-6)
        assert not people[:, 8].any()
    ended = zeros(300, 57)
    ended[0, 1] = [*CORNERS, 0, *JOINTS.ravel()]
    ended[0, 2] = [*CORNERS, 1, *JOINTS.ravel()]  # of another class
    people = people_of(tmp_path, ended)
    np.testing.assert_allclose(people[:, 1], [EXPECTED] * 2, rtol=1e-6)
    assert not people[:, 2, 4].any()
    six = zeros(6, 56)
    shares = JOINTS[:, [1, 0, 2]] / [200, 100, 1]
    six[0, 3] = [*shares.ravel(), 0.1, 0.1, 0.4, 0.4, 0.9]
    people = people_of(tmp_path, six)
    np.testing.assert_allclose(people[:, 3], [EXPECTED] * 2, rtol=1e-5)
    dets = {"keypoints": JOINTS[None, None].astype(np.float32), "dets": CORNERS[None, None]}
    dets["dets"] = dets["dets"].astype(np.float32)
    people = people_of(tmp_path, dets)
    np.testing.assert_allclose(people[:, 0], [EXPECTED] * 2, rtol=1e-6)


def test_result_without_people_has_no_candidate(tmp_path):
    nobody = {"dets": zeros(0, 5), "keypoints": zeros(0, 17, 3)}
    assert people_of(tmp_path, nobody).shape == (2, 0, 56)


def test_vectors_of_all_forms_are_the_same(tmp_path):
    rng = np.random.default_rng(2)
    x, y = (rng.normal(size=(1, 17, 2 * side)).astype(np.float32) for side in SIZE)
    forms = [{"a": x, "b": y}, {"a": y, "b": x}]
    forms.append({"a": x.swapaxes(1, 2).copy(), "b": y.swapaxes(1, 2).copy()})
    for outputs in forms:
        file = opened(write(tmp_path, outputs))
        maps = ForeignPose(file, *file.preprocessing)(np.zeros((1, 96, 64, 3), np.uint8))
        np.testing.assert_array_equal(maps["simcc_x"], x)
        np.testing.assert_array_equal(maps["simcc_y"], y)


def test_heatmaps_of_all_forms_are_the_same(tmp_path):
    maps = np.random.default_rng(3).normal(size=(1, 17, 24, 16)).astype(np.float32)
    last = np.ascontiguousarray(np.moveaxis(maps, 1, -1))
    stages = {"first": np.zeros_like(maps), "second": maps}
    with_cells = {"cells": np.zeros((1, 17), np.int64), "maps": maps}
    for outputs in (maps, last, stages, with_cells):
        file = opened(write(tmp_path, outputs))
        found = ForeignPose(file, *file.preprocessing)(np.zeros((2, 96, 64, 3), np.uint8))
        np.testing.assert_array_equal(found["heatmaps"][:, -1], np.repeat(maps, 2, axis=0))

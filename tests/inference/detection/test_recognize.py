"""Recognition of constructed files, also of families with the same shapes.

The outputs of a network are constant arrays.
"""

import numpy as np
import pytest
from helpers.foreign_onnx import write_constant

from paddle_pose.backends.foreign_onnx import ForeignOnnx
from paddle_pose.errors import InputError
from paddle_pose.inference.detection.grid import grid_cells
from paddle_pose.inference.detection.recognize import (
    DETECTOR_FORMATS,
    InputLayout,
    person_class,
    read_layout,
    recognize,
)

# Of the input. 64 x 64 would have 84 cells, as many as the channels of 80 classes.
SIZE = (96, 64)
N = 126  # cells; two more with a stride of 64
DETECT = {"author": "Ultralytics", "task": "detect", "stride": "32", "imgsz": "[64, 64]"}
YOLOX_NAMES = ("images", "output")
ULTRALYTICS_NAMES = ("images", "output0")
NANODET_NAMES = ("data", "output")
NO_NAMES = ("x", "y")


def names_of(count):
    return str({n: "person" if n == 0 else f"thing {n}" for n in range(count)})


def rows_of(columns, pixels):
    """Returns [1, N, columns] with x and y in input px, or small numbers as of a raw YOLOX."""
    rows = np.random.default_rng(0).uniform(0, 1, (1, N, columns)).astype(np.float32)
    if pixels:
        cells, strides = grid_cells(SIZE)
        rows[0, :, :2] = (rows[0, :, :2] + cells) * strides
    return rows


def recognized(tmp_path, outputs, names=NO_NAMES, file="model.onnx", format=None, **options):
    """Returns the format that a file with one output, or a dict of them, is recognised as."""
    if not isinstance(outputs, dict):
        outputs = {names[1]: outputs}
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    network = ForeignOnnx(
        write_constant(path, outputs, input_name=names[0], shape=(1, 3, *SIZE[::-1]), **options),
        device="cpu",
        threads=1,
    )
    layout = read_layout(network)

    def run():
        return network(layout(np.full((1, 3, *layout.size[::-1]), 114, np.float32)))

    return recognize(network, layout, run, format)


def zeros(*shape):
    return np.zeros((1, *shape), np.float32)


def candidates(error):
    """Returns the formats that a message names, in its order."""
    words = str(error.value).replace(",", " ").replace(":", " ").replace(";", " ").split()
    return [word for word in words if word in DETECTOR_FORMATS]


@pytest.mark.parametrize(
    ("rows", "names", "expected"),
    [
        pytest.param(rows_of(6, False), NO_NAMES, "yolox", id="people-raw"),
        pytest.param(rows_of(6, False), YOLOX_NAMES, "yolox", id="people-raw-names"),
        pytest.param(rows_of(6, True), YOLOX_NAMES, "yolox-decoded", id="people-decoded"),
        pytest.param(rows_of(85, False), NO_NAMES, "yolox", id="coco-raw"),
        pytest.param(rows_of(85, True), YOLOX_NAMES, "yolox-decoded", id="coco-decoded"),
        pytest.param(
            rows_of(84, True), ULTRALYTICS_NAMES, "ultralytics-transposed", id="coco-transposed"
        ),
        pytest.param(rows_of(5, True), NO_NAMES, "ultralytics-transposed", id="people-transposed"),
        pytest.param(zeros(5, N), NO_NAMES, "ultralytics", id="people-ultralytics"),
        pytest.param(zeros(80, N), NO_NAMES, "ultralytics", id="ultralytics"),
        pytest.param(zeros(300, 6), NO_NAMES, "end-to-end", id="end-to-end"),
        pytest.param(zeros(N, 112), NANODET_NAMES, "nanodet", id="nanodet"),
        pytest.param(zeros(N, 33), NANODET_NAMES, "nanodet", id="nanodet-people"),
        pytest.param(zeros(N + 2, 112), NO_NAMES, "nanodet", id="nanodet-plus"),
    ],
)
@pytest.mark.parametrize("open_outputs", [False, True])
def test_one_output_is_recognized(tmp_path, rows, names, expected, open_outputs):
    assert recognized(tmp_path, rows, names, open_outputs=open_outputs) == expected


@pytest.mark.parametrize(
    ("rows", "names", "expected"),
    [
        pytest.param(
            rows_of(6, True),
            NO_NAMES,
            ["yolox-decoded", "ultralytics-transposed", "end-to-end"],
            id="six-columns",
        ),
        pytest.param(
            rows_of(6, True),
            ULTRALYTICS_NAMES,
            ["ultralytics-transposed", "end-to-end"],
            id="six-names",
        ),
        pytest.param(
            rows_of(85, True),
            NO_NAMES,
            ["yolox-decoded", "ultralytics-transposed"],
            id="85-columns",
        ),
        pytest.param(
            rows_of(112, True),
            NO_NAMES,
            ["yolox-decoded", "ultralytics-transposed"],
            id="112-columns",
        ),
        pytest.param(rows_of(112, False), NO_NAMES, ["nanodet", "yolox"], id="112-columns-raw"),
        pytest.param(
            zeros(N, N), ULTRALYTICS_NAMES, ["ultralytics", "ultralytics-transposed"], id="square"
        ),
        pytest.param(
            np.full((1, N, 85), 999, np.float32),
            YOLOX_NAMES,
            ["yolox", "yolox-decoded"],
            id="neither",
        ),
    ],
)
def test_a_file_that_fits_two_families_is_refused_and_a_format_decides(
    tmp_path, rows, names, expected
):
    with pytest.raises(InputError) as error:
        recognized(tmp_path, rows, names)
    assert candidates(error) == expected
    for format in expected:
        assert recognized(tmp_path, rows, names, format=format) == format


@pytest.mark.parametrize(
    ("rows", "metadata", "expected"),
    [
        pytest.param(zeros(N, N), {**DETECT, "names": names_of(81)}, None, id="no-count-fits"),
        pytest.param(
            rows_of(84, True),
            {**DETECT, "names": names_of(80)},
            "ultralytics-transposed",
            id="80-classes",
        ),
        pytest.param(
            rows_of(6, True), {**DETECT, "names": names_of(1)}, "end-to-end", id="one-class"
        ),
        pytest.param(rows_of(6, True), {**DETECT, "end2end": "True"}, "end-to-end", id="end2end"),
        pytest.param(rows_of(6, True), {**DETECT, "args": "{'nms': True}"}, "end-to-end", id="nms"),
        pytest.param(rows_of(85, True), DETECT, "ultralytics-transposed", id="author"),
        pytest.param(
            zeros(56, N), {**DETECT, "names": names_of(52)}, "ultralytics", id="52-classes"
        ),
    ],
)
def test_the_files_own_metadata_decides(tmp_path, rows, metadata, expected):
    if expected is None:
        with pytest.raises(InputError):
            recognized(tmp_path, rows, metadata=metadata)
    else:
        assert recognized(tmp_path, rows, metadata=metadata) == expected


@pytest.mark.parametrize(
    "names", [("dets", "labels"), ("labels", "dets"), ("a", "b")], ids="-".join
)
@pytest.mark.parametrize("open_outputs", [False, True])
def test_boxes_and_labels_are_recognized_by_the_files_name(tmp_path, names, open_outputs):
    boxes, labels = np.zeros((1, 7, 5), np.float32), np.zeros((1, 7), np.int64)
    outputs = {name: labels if name in ("labels", "b") else boxes for name in names}
    options = {"open_outputs": open_outputs and names != ("a", "b")}
    for file, expected in (
        ("yolox_m_humanart.onnx", "yolox-nms"),
        ("RTMDet-nano.onnx", "rtmdet"),
        ("rtmdet_nano_320/end2end.onnx", "rtmdet"),
        ("yolox_tiny/rtmdet.onnx", "rtmdet"),
    ):
        assert recognized(tmp_path, outputs, file=file, **options) == expected
    for file in ("end2end.onnx", "yolox_or_rtmdet.onnx"):
        with pytest.raises(InputError) as error:
            recognized(tmp_path, outputs, file=file, **options)
        assert candidates(error) == ["yolox-nms", "rtmdet"]
    assert recognized(tmp_path, outputs, file="yolox.onnx", format="rtmdet", **options) == "rtmdet"


@pytest.mark.parametrize("strides", [(8, 16, 32), (8, 16, 32, 64)], ids=["three", "four"])
def test_nanodets_heads_are_recognized_by_their_lengths(tmp_path, strides):
    outputs = {}
    for stride in strides:
        count = -(-SIZE[0] // stride) * -(-SIZE[1] // stride)
        outputs[f"{stride}"] = zeros(count, 80)
        outputs[f"{stride}0"] = zeros(count, 32)
    assert recognized(tmp_path, outputs) == "nanodet"
    outputs["8"] = zeros(95, 80)
    with pytest.raises(InputError):
        recognized(tmp_path, outputs)


@pytest.mark.parametrize(
    ("outputs", "metadata", "word", "choices"),
    [
        pytest.param({"a": zeros(6, 56)}, {}, "MultiPose", [], id="multipose"),
        pytest.param({"a": zeros(1, 17, 3)}, {}, "MoveNet", [], id="movenet"),
        pytest.param({"a": zeros(56, N)}, {}, "YOLO-pose", ["ultralytics"], id="yolo-pose"),
        pytest.param(
            {"a": zeros(N, 56)},
            {},
            "YOLO-pose",
            ["yolox", "yolox-decoded", "ultralytics-transposed"],
            id="yolo-pose-transposed",
        ),
        pytest.param({"a": zeros(300, 57)}, {}, "YOLO-pose", [], id="yolo-pose-end-to-end"),
        pytest.param({"a": zeros(5, N)}, {**DETECT, "task": "pose"}, "'pose'", [], id="task-pose"),
        pytest.param({"a": zeros(5, N)}, {**DETECT, "task": "obb"}, "'obb'", [], id="task-obb"),
        pytest.param(
            {"a": zeros(56, N)}, {"kpt_shape": "[17, 3]"}, "Ultralytics", [], id="kpt-shape"
        ),
        pytest.param(
            {"simcc_x": zeros(17, 384), "simcc_y": zeros(17, 512)}, {}, "SimCC", [], id="simcc"
        ),
        pytest.param(
            {"dets": zeros(9, 5), "keypoints": zeros(9, 17, 3)}, {}, "RTMO", [], id="rtmo"
        ),
        pytest.param({"a": zeros(17, 64, 48)}, {}, "maps", [], id="heatmaps"),
        pytest.param({"a": zeros(300, 4), "b": zeros(300, 80)}, {}, "DETR", [], id="detr"),
        pytest.param(
            {"dets": zeros(300, 4), "labels": zeros(300, 91)}, {}, "DETR", [], id="rf-detr"
        ),
        pytest.param(
            {"a": zeros(300, 84)}, {**DETECT, "names": names_of(80)}, "DETR", [], id="rt-detr"
        ),
        pytest.param({"a": zeros(5, N)}, {"paddle_pose": "{}"}, "this project", [], id="ours"),
    ],
)
def test_other_networks_are_refused_with_their_kind(tmp_path, outputs, metadata, word, choices):
    with pytest.raises(InputError, match=word) as error:
        recognized(tmp_path, outputs, metadata=metadata)
    assert candidates(error) == choices
    for format in choices:
        assert recognized(tmp_path, outputs, metadata=metadata, format=format) == format


def test_another_task_in_the_metadata_is_refused_with_any_format(tmp_path):
    with pytest.raises(InputError):
        recognized(
            tmp_path, zeros(56, N), metadata={**DETECT, "task": "pose"}, format="ultralytics"
        )


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((3 * N, 85), id="anchors"),
        pytest.param((100, 7), id="seven"),
        pytest.param((84,), id="flat"),
    ],
)
def test_unknown_outputs_are_refused_with_the_known_formats(tmp_path, shape):
    with pytest.raises(InputError) as error:
        recognized(tmp_path, zeros(*shape))
    assert candidates(error) == list(DETECTOR_FORMATS)


def test_a_format_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(InputError) as error:
        recognized(tmp_path, zeros(5, N), format="nanodet")
    assert candidates(error) == ["nanodet", "ultralytics"]
    with pytest.raises(InputError) as error:
        recognized(tmp_path, zeros(5, N), format="ssd")
    assert candidates(error) == list(DETECTOR_FORMATS)


def layout_of(tmp_path, shape, **options):
    path = write_constant(tmp_path / "model.onnx", {"a": zeros(300, 6)}, shape=shape, **options)
    return read_layout(ForeignOnnx(path, device="cpu", threads=1))


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        pytest.param(
            (1, 3, 64, 96), "FLOAT", InputLayout((96, 64), False, "float32"), id="channels-first"
        ),
        pytest.param(
            ("n", 64, 96, 3), "FLOAT16", InputLayout((96, 64), True, "float16"), id="channels-last"
        ),
        pytest.param(
            ("n", 3, "h", "w"), "FLOAT", InputLayout((640, 640), False, "float32"), id="open"
        ),
        pytest.param(
            ("n", 3, "h", 320), "FLOAT", InputLayout((320, 640), False, "float32"), id="half-open"
        ),
    ],
)
def test_the_layout_of_the_input_is_read(tmp_path, shape, dtype, expected):
    layout = layout_of(tmp_path, shape, dtype=dtype)
    assert layout == expected
    pixels = layout(np.zeros((1, 3, *layout.size[::-1]), np.float32))
    assert pixels.dtype == expected.dtype
    assert list(pixels.shape) == [
        {"n": 1, "h": 640, "w": 640}.get(length, length) for length in shape
    ]


def test_the_metadata_states_an_open_size(tmp_path):
    layout = layout_of(tmp_path, (1, 3, "h", "w"), metadata={**DETECT, "imgsz": "[64, 96]"})
    assert layout.size == (96, 64)
    for text in ("64", "[0, 64]", "open("):
        assert layout_of(tmp_path, (1, 3, "h", "w"), metadata={"imgsz": text}).size == (640, 640)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        pytest.param((4, 3, 64, 64), {}, id="four-images"),
        pytest.param((1, 1, 64, 64), {}, id="gray"),
        pytest.param((1, 3, 64), {}, id="three-axes"),
        pytest.param((1, 3, 64, 64), {"dtype": "UINT8"}, id="uint8"),
        pytest.param((1, 3, 64, 64), {"more_inputs": {"scale_factor": (1, 2)}}, id="two-inputs"),
        pytest.param((1, 3, 64, 64), {"more_inputs": {"orig_target_sizes": (1, 2)}}, id="detr"),
    ],
)
def test_an_input_that_is_no_float_image_is_refused(tmp_path, shape, options):
    with pytest.raises(InputError, match=r"model\.onnx"):
        layout_of(tmp_path, shape, **options)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("", 0),
        ("{0: 'person', 1: 'bicycle'}", 0),
        ("{0: 'car', 2: 'Pedestrian'}", 2),
        ("['car', 'person']", 1),
        ("{3: 'skater'}", 3),
        ("__import__('os')", 0),
        ("{0: 'car', 1: 'bicycle'}", None),
    ],
    ids=["none", "coco", "other-place", "list", "one-class", "code", "no-people"],
)
def test_the_class_of_people_is_found_by_its_name(tmp_path, names, expected):
    path = write_constant(tmp_path / "model.onnx", {"a": zeros(300, 6)}, metadata={"names": names})
    network = ForeignOnnx(path, device="cpu", threads=1)
    if expected is None:
        with pytest.raises(InputError, match="car, bicycle"):
            person_class(network)
    else:
        assert person_class(network) == expected

from pathlib import Path

import numpy as np
import pytest

from paddle_pose.commands.export import build_parser, check, in_batches, put_in_place, target_of
from paddle_pose.exporting.verify import Difference


def flags(*words):
    return build_parser().parse_args(["--weights", "run/last/model.pdparams", *words])


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ((), "run/last/model.onnx"),
        (("--format", "openvino", "--decode"), "run/last/model_decoded.xml"),
        (("--format", "paddle"), "run/last/model.json"),
        (("--int8", "--decode"), "run/last/model_decoded_int8.onnx"),
        (("--output", "there/pose.onnx"), "there/pose.onnx"),
    ],
)
def test_the_file_s_name(words, name):
    assert target_of(flags(*words)) == Path(name)


def test_a_name_of_another_format_is_refused():
    with pytest.raises(ValueError, match=r"--output pose.onnx: --format openvino is written as \*.xml"):
        target_of(flags("--format", "openvino", "--output", "pose.onnx"))


def test_one_image_first_then_several():
    images = np.arange(20)
    assert [len(batch) for batch in in_batches(images)] == [1, 8, 8, 3]
    assert np.concatenate(list(in_batches(images))).tolist() == images.tolist()


NEAR, FAR = np.full(9, 0.1), np.array([0.1] * 8 + [30.0])


def test_a_network_that_agrees_passes():
    check(Difference(1e-6, NEAR), int8=False, tolerance=None)
    check(Difference(float("nan"), NEAR), int8=False, tolerance=None)
    check(Difference(0.1, FAR), int8=True, tolerance=None)


@pytest.mark.parametrize(
    ("difference", "int8", "tolerance"),
    [
        (Difference(1e-6, FAR), False, None),
        (Difference(0.01, NEAR), False, None),
        (Difference(1e-6, NEAR), False, 0.05),
        (Difference(float("inf"), NEAR), False, None),
        (Difference(float("nan"), np.full(3, np.inf)), False, None),
        (Difference(0.1, FAR[::-1] + 5), True, None),
    ],
)
def test_a_network_that_differs_fails(difference, int8, tolerance):
    with pytest.raises(ValueError, match=r"differs from the live one: .* nothing was written"):
        check(difference, int8, tolerance)


def test_nothing_compared_is_not_agreement():
    with pytest.raises(ValueError, match="no keypoint could be compared: give --pictures"):
        check(Difference(0.0, np.zeros(0), 16), int8=False, tolerance=None)


def test_a_file_is_replaced_with_all_that_belongs_to_it(tmp_path):
    fresh, target = tmp_path / "fresh", tmp_path / "target"
    for folder, content in ((fresh, "new"), (target, "old")):
        folder.mkdir()
        for name in ("m.xml", "m.bin", "m.xml.metadata.json"):
            (folder / name).write_text(content)
    put_in_place(fresh / "m.xml", target / "m.xml")
    assert {path.name: path.read_text() for path in target.iterdir()} == dict.fromkeys(
        ("m.xml", "m.bin", "m.xml.metadata.json"), "new"
    )


def test_int8_needs_images():
    from paddle_pose.commands.export import main

    for words in (("--int8",), ("--int8", "--calibration", "images", "--format", "paddle")):
        with pytest.raises(
            ValueError, match="--int8 needs --calibration DIR with images, and --format onnx or openvino"
        ):
            main(["--weights", "model.pdparams", *words])

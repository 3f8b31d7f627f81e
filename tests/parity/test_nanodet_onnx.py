"""NanoDet-g, converted from its TensorFlow.js file, against stored outputs of the original."""

import numpy as np
import pytest

from paddle_pose.exporting.tfjs_onnx import write_graph

pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")

MEAN, STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)  # blue, green, red


@pytest.fixture(scope="module")
def session(shared, tmp_path_factory):
    path = tmp_path_factory.mktemp("nanodet") / "nanodet_g.onnx"
    write_graph(shared / "data/nanodet/nanodet.json", path)
    return runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def test_written_file_has_the_expected_shapes(session):
    cells = (2704, 676, 169)
    expected = {
        f"Identity_{n}" if n else "Identity": [1, cells[n % 3], 80 if n < 3 else 44]
        for n in range(6)
    }
    assert {output.name: output.shape for output in session.get_outputs()} == expected
    (input_,) = session.get_inputs()
    assert (input_.name, input_.shape, input_.type) == (
        "input_1",
        [1, 3, 416, 416],
        "tensor(float)",
    )


@pytest.mark.parametrize("photo", ["squat", "000000151938"])
def test_outputs_equal_the_stored_ones(shared, session, photo):
    with np.load(shared / "data/nanodet" / f"raw_{photo}.npz") as stored:
        image = stored["input"]
        scores = stored["scores_g"]
        distances = stored["distances_g"]
    blob = (image[..., ::-1] - np.float32(MEAN)) / np.float32(STD)
    names = [output.name for output in session.get_outputs()]
    found = dict(
        zip(
            names,
            session.run(None, {"input_1": blob.transpose(2, 0, 1)[None].astype("f4")}),
            strict=True,
        )
    )
    people = np.concatenate(
        [found[name][0, :, 0] for name in ("Identity", "Identity_1", "Identity_2")]
    )
    np.testing.assert_allclose(people, scores, rtol=0, atol=1e-5)
    sides = np.concatenate([found[name][0] for name in ("Identity_3", "Identity_4", "Identity_5")])
    np.testing.assert_allclose(sides, distances, rtol=1e-3, atol=1e-3)  # stored in half precision

"""Google's MoveNet from TensorFlow.js files against outputs of the published graphs."""

from dataclasses import replace

import numpy as np
import paddle
import pytest

from paddle_pose import build
from paddle_pose.configs import registry
from paddle_pose.weights.formats.tfjs import read_graph
from paddle_pose.weights.read import read_weights

FOLDER = "data/movenet_tfjs"
PARAMETERS = {"lightning": 2_318_190, "thunder": 6_226_262, "multipose": 4_723_610}
# Lightning's graph multiplies by .02082825, which is 1 / 48 in half precision.
CELL = {"lightning": 0.02082825, "thunder": 1 / 64}


@pytest.mark.parametrize("model", PARAMETERS)
def test_read_weights_reads_all_parameters(shared, model):
    tensors = read_weights(shared / FOLDER / f"movenet-{model}.json")
    assert sum(tensor.size for tensor in tensors.values()) == PARAMETERS[model]


@pytest.mark.parametrize(
    ("model", "photo"),
    [
        ("lightning", "squat"),
        ("thunder", "squat"),
        ("thunder", "000000151938"),
        ("thunder", "000000350679"),
    ],
)
def test_keypoints_equal_those_of_the_published_graph(shared, model, photo):
    unfitted = registry.find(f"movenet_{model}_coco")
    config, network = build.loaded(unfitted, shared / FOLDER / f"movenet-{model}.json")
    assert config.model.batch_norm == "none"
    with np.load(shared / FOLDER / f"{model}_{photo}.npz") as stored:
        image, expected = stored["input"], stored["output"]
    with paddle.no_grad():
        maps = {
            name: values.numpy() for name, values in network(paddle.to_tensor(image[None])).items()
        }
    (poses,) = replace(config.codec, max_persons=1).decode(maps)
    cells = poses.keypoints[0] / config.codec.stride
    np.testing.assert_allclose(cells * CELL[model], expected[:, 1::-1], rtol=0, atol=1e-4)
    np.testing.assert_allclose(poses.scores[0], expected[:, 2], rtol=0, atol=1e-4)


def test_read_graph_reads_nanodet(shared):
    graph = read_graph(shared / "data/nanodet/nanodet.json")
    assert len(graph.nodes) == 489
    assert sorted(graph.outputs) == ["Identity", *(f"Identity_{n}" for n in range(1, 6))]
    kernels = [tensor.size for name, tensor in graph.tensors.items() if tensor.dtype == np.float32]
    assert sum(kernels) > 3_780_000

"""MoveNet against a literal run of Google's graph on a photograph, and literal forward passes.

Source of the expected values: Google's MoveNet SinglePose Lightning v4, INT8, de-quantised, and its
published keypoints.
"""

import csv
from dataclasses import replace

import cv2
import numpy as np
import paddle
import pytest
from parity import movenet_reference as reference
from parity import published

from paddle_pose import build
from paddle_pose.cli.main import execute
from paddle_pose.configs import registry
from paddle_pose.models.movenet import MoveNet, fire717_movenet
from paddle_pose.weights.names import convert_names
from paddle_pose.weights.read import read_weights

LIGHTNING = "data/movenet/movenet_single_pose_lightning_ptq"


def with_random_weights(network):
    """Returns the network with random weights that keep activations near 1, in inference mode."""
    rng = np.random.default_rng(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("_variance"):
            value = rng.uniform(0.5, 1.5, tensor.shape)
        elif len(tensor.shape) == 1:
            value = rng.normal(0, 0.3, tensor.shape) + name.endswith(".weight")
        else:
            value = rng.normal(0, np.sqrt(1 / np.prod(tensor.shape[1:])), tensor.shape)
        tensor.set_value(value.astype(np.float32))
    network.eval()
    return network


def maps_of(network, image):
    with paddle.no_grad():
        return {name: x[0].numpy() for name, x in network(paddle.to_tensor(image[None])).items()}


@pytest.fixture(scope="module")
def lightning(shared):
    """Returns a photograph resized to a square, and its maps with Google's weights."""
    network = MoveNet(batch_norm="none")
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    weights = convert_names(read_weights(shared / f"{LIGHTNING}.tflite"), shapes)
    network.set_state_dict({name: paddle.to_tensor(value) for name, value in weights.items()})
    network.eval()
    photo = cv2.cvtColor(cv2.imread(str(shared / "data/movenet/squat.bmp")), cv2.COLOR_BGR2RGB)
    image = cv2.resize(photo, (192, 192))
    return image, maps_of(network, image)


def test_maps_equal_those_of_googles_graph(shared, lightning):
    image, maps = lightning
    convolutions = reference.run_tflite((shared / f"{LIGHTNING}.tflite").read_bytes(), image)
    assert len(convolutions) == 74
    heads = {name.split("_0/")[0]: y for name, y in convolutions if "_0/conv2d" in name}

    def x_first(y):
        return y.reshape(-1, 2, *y.shape[1:])[:, ::-1].reshape(y.shape)

    expected = {
        "centers": reference.sigmoid(heads["center"]),
        "heatmaps": reference.sigmoid(heads["kpt_heatmap"]),
        "regressions": x_first(heads["kpt_regress"]),
        "offsets": x_first(heads["kpt_offset"]),
    }
    assert list(maps) == list(expected)
    for name, target in expected.items():
        assert np.abs(target).max() > 0.5, "the photograph shows a person"
        np.testing.assert_allclose(maps[name], target, rtol=0, atol=1e-3, err_msg=name)
    # Compared before the sigmoid too.
    for name, head in (("centers", "center"), ("heatmaps", "kpt_heatmap")):
        p = maps[name].astype(np.float64)
        np.testing.assert_allclose(np.log(p / (1 - p)), heads[head], rtol=0, atol=1e-3)


def test_keypoints_equal_googles_published_ones(shared, lightning):
    """Our maps, decoded by Google's rule, deviate by less than 1 % of the image's sides."""
    _, maps = lightning
    with (shared / f"{LIGHTNING}_reference.csv").open(newline="") as stream:
        expected = np.array(
            [(row["keypoint_x"], row["keypoint_y"]) for row in csv.DictReader(stream)], float
        )
    y, x = np.mgrid[:48, :48]
    cy, cx = np.divmod((maps["centers"][0] / (np.hypot(y - 24, x - 24) + 1.8)).argmax(), 48)
    points = []
    for k, heatmap in enumerate(maps["heatmaps"]):
        dx, dy = maps["regressions"][2 * k : 2 * k + 2, cy, cx]
        ky, kx = np.divmod((heatmap / (np.hypot(y - cy - dy, x - cx - dx) + 1.8)).argmax(), 48)
        points.append((np.array([kx, ky]) + maps["offsets"][2 * k : 2 * k + 2, ky, kx]) / 48)
    deviation = np.abs(np.array(points) - expected)
    assert deviation.mean() < 0.01
    assert deviation.max() < 0.04


@pytest.mark.parametrize("batch_norm", ["none", "backbone"])
def test_google_forward_equals_the_literal_implementation(batch_norm):
    network = with_random_weights(MoveNet(3, width=0.5, batch_norm=batch_norm))
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    expected = reference.google(
        {name: t.numpy() for name, t in network.state_dict().items()}, image
    )
    compare(maps_of(network, image), expected)


@pytest.mark.parametrize("shared_residuals", [True, False])
def test_fire717_forward_equals_the_literal_implementation(shared_residuals):
    network = with_random_weights(fire717_movenet(3, share_residuals=shared_residuals))
    image = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    state = {name: t.numpy() for name, t in network.state_dict().items()}
    compare(maps_of(network, image), reference.fire717(state, image, shared_residuals))


def test_a_file_of_fire717s_port_predicts_the_maps_of_the_literal_implementation(
    shared, tmp_path, capsys
):
    """The config does not state that residual blocks are shared; the file shows it."""
    tensors = published.rule(shared)["fill"](
        published.shapes(shared, "movenet_original_paddle_coco17"), gain=1.2
    )
    source, target = tmp_path / "e74_valacc0.76914.pdparam", tmp_path / "ours" / "model.pdparams"
    paddle.save({name: paddle.to_tensor(value) for name, value in tensors.items()}, str(source))
    arguments = [str(source), str(target), "--config", "movenet_original_coco"]
    assert execute("convert", arguments) == 0, capsys.readouterr().err
    config = registry.read_beside(target)
    assert config.model.share_residuals
    network = build.trained(config, target)
    image = published.rule(shared)["picture"](192, 192)
    state = {name: t.numpy() for name, t in network.state_dict().items()}
    compare(maps_of(network, image), reference.fire717(state, image, shared=True))
    for ours in (replace(config.model, share_residuals=False), config.model):
        assert ours.fitted(state).share_residuals


def compare(maps, expected):
    assert list(maps) == list(expected)
    for name, target in expected.items():
        assert target.std() > 0.01, "constant maps could not reveal differences"
        np.testing.assert_allclose(
            maps[name], target, rtol=0, atol=1e-4 * max(1, np.abs(target).max()), err_msg=name
        )

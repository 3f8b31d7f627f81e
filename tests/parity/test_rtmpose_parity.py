"""RTMPose: vectors, targets, decoding, loss and training steps of MMPose 1.3.2."""

import json
from dataclasses import replace

import numpy as np
import paddle
import pytest
from parity import published

from paddle_pose.codecs.simcc import SimCCCodec
from paddle_pose.models.rtmpose import RTMPose
from paddle_pose.models.simcc_loss import SimCCLoss
from paddle_pose.training.optimizers import adamw, norms_and_biases
from paddle_pose.training.trainer import Trainer
from paddle_pose.weights.names import convert_names

SIZES = {  # deepen, widen, parameters, input size
    "t_coco17_192x256": (0.167, 0.375, 3_337_007, (192, 256)),
    "s_coco17_192x256": (0.33, 0.5, 5_473_251, (192, 256)),
    "m_coco17_192x256": (0.67, 0.75, 13_587_611, (192, 256)),
    "m_coco17_288x384": (0.67, 0.75, 13_717_659, (288, 384)),
    "l_coco17_192x256": (1.0, 1.0, 27_660_339, (192, 256)),
}
CODEC = SimCCCodec()
GAIN = 1.8  # with 1, a wrong backbone would hardly change the vectors


def network(name):
    deepen, widen, _, input_size = SIZES[name]
    return RTMPose(17, input_size, deepen=deepen, widen=widen)


def fill(shared, net, name):
    """Gives a network the reproducible weights under the published names."""
    tensors = published.rule(shared)["fill"](
        published.shapes(shared, f"rtmpose_mmpose1_{name}"), gain=GAIN
    )
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    arrays = convert_names(tensors, shapes)
    net.set_state_dict({key: paddle.to_tensor(value) for key, value in arrays.items()})


def answers(shared, name):
    with np.load(shared / "data" / "parity" / f"{name}.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", SIZES)
def test_names_shapes_and_parameter_counts_are_the_published_ones(shared, name):
    net = network(name)
    counted = sum(p.size for p in net.parameters() if not p.stop_gradient)
    assert counted == SIZES[name][2]
    tensors = {
        key: np.broadcast_to(np.float32(0), shape)
        for key, shape in published.shapes(shared, f"rtmpose_mmpose1_{name}").items()
    }
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    assert convert_names(tensors, shapes).keys() == shapes.keys()


@pytest.mark.parametrize("name", ["s_coco17_192x256", "m_coco17_192x256"])
def test_vectors_and_flip_test_are_the_published_ones(shared, name):
    net = network(name)
    fill(shared, net, name)
    net.eval()
    expected = answers(shared, f"rtmpose_mmpose1_{name}")
    image = published.rule(shared)["picture"](192, 256)
    with paddle.no_grad():
        outputs = net(paddle.to_tensor(np.stack([image, image[:, ::-1]])))
        features = net.backbone(net.normalize(paddle.to_tensor(image[None]))).mean(axis=[2, 3])
    assert published.relative_error(features.numpy()[0], expected["feature_mean"]) < 1e-5
    maps = {key: value.numpy() for key, value in outputs.items()}
    mirrored = CODEC.mirror({key: value[1:] for key, value in maps.items()}, shift=True)
    for axis in "xy":
        plain = maps[f"simcc_{axis}"][:1]
        average = (plain + mirrored[f"simcc_{axis}"]) / 2
        assert published.relative_error(plain[0], expected[f"simcc_{axis}"]) < 1e-5
        assert published.relative_error(average[0], expected[f"flip_test_{axis}"]) < 1e-5


def test_targets_are_the_published_ones(shared):
    expected = answers(shared, "simcc_encode")
    found = CODEC.encode_batch(
        list(expected["keypoints"][:, None]), list(expected["visible"][:, None])
    )
    np.testing.assert_array_equal(found["weights"], expected["weights"])
    assert 0.1 < (expected["weights"] == 0).mean() < 0.9
    for axis in "xy":
        np.testing.assert_allclose(found[f"simcc_{axis}"], expected[axis], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("decode_by", "suffix"), [("argmax", ""), ("dark", "_dark")])
def test_decoded_keypoints_are_the_published_ones(shared, decode_by, suffix):
    arrays = answers(shared, "simcc_decode")
    poses = replace(CODEC, decode_by=decode_by).decode(arrays)
    keypoints = np.concatenate([one.keypoints for one in poses])
    scores = np.concatenate([one.scores for one in poses])
    np.testing.assert_allclose(keypoints, arrays[f"keypoints{suffix}"], rtol=0, atol=1e-4)
    np.testing.assert_allclose(scores, arrays[f"scores{suffix}"], rtol=0, atol=1e-6)


def test_joints_without_a_positive_value_are_where_the_published_ones_are(shared):
    arrays = answers(shared, "simcc_decode")
    nothing = {"simcc_x": -np.abs(arrays["simcc_x"][:1]), "simcc_y": arrays["simcc_y"][:1]}
    (poses,) = CODEC.decode(nothing)
    np.testing.assert_array_equal(poses.keypoints, arrays["keypoints_nothing"])
    np.testing.assert_allclose(poses.scores, arrays["scores_nothing"], rtol=0, atol=1e-6)


def test_the_loss_is_the_published_one(shared):
    path = shared / "data" / "parity" / "simcc_loss.json"
    expected = json.loads(path.read_text(encoding="utf-8"))
    encoded = answers(shared, "simcc_encode")
    rng = np.random.default_rng(31)
    outputs = {}
    targets = {"weights": paddle.to_tensor(encoded["weights"])}
    for axis in "xy":
        noise = rng.normal(0, 0.3, encoded[axis].shape)
        predicted = np.float32(noise + 0.6 * encoded[axis])
        outputs[f"simcc_{axis}"] = paddle.to_tensor(predicted, stop_gradient=False)
        targets[f"simcc_{axis}"] = paddle.to_tensor(encoded[axis])
    loss = SimCCLoss()(outputs, targets)["simcc_loss"]
    loss.backward()
    squares = [values.grad.square().sum().item() for values in outputs.values()]
    assert loss.item() == pytest.approx(expected["recipe"], rel=2e-5)
    assert squares == pytest.approx(expected["recipe_gradient_sums_of_squares"], rel=2e-5)
    unweighted = {**targets, "weights": paddle.ones(encoded["weights"].shape)}
    loss = SimCCLoss()(outputs, unweighted)["simcc_loss"]
    assert loss.item() == pytest.approx(expected["unweighted"], rel=2e-5)


def test_training_losses_are_the_published_ones(shared, tmp_path):
    path = shared / "data" / "parity" / "train_rtmpose_mmpose1_s_coco17_192x256.json"
    expected = json.loads(path.read_text(encoding="utf-8"))
    rule = published.rule(shared)
    images, _ = rule["training_batch"](192, 256, 17)
    keypoints, visible = rule["training_joints"](192, 256, 17)
    targets = CODEC.encode_batch(list(keypoints[:, None]), list(visible[:, None]))
    batch = {
        "image": paddle.to_tensor(images),
        "targets": {key: paddle.to_tensor(value) for key, value in targets.items()},
    }
    net = network("s_coco17_192x256")
    fill(shared, net, "s_coco17_192x256")
    optimizer = adamw(net, weight_decay=0.05, decay_norms_and_biases=False)
    not_decayed = norms_and_biases(net)
    decayed = [p for p in net.parameters() if not p.stop_gradient and p.name not in not_decayed]
    assert len(decayed) == expected["decayed_tensors"]

    class SameBatch:
        def __len__(self):
            return len(expected["losses"])

        def epoch(self, epoch, start=0):
            return [batch] * len(self)

    trainer = Trainer(
        net,
        SimCCLoss(),
        optimizer,
        lambda step: 5e-4,
        run_dir=tmp_path,
        log_every=1,
        visualdl=False,
    )
    trainer.fit(SameBatch(), epochs=1)
    trainer.log.close()
    lines = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert losses[0] == pytest.approx(expected["losses"][0], rel=1e-5)
    assert losses == pytest.approx(expected["losses"], rel=1e-2)
    state = net.state_dict()
    for name, norm in expected["norms_after_six_steps"].items():
        assert float(state[name].norm()) == pytest.approx(norm, rel=1e-3), name

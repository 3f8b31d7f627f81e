import numpy as np
import paddle
import pytest

from paddle_pose import build
from paddle_pose.configs.overrides import override
from paddle_pose.configs.registry import CONFIGS
from paddle_pose.engine.train import train_config
from paddle_pose.training.initialize import freeze_backbone
from paddle_pose.training.memory import (
    MemoryEstimate,
    checkpoint_size,
    device_memory,
    estimate_memory,
)
from paddle_pose.weights.write import write_weights

REDUCED = {
    "hourglass_tiny_128": {},
    "hrnet_w32_mpii_256": {"model.width": 8, "codec.input_size": (64, 64)},
    "movenet_lightning_coco": {"model.width": 0.25},
}


@pytest.mark.parametrize("name", REDUCED)
def test_estimate_equals_what_a_forward_keeps(name):
    config = override(CONFIGS[name], REDUCED[name])
    network = build.model(config)
    network.train()
    estimate = estimate_memory(network, config.codec.input_size)
    width, height = config.codec.input_size
    image = paddle.zeros([4, height, width, 3], "uint8")
    allocated = paddle.base.core.host_memory_stat_current_value
    start = allocated("Allocated", 0)
    outputs = network(image)
    kept = allocated("Allocated", 0) - start
    assert outputs
    assert 4 * estimate.per_image == pytest.approx(kept, rel=0.06)
    weights = sum(int(np.prod(parameter.shape)) for parameter in network.parameters())
    assert estimate.fixed == 4 * 4 * weights
    assert network.training


def test_estimating_changes_no_weights_or_statistics():
    network = build.model(CONFIGS["hourglass_tiny_128"])
    network.eval()
    before = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    estimate_memory(network, (128, 128), ema=True)
    assert not network.training
    for name, tensor in network.state_dict().items():
        np.testing.assert_array_equal(tensor.numpy(), before[name], err_msg=name)


def test_largest_batch_fits():
    estimate = MemoryEstimate(fixed=10**9, per_image=10**8)
    for memory in (2 * 10**9, 16 * 10**9, 80 * 10**9):
        batch = estimate.largest_batch(memory)
        assert estimate.total(batch) <= 0.9 * memory < estimate.total(batch + 1)
    assert estimate.largest_batch(0) == 1


@pytest.mark.parametrize("changes", [{}, {"train.ema": 0.9}, {"train.freeze": "backbone"}])
def test_checkpoint_size_is_that_of_the_files(synthetic_mpii, tmp_path, changes):
    small = {"codec.input_size": (64, 64), "train.epochs": 1, "train.batch_size": 4}
    if "train.freeze" in changes:
        network = build.model(CONFIGS["hourglass_tiny_128"])
        tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        write_weights(tmp_path / "start.pdparams", tensors)
        small["train.init"] = str(tmp_path / "start.pdparams")
    config = override(CONFIGS["hourglass_tiny_128"], {**small, **changes})
    train_config(config, data=synthetic_mpii, run_dir=tmp_path / "run", device="cpu")
    network = build.model(config)
    if "train.freeze" in changes:
        freeze_backbone(network)
    size = checkpoint_size(network, moments=2, ema="train.ema" in changes)
    files = {path.name: path.stat().st_size for path in (tmp_path / "run/last").glob("*.pd*")}
    assert len(files) == 2 + ("train.ema" in changes)
    # Pickle and the optimizer's scalars take some bytes for each tensor.
    headers = 300 * len(network.state_dict())
    assert size.weights <= files["model.pdparams"] <= size.weights + headers
    assert size.total <= sum(files.values()) <= size.total + 4 * headers


def test_a_cpu_has_no_device_memory():
    assert device_memory() is None

"""Small MoveNets as ONNX files written without Paddle: the outputs and metadata are Paddle's."""

from dataclasses import replace

import numpy as np
import paddle
import pytest

from paddle_pose import build
from paddle_pose.backends.metadata import read_metadata
from paddle_pose.backends.open import open_exported
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.errors import InputError
from paddle_pose.exporting.movenet_onnx import write_movenet
from paddle_pose.exporting.write import write_export
from paddle_pose.models.movenet import MoveNet
from paddle_pose.weights.write import write_weights

onnx = pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")

LIGHTNING = registry.find("movenet_lightning_coco")
SMALL = replace(
    LIGHTNING,
    model=replace(LIGHTNING.model, width=0.25),
    codec=MoveNetCodec(input_size=(96, 64), max_persons=6),
)


def network_of(config, **changes):
    """Returns a network with random weights and biases, in inference mode."""
    model = replace(config.model, **{"batch_norm": "none", **changes})
    values = np.random.default_rng(0)
    network = MoveNet(17, **vars(model))
    for name, tensor in network.state_dict().items():
        spread = 0.3 if len(tensor.shape) == 1 else np.sqrt(1 / np.prod(tensor.shape[1:]))
        if "variance" not in name:
            tensor.set_value(values.normal(0, spread, tensor.shape).astype(np.float32))
    network.eval()
    return network


def saved(network, path):
    write_weights(path, {name: tensor.numpy() for name, tensor in network.state_dict().items()})
    return path


@pytest.mark.parametrize(
    "changes", [{}, {"padding": "symmetric", "activation": "relu"}], ids=["google", "other"]
)
def test_the_file_returns_the_maps_of_paddle(tmp_path, changes):
    config = replace(SMALL, model=replace(SMALL.model, **changes))
    network = network_of(config)
    weights = saved(network, tmp_path / "weights.safetensors")
    write_movenet(config, weights, tmp_path / "model.onnx")
    backend = open_exported(tmp_path / "model.onnx", "cpu")
    images = np.random.default_rng(1).integers(0, 256, (3, 64, 96, 3), np.uint8)
    with paddle.no_grad():
        expected = {name: maps.numpy() for name, maps in network(paddle.to_tensor(images)).items()}
    for count in (1, 3):
        found = backend(images[:count])
        assert list(found) == list(config.codec.outputs)
        for name, maps in expected.items():
            assert maps.std() > 0.01
            tolerance = 1e-4 * max(1, np.abs(maps).max())
            np.testing.assert_allclose(
                found[name], maps[:count], rtol=0, atol=tolerance, err_msg=name
            )


def test_a_multipose_takes_images_of_several_sizes(tmp_path):
    google = registry.find("movenet_multipose_coco")
    config = replace(google, model=replace(google.model, width=0.25))
    network = network_of(config)
    weights = saved(network, tmp_path / "weights.safetensors")
    metadata = write_movenet(config, weights, tmp_path / "model.onnx")
    assert metadata["input"]["shape"] == ["N", "H", "W", 3]
    assert [output["shape"][2:] for output in metadata["outputs"]] == [["h", "w"]] * 6
    backend = open_exported(tmp_path / "model.onnx", "cpu")
    for size in ((64, 96), (96, 32)):
        images = np.random.default_rng(1).integers(0, 256, (2, *size, 3), np.uint8)
        with paddle.no_grad():
            expected = network(paddle.to_tensor(images))
        found = backend(images)
        assert list(found) == list(config.codec.outputs)
        for name, maps in expected.items():
            tolerance = 1e-4 * max(1, np.abs(maps.numpy()).max())
            np.testing.assert_allclose(
                found[name], maps.numpy(), rtol=0, atol=tolerance, err_msg=name
            )


def test_the_size_of_an_input_is_changed_only_where_the_file_takes_several(tmp_path):
    google = registry.find("movenet_multipose_coco")
    config = replace(google, model=replace(google.model, width=0.25, batch_norm="none"))
    weights = saved(network_of(config), tmp_path / "weights.safetensors")
    changes = {"codec.input_size": (96, 96)}
    for fixed in (False, True):
        exported = override(config, {"codec.fixed_size": fixed})
        path = tmp_path / f"{fixed}.onnx"
        write_movenet(exported, weights, path)
        outputs = open_exported(path, "cpu").outputs
        build.check_fits(exported, path, outputs)
        if fixed:
            for changed in (changes, {"codec.fixed_size": False}):
                with pytest.raises(InputError, match=next(iter(changed))):
                    build.check_fits(override(exported, changed), path, outputs)
        else:
            build.check_fits(override(exported, changes), path, outputs)


def test_the_metadata_is_that_of_an_export_with_paddle(tmp_path):
    pytest.importorskip("paddle2onnx", reason="needs paddle2onnx (requirements/export.txt)")
    network = network_of(SMALL)
    weights = saved(network, tmp_path / "weights.safetensors")
    returned = write_movenet(SMALL, weights, tmp_path / "model.onnx")
    fitted = replace(SMALL, model=replace(SMALL.model, batch_norm="none"))
    expected = write_export(fitted, network, weights, tmp_path / "paddle.onnx")
    assert returned == expected
    written = onnx.load(tmp_path / "model.onnx")
    other = onnx.load(tmp_path / "paddle.onnx")
    for kind in ("input", "output"):
        assert getattr(written.graph, kind)[0] == getattr(other.graph, kind)[0]
    for path in (tmp_path / "model.onnx", tmp_path / "paddle.onnx"):
        assert read_metadata(path)["outputs"] == expected["outputs"]
    assert (tmp_path / "model.onnx.metadata.json").read_text() == (
        tmp_path / "paddle.onnx.metadata.json"
    ).read_text()


def test_the_file_opens_with_the_oldest_runtime(tmp_path):
    """ONNX Runtime 1.17 reads IR version 9 and operator set 20."""
    write_movenet(
        SMALL, saved(network_of(SMALL), tmp_path / "w.safetensors"), tmp_path / "model.onnx"
    )
    written = onnx.load(tmp_path / "model.onnx")
    assert written.ir_version <= 9
    assert [(entry.domain, entry.version <= 20) for entry in written.opset_import] == [("", True)]


def test_weights_with_batch_normalisation_are_refused(tmp_path):
    weights = saved(network_of(SMALL, batch_norm="backbone"), tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"w\.safetensors"):
        write_movenet(SMALL, weights, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    "changes", [{"width": 0.5}, {"pyramid": "fire717"}, {"expansion": "stage"}], ids=str
)
def test_weights_of_another_network_are_refused(tmp_path, changes):
    weights = saved(network_of(SMALL), tmp_path / "w.safetensors")
    with pytest.raises(InputError):
        write_movenet(
            replace(SMALL, model=replace(SMALL.model, **changes)), weights, tmp_path / "model.onnx"
        )
    assert not (tmp_path / "model.onnx").exists()


def test_networks_of_other_kinds_are_refused(tmp_path):
    weights = saved(network_of(SMALL), tmp_path / "w.safetensors")
    with pytest.raises(InputError):
        write_movenet(registry.find("hrnet_w32_coco_256x192"), weights, tmp_path / "model.onnx")

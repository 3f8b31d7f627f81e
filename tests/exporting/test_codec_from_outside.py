"""Export of a codec and a network that are not part of the package: metadata and predictions."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from helpers.vector_codec import DecodedVectorCodec, VectorCodec
from helpers.vector_network import Brightness

from paddle_pose import build
from paddle_pose.backends.metadata import read_metadata
from paddle_pose.backends.open import open_exported
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.configs import overrides, registry
from paddle_pose.configs.published import protocol
from paddle_pose.engine.pose_model import load_model
from paddle_pose.errors import InputError
from paddle_pose.exporting.images import in_batches
from paddle_pose.exporting.verify import compare
from paddle_pose.exporting.write import write_export

POINTS = ((40, 11), (3, 45), (20, 30))  # (x, y) in px, one per colour channel
FILES = ["model.json", "model.onnx", "model.xml"]


@pytest.fixture
def image():
    image = np.zeros((48, 64, 3), np.uint8)
    for color, (x, y) in enumerate(POINTS):
        image[y, x, color] = 255
    return image


def config_of(codec):
    return replace(registry.find("hourglass_tiny_128"), name="vectors", codec=codec)


@pytest.fixture
def export(tmp_path, monkeypatch):
    """Returns a function that exports a network for a codec.

    `export(codec, "model.json", decode=True)` returns the path of the file and the network.
    """

    def write(codec, name, decode=False):
        if not name.endswith(".json") and any(
            find_spec(package) is None for package in ("paddle2onnx", "openvino")
        ):
            pytest.skip("needs paddle2onnx and openvino (requirements/export.txt)")
        config = config_of(codec)
        monkeypatch.setitem(registry.CONFIGS, config.name, config)
        weights = tmp_path / "weights.pdparams"
        weights.write_bytes(b"none")
        network = Brightness(codec)
        network.eval()
        write_export(config, network, weights, tmp_path / name, decode=decode)
        return tmp_path / name, network

    return write


def expected_keypoints():
    return [POINTS[joint % 3] for joint in range(16)]


@pytest.mark.parametrize("name", FILES)
def test_an_exported_file_states_its_vectors_and_predicts(export, image, name):
    path, network = export(VectorCodec(), name)
    metadata = read_metadata(path)
    assert metadata["outputs"] == [
        {
            "name": "along_x",
            "shape": ["N", 16, 128],
            "dtype": "float32",
            "meaning": "along_x",
            "axes": ["N", "K", "W"],
            "split_ratio": 2,
        },
        {
            "name": "along_y",
            "shape": ["N", 16, 96],
            "dtype": "float32",
            "meaning": "along_y",
            "axes": ["N", "K", "H"],
            "split_ratio": 2,
        },
    ]
    assert metadata["codec"] == {
        "kind": "VectorCodec",
        "skeleton": "mpii_16",
        "input_size": [64, 48],
        "outputs": ["along_x", "along_y"],
        "split_ratio": 2,
        "min_score": 0.0,
    }
    model = load_model(path, device="cpu", overrides={"val.flip": False})
    assert model.predict(image, detector=None).keypoints[0].tolist() == [
        list(point) for point in expected_keypoints()
    ]
    images = np.stack([image, image[::-1]])
    difference = compare(
        PaddleBackend(network), open_exported(path, "cpu"), VectorCodec(), in_batches(images)
    )
    assert difference.maps < 1e-6
    assert (difference.pixels.max(), difference.undecided) == (0, 0)


def test_keypoints_are_decoded_in_the_graph(export, image):
    path, network = export(DecodedVectorCodec(), "model.json", decode=True)
    (output,) = read_metadata(path)["outputs"]
    assert (output["shape"], output["axes"]) == (["N", 16, 3], ["N", "K", "columns"])
    assert (output["columns"], output["unit"]) == (["x", "y", "score"], "input px")
    exported = open_exported(path, "cpu")
    assert exported(image[None])["keypoints"][0, :, :2].tolist() == [
        list(point) for point in expected_keypoints()
    ]
    live = PaddleBackend(network)
    difference = compare(
        live, exported, DecodedVectorCodec(), in_batches(image[None]), decoded=output
    )
    assert (difference.pixels.max(), len(difference.pixels)) == (0, 16)


def test_a_codec_without_graph_decoder_is_refused(export):
    with pytest.raises(InputError, match="decode"):
        export(VectorCodec(), "model.json", decode=True)


@pytest.mark.parametrize(
    ("key", "value"), [("codec.split_ratio", 1), ("codec.input_size", (48, 64))]
)
def test_properties_of_the_exported_network_may_not_change(export, key, value):
    path, _ = export(VectorCodec(), "model.json")
    changed = overrides.override(registry.read_beside(path), {key: value})
    with pytest.raises(InputError, match=key):
        build.check_fits(changed, path, changed.codec.outputs)


def test_the_decoding_of_vectors_may_change(export):
    path, _ = export(VectorCodec(), "model.json")
    changed = overrides.override(registry.read_beside(path), {"codec.min_score": 0.5})
    build.check_fits(changed, path, changed.codec.outputs)
    with pytest.raises(InputError, match="along_y"):
        build.check_fits(changed, path, ["along_x"])


def test_the_protocol_names_the_codec():
    assert protocol(config_of(VectorCodec())).endswith(", VectorCodec")

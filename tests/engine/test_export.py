import json
from pathlib import Path

import numpy as np
import pytest

from paddle_pose import build
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.data.synthetic.scene import draw_scene
from paddle_pose.engine.export import export_model, export_path
from paddle_pose.engine.pose_model import PoseModel, load_model
from paddle_pose.errors import InputError
from paddle_pose.weights.write import write_weights

WEIGHTS = Path("run/last/model.pdparams")


@pytest.mark.parametrize(
    ("format", "decode", "int8", "name"),
    [
        ("onnx", False, False, "model.onnx"),
        ("openvino", True, False, "model_decoded.xml"),
        ("paddle", False, False, "model.json"),
        ("onnx", True, True, "model_decoded_int8.onnx"),
    ],
)
def test_export_path_default_is_beside_the_weights(format, decode, int8, name):
    assert export_path(WEIGHTS, None, format, decode=decode, int8=int8) == WEIGHTS.with_name(name)


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ("last/model.pdparams", "last.onnx"),
        ("last/ema.pdparams", "last_ema.onnx"),
        ("best_model/model.pdparams", "best_model.onnx"),
        ("earlier/epoch-0001-batch-000002/model.pdparams", "epoch-0001-batch-000002.onnx"),
    ],
)
def test_export_path_of_a_run_is_its_exports_folder(weights, name, tmp_path, monkeypatch):
    run = tmp_path / "run"
    (run / weights).parent.mkdir(parents=True)
    (run / "config.json").touch()
    assert (
        export_path(run / weights, None, "onnx", decode=False, int8=False) == run / "exports" / name
    )
    monkeypatch.chdir((run / weights).parent)
    assert export_path(
        Path(Path(weights).name), None, "onnx", decode=False, int8=False
    ).resolve() == (run / "exports" / name)


def test_export_path_returns_the_given_path():
    given = Path("there/pose.onnx")
    assert export_path(WEIGHTS, given, "onnx", decode=True, int8=False) == given


def test_export_path_with_suffix_of_another_format_raises():
    with pytest.raises(InputError, match=r"pose\.onnx.*openvino.*\.xml"):
        export_path(WEIGHTS, Path("pose.onnx"), "openvino", decode=False, int8=False)


def test_export_model_to_paddle_in_int8_raises(tmp_path):
    with pytest.raises(InputError, match="INT8"):
        export_model(tmp_path / "model.pdparams", format="paddle", int8=True)


def test_export_model_with_missing_checkpoint_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"model\.pdparams"):
        export_model(tmp_path / "model.pdparams")
    assert list(tmp_path.iterdir()) == []


def test_export_model_with_unknown_format_raises(tmp_path):
    with pytest.raises(InputError, match="tflite"):
        export_model(tmp_path / "model.pdparams", format="tflite")


def test_export_model_with_closed_model_raises(tmp_path):
    model = PoseModel(registry.find("hourglass_tiny_128"), WEIGHTS, dict, "cpu", open_detector=dict)
    model.close()
    with pytest.raises(InputError, match="closed"):
        export_model(model, tmp_path / "pose.onnx")


def test_export_model_with_overrides_as_list_raises(tmp_path):
    (tmp_path / "model.pdparams").write_bytes(b"\x80\x02")
    with pytest.raises(InputError, match=r"^overrides"):
        export_model(
            tmp_path / "model.pdparams", config="hourglass_tiny_128", overrides=["val.flip"]
        )


def test_export_model_of_a_run_prints_only_its_log(tmp_path, capfd, caplog):
    pytest.importorskip("paddle2onnx", reason="needs paddle2onnx (requirements/export.txt)")
    config = override(
        registry.find("hourglass_tiny_128"),
        {
            "codec.input_size": (64, 64),
            "model.channels": (8, 8, 8, 8),
            "model.blocks": (1, 1, 1, 1),
            "model.stem_channels": 8,
            "model.feature_channels": 8,
        },
    )
    best = tmp_path / "run" / "best_model"
    best.mkdir(parents=True)
    tensors = {name: tensor.numpy() for name, tensor in build.model(config).state_dict().items()}
    write_weights(best / "model.pdparams", tensors)
    for folder in (best, best.parent):
        (folder / registry.FILE_NAME).write_text(registry.to_json(config), encoding="utf-8")
    exported = export_model(tmp_path / "run", overrides={"val.flip": False})
    assert exported.path == tmp_path / "run" / "exports" / "best_model.onnx"
    assert capfd.readouterr().out.splitlines() == caplog.messages  # tests print the log to stdout


@pytest.fixture
def multipose(tmp_path):
    """Returns the path of a small MultiPose with random weights, beside its config."""
    google = registry.find("movenet_multipose_coco")
    config = override(
        google,
        {"model.width": 0.25, "model.batch_norm": "none", "codec.input_size": (96, 64)},
    )
    config = override(config, {"codec.min_score": 0.0})
    network = build.model(config)
    rng = np.random.default_rng(0)
    tensors = {
        name: rng.normal(
            0, 0.3 if tensor.ndim == 1 else 0.9 / np.sqrt(np.prod(tensor.shape[1:])), tensor.shape
        ).astype(np.float32)
        for name, tensor in ((n, t.numpy()) for n, t in network.state_dict().items())
    }
    path = tmp_path / "model.pdparams"
    write_weights(path, tensors)
    path.with_name("config.json").write_text(registry.to_json(config), encoding="utf-8")
    return path


# Paddle warns of its own use of `place` when a graph with `where` is traced.
TRACED = pytest.mark.filterwarnings("ignore:Tensor do not have 'place' interface")


@TRACED
@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_a_multipose_with_decoding_is_read_like_its_checkpoint(multipose, format):
    pytest.importorskip("paddle2onnx", reason="needs paddle2onnx (requirements/export.txt)")
    pytest.importorskip({"onnx": "onnxruntime"}.get(format, format))
    done = export_model(multipose, format=format, decode=True)
    assert len(done.difference.pixels) > 500
    assert done.difference.pixels.max() < 1e-3
    (output,) = json.loads(done.metadata_path.read_text(encoding="utf-8"))["outputs"]
    assert (output["name"], output["shape"]) == ("people", ["N", 6, 56])
    image = draw_scene(np.random.default_rng(3), (160, 90)).image
    with load_model(done.path, device="cpu") as exported:
        found = exported.predict(image)
    with load_model(multipose, device="cpu", overrides={"codec.fixed_size": True}) as live:
        expected = live.predict(image)
    assert found.keypoints.shape == (6, 17, 2)
    assert np.allclose(found.person_scores, expected.person_scores, atol=1e-5)
    best = found.scores > 0.05  # others may be ties
    assert np.allclose(found.keypoints[best], expected.keypoints[best], atol=1e-2)
    assert np.allclose(found.boxes, expected.boxes, atol=1e-2)


@TRACED
def test_a_multipose_without_decoding_has_a_fixed_size(multipose):
    pytest.importorskip("paddle2onnx", reason="needs paddle2onnx (requirements/export.txt)")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (requirements/predict.txt)")
    done = export_model(multipose)
    with load_model(done.path, device="cpu") as exported:
        assert not exported.config.codec.sizes_vary
        result = exported.predict(np.zeros((300, 100, 3), np.uint8))
    assert np.allclose(result.windows, [[0, 0, 450, 300]])

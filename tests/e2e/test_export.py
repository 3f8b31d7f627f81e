"""Exported files have the results of their checkpoint with every backend, also without Paddle."""

import hashlib
import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks import backend_table
from paddle_pose import build
from paddle_pose.configs import overrides, registry
from paddle_pose.engine.export import export_model
from paddle_pose.weights.write import write_weights

ROOT = Path(__file__).resolve().parents[2]
NEEDS = {
    "onnx": ("paddle2onnx", "onnxruntime"),
    "openvino": ("paddle2onnx", "onnxruntime", "openvino"),
    "paddle": (),
}
FILES = {"onnx": "model.onnx", "openvino": "model.xml", "paddle": "model.json"}
REDUCED = {
    "hourglass_tiny_128": (),
    "stacked_hourglass2_mpii_256": ("model.num_stacks=2", "model.channels=16", "model.depth=3"),
    "hrnet_w32_mpii_256": (
        "model.width=8",
        "model.modules=(1,1,1)",
        "model.blocks=1",
        "model.stem_channels=8",
    ),
    "simple_baseline_r50_mpii_256": ("model.width=8", "model.deconv_channels=16"),
    "movenet_lightning_coco": ("model.width=0.25",),
    "rtmpose_m_mpii_256": ("model.deepen=0.167", "model.widen=0.25"),
    "tinypose_coco_128x96": ("model.width=8", "model.modules=(1,1,1)", "model.units=1"),
}
WITHOUT = """
import sys
sys.modules[{!r}] = None
from paddle_pose.cli import run
sys.argv = {!r}
run({!r})
"""


def need(kind):
    missing = [name for name in NEEDS[kind] if find_spec(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)} (requirements/export.txt)")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, synthetic_mpii, run_in):
    """Returns a folder with a small network after a short training."""
    folder = tmp_path_factory.mktemp("to_export")
    flags = (
        "--config",
        "hourglass_tiny_128",
        "--epochs",
        6,
        "--batch_size",
        4,
        "--num_workers",
        1,
        "-o",
        "train.schedule.warmup=0",
    )
    done = run_in(folder, "train.py", "--dataset_root", synthetic_mpii, *flags, "--output", "run")
    assert done.returncode == 0, done.stderr
    return folder / "run" / "last"


@pytest.fixture(scope="module")
def exported(trained, run_in):
    """Returns a function that exports each kind once.

    `exported("onnx", "--decode")` returns the file and the output of the command.
    """
    done = {}

    def export(kind, *flags):
        need(kind)
        if (kind, flags) not in done:
            ran = run_in(
                trained, "export.py", "--weights", "model.pdparams", "--format", kind, *flags
            )
            assert ran.returncode == 0, ran.stderr
            done[kind, flags] = (
                trained / re.findall(r"^Written: (\S+),", ran.stdout, re.MULTILINE)[0],
                ran.stdout,
            )
        return done[kind, flags]

    return export


def write_weights_of(config, changes, folder):
    """Writes random weights of a changed config to model.pdparams."""
    network = build.model(overrides.override(registry.find(config), changes))
    write_weights(
        folder / "model.pdparams", {name: t.numpy() for name, t in network.state_dict().items()}
    )


def table(said):
    """Returns the lines of val.py with the results."""
    lines = [
        line
        for line in said.splitlines()
        if not line.startswith(("Loading", "There are", "Protocol", "Written"))
    ]
    return [line for line in lines if "ms per person" not in line]


def run_without(module, command, folder, *arguments):
    """Runs a command in a process in which a module cannot be imported."""
    code = WITHOUT.format(module, [f"{command}.py", *map(str, arguments)], command)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", code]
    return subprocess.run(
        call, cwd=folder, env=environment, capture_output=True, text=True, timeout=240
    )


@pytest.mark.parametrize("kind", FILES)
def test_exported_file_scores_like_its_checkpoint(
    kind, exported, trained, synthetic_mpii, run_in, tmp_path
):
    path, said = exported(kind)
    assert path == trained.parent / "exports" / f"last{path.suffix}"
    assert path.suffix == Path(FILES[kind]).suffix
    found = re.search(
        r"maps (\S+) of their greatest value, keypoints (\S+) input px .* over (\d+) keypoints",
        said,
    )
    assert float(found[1]) < 1e-4
    assert float(found[2]) < 0.5
    assert int(found[3]) > 200
    tables = []
    for weights in (trained / "model.pdparams", path):
        done = run_in(
            tmp_path, "val.py", "--pretrained_model", weights, "--dataset_root", synthetic_mpii
        )
        assert done.returncode == 0, done.stderr
        tables.append(table(done.stdout))
    assert "flip True" in done.stdout
    assert len(tables[0]) > 5
    assert tables[0] == tables[1]


@pytest.mark.parametrize("config", REDUCED)
def test_exported_files_of_every_system_predict_like_the_network(config, run_in, tmp_path):
    """With random weights, the file returns the outputs of the live network."""
    need("onnx")
    changes = dict(text.split("=") for text in REDUCED[config]) | {"codec.input_size": (64, 64)}
    write_weights_of(config, changes, tmp_path)
    given = [
        part for text in (*REDUCED[config], "codec.input_size=(64,64)") for part in ("-o", text)
    ]
    done = run_in(tmp_path, "export.py", "--weights", "model.pdparams", "--config", config, *given)
    assert done.returncode == 0, done.stderr
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [(i.name, i.shape, i.type) for i in session.get_inputs()] == [
        ("image", ["N", 64, 64, 3], "tensor(uint8)")
    ]
    answers = session.run(None, {"image": np.zeros((5, 64, 64, 3), np.uint8)})
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["paddle_pose"])
    names = list(registry.find(config).codec.outputs)
    assert (
        [output["name"] for output in metadata["outputs"]]
        == names
        == [o.name for o in session.get_outputs()]
    )
    assert [["N", *answer.shape[1:]] for answer in answers] == [
        output["shape"] for output in metadata["outputs"]
    ]
    assert {len(answer) for answer in answers} == {5}


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("config", ["rtmpose_m_mpii_256", "tinypose_coco_128x96"])
def test_mobile_networks_are_exported_to_every_format_and_verified(
    config, kind, int8, synthetic_mpii, tmp_path
):
    """With random weights whose maps depend on the image, as those of new networks hardly do."""
    need(kind)
    if int8 and kind == "paddle":
        pytest.skip("Paddle files are not quantized")
    import paddle

    changes = dict(text.split("=") for text in REDUCED[config]) | {"codec.input_size": (64, 64)}
    network = build.model(overrides.override(registry.find(config), changes))
    paddle.seed(1)
    for layer in network.sublayers():
        if isinstance(layer, paddle.nn.Conv2D):
            paddle.nn.initializer.KaimingNormal()(layer.weight)
    weights = {name: t.numpy() for name, t in network.state_dict().items()}
    write_weights(tmp_path / "model.pdparams", weights)
    done = export_model(
        tmp_path / "model.pdparams",
        tmp_path / FILES[kind],
        config=config,
        overrides=changes,
        calibration=synthetic_mpii if int8 else None,
    )
    assert done.path.is_file()
    assert len(done.difference.pixels) > 100
    if not int8:
        assert done.difference.maps < 1e-4


def test_exported_movenet_decodes_into_googles_output_format(run_in, tmp_path):
    need("onnx")
    flags = (
        "--config",
        "movenet_lightning_coco",
        "-o",
        "model.width=0.25",
        "-o",
        "codec.input_size=(64,64)",
    )
    write_weights_of(
        "movenet_lightning_coco", {"model.width": 0.25, "codec.input_size": (64, 64)}, tmp_path
    )
    command = ("export.py", "--weights", "model.pdparams", "--decode", *flags)
    several = run_in(tmp_path, *command)
    assert (
        "a graph supports codec.max_persons 1, the config says 6; add -o codec.max_persons=1"
        in several.stderr
    )
    done = run_in(tmp_path, *command, "-o", "codec.max_persons=1")
    assert done.returncode == 0, done.stderr
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "model_decoded.onnx")
    assert [(o.name, o.shape[1:]) for o in session.get_outputs()] == [("keypoints", [1, 17, 3])]
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["paddle_pose"])
    assert (metadata["outputs"][0]["columns"], metadata["outputs"][0]["unit"]) == (
        ["y", "x", "score"],
        "fraction",
    )


def test_metadata_states_the_origin_of_a_file(exported, trained):
    path, _ = exported("paddle")
    metadata = json.loads(path.with_name(path.name + ".metadata.json").read_text())
    assert (
        metadata["source"]["sha256"]
        == hashlib.sha256((trained / "model.pdparams").read_bytes()).hexdigest()
    )
    assert metadata["config"] == json.loads((trained / "config.json").read_text())
    assert metadata["input"]["shape"] == ["N", 128, 128, 3]
    assert metadata["outputs"][0]["stride"] == 4
    assert metadata["outputs"][0]["cell"] == [4.0, 4.0]
    assert len(metadata["skeleton"]["joints"]) == 16


def test_onnx_file_is_evaluated_without_importing_paddle(exported, synthetic_mpii, tmp_path):
    """The file is moved away from its metadata and config, which it also contains."""
    path, _ = exported("onnx")
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(path.read_bytes())
    image = min((synthetic_mpii / "images").iterdir())
    done = run_without(
        "paddle",
        "predict",
        tmp_path,
        image,
        "--weights",
        alone,
        "--detector",
        "none",
        "--threads",
        1,
    )
    assert done.returncode == 0, done.stderr
    done = run_without(
        "paddle", "val", tmp_path, "--pretrained_model", alone, "--dataset_root", synthetic_mpii
    )
    assert done.returncode == 0, done.stderr
    assert "ONNX Runtime" in done.stdout


@pytest.mark.parametrize("decode", [(), ("--decode",)])
def test_minimal_consumer_predicts_like_the_predictor(
    decode, exported, synthetic_mpii, run_in, tmp_path
):
    image = min((synthetic_mpii / "images").iterdir())
    box = (40, 30, 120, 150)
    (tmp_path / "boxes.json").write_text(json.dumps({image.name: [box]}))
    flags = ("--weights", exported("onnx")[0], "--boxes", "boxes.json", "--no-flip")
    assert run_in(tmp_path, "predict.py", image, *flags).returncode == 0
    document = json.loads((tmp_path / "output" / "predict" / "predictions.json").read_text())
    person = document["images"][0]["persons"][0]
    done = run_in(
        tmp_path, "scripts/minimal_onnx.py", exported("onnx", *decode)[0], image, "--box", *box
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == document["joints"]
    assert np.allclose(
        [[float(v) for v in row[1:3]] for row in rows], person["keypoints"], atol=0.0015
    )
    assert np.allclose([float(row[3]) for row in rows], person["scores"], atol=1.5e-5)


def test_minimal_consumer_does_not_import_this_project():
    text = (ROOT / "scripts" / "minimal_onnx.py").read_text()
    assert re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE) == [
        "argparse",
        "json",
        "cv2",
        "numpy",
        "onnxruntime",
    ]


@pytest.mark.parametrize("kind", ["onnx", "openvino"])
def test_int8_export_states_its_loss_of_accuracy(
    kind, exported, trained, synthetic_mpii, run_in, tmp_path
):
    path, said = exported(kind, "--int8", "--tolerance", 20)
    assert "_int8" in path.name
    assert re.search(r"greatest difference: maps \S+ .* \(median \S+, ", said)
    weights = path if kind == "onnx" else path.with_suffix(".bin")
    assert weights.stat().st_size < 0.5 * (trained / "model.pdparams").stat().st_size
    done = run_in(tmp_path, "val.py", "--pretrained_model", path, "--dataset_root", synthetic_mpii)
    assert done.returncode == 0, done.stderr
    assert "[EVAL] " in done.stdout


def test_file_with_decoded_keypoints_cannot_be_evaluated(
    exported, synthetic_mpii, run_in, tmp_path
):
    path, _ = exported("paddle", "--decode")
    done = run_in(tmp_path, "val.py", "--pretrained_model", path, "--dataset_root", synthetic_mpii)
    assert done.returncode == 2
    assert "has the outputs keypoints, but config hourglass_tiny_128 needs heatmaps" in done.stderr


def test_settings_fixed_by_an_export_cannot_be_overridden(
    exported, synthetic_mpii, run_in, tmp_path
):
    path, _ = exported("paddle")
    flags = ("--pretrained_model", path, "--dataset_root", synthetic_mpii)
    refused = run_in(tmp_path, "val.py", *flags, "-o", "codec.input_size=(64,64)")
    assert refused.returncode == 2
    assert (
        "was exported with codec.input_size [128, 128]; that cannot be changed to [64, 64]"
        in refused.stderr
    )
    assert run_in(tmp_path, "val.py", *flags, "--decode", "dark", "--no-flip").returncode == 0


def test_export_that_fails_verification_keeps_the_old_file(trained, run_in, tmp_path):
    flags = (
        "--weights",
        trained / "model.pdparams",
        "--format",
        "paddle",
        "--output_file",
        "old.json",
    )
    assert run_in(tmp_path, "export.py", *flags).returncode == 0
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="differs from the live one"):
        export_model(
            trained / "model.pdparams", tmp_path / "old.json", format="paddle", tolerance=-1.0
        )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old


@pytest.mark.parametrize(
    ("missing", "kind", "command"),
    [
        (
            "paddle2onnx",
            "onnx",
            'pip install "paddle2onnx==2.1.0" (or pip install "paddle_pose[export]"',
        ),
        (
            "openvino",
            "openvino",
            'pip install "openvino>=2024.0" (or pip install "paddle_pose[export]"',
        ),
    ],
)
def test_missing_package_of_an_export_is_named(missing, kind, command, trained, tmp_path):
    if missing == "openvino":
        need("onnx")
    flags = (
        "--weights",
        trained / "model.pdparams",
        "--format",
        kind,
        "--output_file",
        f"new{FILES[kind][5:]}",
    )
    done = run_without(missing, "export", tmp_path, *flags)
    assert done.returncode == 2
    assert command in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_onnx_file_without_onnx_runtime_names_the_package(exported, synthetic_mpii, tmp_path):
    path, _ = exported("onnx")
    done = run_without(
        "onnxruntime", "val", tmp_path, "--pretrained_model", path, "--dataset_root", synthetic_mpii
    )
    assert done.returncode == 2
    assert 'pip install "onnxruntime>=1.17"' in done.stderr


def test_backend_table_lists_all_backends(trained, synthetic_mpii, run_in, tmp_path):
    need("openvino")
    flags = (
        "--weights",
        trained / "model.pdparams",
        "--dataset_root",
        synthetic_mpii,
        "--output",
        "table",
    )
    done = run_in(tmp_path, "benchmarks/backend_table.py", *flags)
    assert done.returncode == 0, done.stderr
    table = (tmp_path / "table" / "backends.md").read_text(encoding="utf-8")
    assert table in done.stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert [row[1] for row in rows[2:]] == [
        "live Paddle",
        *(name for name in backend_table.BACKENDS),
    ]
    for row in rows[3:6]:
        assert float(row[2]) < 0.5
        assert row[6] == "+0.00, +0.00"


def test_decodings_of_an_exported_file_are_compared(
    exported, trained, synthetic_mpii, run_in, tmp_path
):
    tables = []
    for weights in (trained / "model.pdparams", exported("onnx")[0]):
        done = run_in(tmp_path, "compare", "--weights", weights, "--dataset_root", synthetic_mpii)
        assert done.returncode == 0, done.stderr
        tables.append(table(done.stdout))
    assert len(tables[0]) > 3
    assert tables[0] == tables[1]

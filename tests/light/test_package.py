"""The package as installed by `pip install .`: imports, and commands without heavy packages."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

import paddle_pose
from paddle_pose.errors import MissingDependencyError
from paddle_pose.io.mpii_predictions import read_predictions
from paddle_pose.skeletons import COCO_17
from paddle_pose.weights.zoo import PUBLISHED

ROOT = Path(__file__).resolve().parents[2]
PREDICTION = (
    "paddle_pose",
    "paddle_pose.cli.main",
    "paddle_pose.cli.predict",
    "paddle_pose.engine.predict",
    "paddle_pose.engine.pose_model",
    "paddle_pose.engine.zoo",
    "paddle_pose.build",
    "paddle_pose.exporting.movenet_onnx",
    "paddle_pose.exporting.tfjs_onnx",
    "paddle_pose.weights.read",
)
ANNOTATIONS = {
    "images": [{"id": 1, "file_name": "photo.png", "width": 9, "height": 9}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "category_id": 1,
            "keypoints": [5, 5, 2] * 17,
            "area": 9.0,
            "bbox": [0, 0, 9, 9],
        }
    ],
    "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.joints)}],
}
HAS_PADDLE = importlib.util.find_spec("paddle") is not None


def test_the_installed_package_is_tested():
    if HAS_PADDLE:
        pytest.skip("only in the environment without Paddle: make test-light")
    assert (
        ROOT not in Path(paddle_pose.__file__).parents
        or "site-packages" in Path(paddle_pose.__file__).parts
    )


def test_the_package_does_not_depend_on_heavy_packages():
    if HAS_PADDLE:
        pytest.skip("only in the environment without Paddle: make test-light")
    installed = {
        name
        for name in ("scipy", "pycocotools", "matplotlib", "visualdl")
        if importlib.util.find_spec(name)
    }
    assert installed == set()


def test_prediction_imports_no_heavy_package(python_without, tmp_path):
    package = Path(paddle_pose.__file__).parent
    inference = [
        "paddle_pose." + ".".join(path.relative_to(package).with_suffix("").parts)
        for path in sorted(package.glob("inference/**/*.py"))
        if path.stem != "__init__"
    ]
    assert len(inference) > 10
    code = (
        "import importlib, json\nfor name in json.loads(sys.argv[1]): importlib.import_module(name)"
    )
    done = python_without(tmp_path, code, json.dumps([*PREDICTION, *inference]))
    assert done.returncode == 0, done.stderr


def test_an_import_of_a_heavy_package_fails(python_without, tmp_path):
    done = python_without(tmp_path, "import paddle_pose.models.movenet")
    assert done.returncode == 1
    assert "No module named 'paddle'" in done.stderr


def test_every_command_has_help(command):
    done = command("--help")
    assert done.returncode == 0, done.stderr
    assert " predict " in done.stdout
    done = command("predict", "--help")
    assert done.returncode == 0, done.stderr
    assert "--weights" in done.stdout


def test_the_installed_command_runs():
    script = Path(sys.executable).with_name("paddle-pose")
    if not script.is_file():
        pytest.skip("needs the installed package: make test-light installs it")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert paddle_pose.__version__ in done.stdout


def test_the_zoo_lists_all_published_models(command):
    done = command("zoo")
    assert done.returncode == 0, done.stderr
    assert set(PUBLISHED) <= {line.split()[0] for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize(
    "words", [("train",), ("export", "--weights", "model.pdparams")], ids=lambda words: words[0]
)
def test_commands_that_need_paddle_state_how_to_install_it(command, words):
    done = command(*words)
    assert done.returncode == 2
    assert "pip install paddlepaddle" in done.stderr
    assert "Traceback" not in done.stderr


def test_training_from_python_raises_an_error_that_names_paddle(python_without, tmp_path):
    code = (
        "import paddle_pose\ntry:\n    paddle_pose.train\n"
        "except ImportError as error:\n    print(error.name or error)"
    )
    done = python_without(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert "paddle" in done.stdout


def test_coco_ap_needs_no_heavy_package(python_without, tmp_path):
    code = (
        "from paddle_pose.metrics.coco_ap import GroundTruth\n"
        "from paddle_pose.skeletons import COCO_17\n"
        f"content = {ANNOTATIONS}\n"
        "results = [{**record, 'score': 1.0} for record in content['annotations']]\n"
        "print(GroundTruth(content, COCO_17).score(results)['AP'])"
    )
    done = python_without(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("code", "package"),
    [
        ("from paddle_pose.weights.formats.tflite import read_tflite; read_tflite(path)", "tflite"),
        (
            "from paddle_pose.weights.write import write_weights; write_weights(path, {})",
            "safetensors",
        ),
        (
            "from paddle_pose.evaluation.report import plots; plots.curves([], {}, '', {}, '')",
            "matplotlib",
        ),
    ],
    ids=["tflite", "safetensors", "matplotlib"],
)
def test_a_missing_package_is_named_with_its_extra(python_without, tmp_path, code, package):
    path = tmp_path / "file.safetensors"
    path.write_bytes(b"")
    script = (
        "from pathlib import Path\n"
        "from paddle_pose.errors import MissingDependencyError\n"
        f"path = Path({str(path)!r})\n"
        f"try:\n    {code}\nexcept MissingDependencyError as error:\n    print(error)"
    )
    done = python_without(tmp_path, script)
    assert done.returncode == 0, done.stderr
    assert f'pip install "{package}' in done.stdout
    assert "paddle_pose[train]" in done.stdout


@pytest.mark.parametrize(
    ("package", "start"), [("scipy", "MATLAB 5.0 MAT-file"), ("h5py", "\x89HDF\r\n\x1a\n")]
)
def test_a_package_that_reads_in_a_child_process_is_named(tmp_path, package, start):
    """`python_without` hides packages of its own process only."""
    if importlib.util.find_spec(package) is not None:
        pytest.skip(f"{package} is installed: make test-light runs this without it")
    path = tmp_path / "preds.mat"
    path.write_bytes(start.encode("latin-1"))
    with pytest.raises(MissingDependencyError, match=rf'pip install "{package}.*train'):
        read_predictions(path, 1)

"""The notebooks run, and the committed ones equal their text."""

import ast
import json
import os
import re
import tarfile
from importlib.util import find_spec
from pathlib import Path

import nbformat
import numpy as np
import pytest

import paddle_pose as pp
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.skeletons import COCO_17, MPII_16
from scripts.build_notebooks import INSTALL, WIDGET, read_notebook, set_parameters

ROOT = Path(__file__).resolve().parents[1]
TEXTS = sorted((ROOT / "notebooks").glob("*.py"))
HOURGLASS = ROOT / "notebooks/03_hourglass.py"
SQUATS = ROOT / "notebooks/08_squats.py"
MAX_BYTES = 300 * 1024  # limit of the pre-commit hook
CHINESE = re.compile(r"[\u4e00-\u9fff]")
FOLDER_OF_A_MACHINE = re.compile(r"(?<![\w.:/])/(?!home/aistudio/)(home|root|mnt|tmp|work|Users)/")
HEADING = re.compile(r"^#+ .*$", re.MULTILINE)


def images(notebook) -> list[str]:
    return [o["data"]["image/jpeg"] for o in outputs(notebook) if "image/jpeg" in o.get("data", {})]


def outputs(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def printed(notebook) -> str:
    return "".join(output.text for output in outputs(notebook) if output.output_type == "stream")


def is_tagged(cell, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def committed(text: Path):
    return nbformat.read(text.with_suffix(".ipynb"), as_version=4)


def executed(run_command, tmp_path, text: Path, **values) -> tuple[Path, nbformat.NotebookNode]:
    """Executes a notebook with other values of its parameters.

    Args:
        run_command: Fixture that runs a command.
        tmp_path: Temporary folder.
        text: Text of the notebook.
        **values: Values of parameters.

    Returns:
        Working folder and executed notebook.
    """
    work, place = tmp_path / "work", tmp_path / "executed.ipynb"
    flags = [
        word
        for name, value in {"WORK": str(work), **values}.items()
        if value is not None
        for word in ("--set", f"{name}={value!r}")
    ]
    done = run_command(
        "scripts/build_notebooks.py",
        text,
        *flags,
        "--output",
        place,
        CUDA_VISIBLE_DEVICES="",
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return work, nbformat.read(place, as_version=4)


def tables(notebook) -> list[list[list[str]]]:
    """Returns the rows of cells below the head of every table that was shown."""
    shown = [o["data"].get("text/markdown", "") for o in outputs(notebook) if "data" in o]
    shown = [text for text in shown if "---" in text]
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in t.splitlines()[2:]]
        for t in shown
    ]


def check_results(work: Path, notebook) -> None:
    for size in (256, 384):
        scores = json.loads((work / f"{size}_val/scores.json").read_text())
        assert scores["protocol"]["input"] == [size, size]
        (row,) = [row for row in tables(notebook)[-1] if f"{size}_val/scores.json" in row[-1]]
        assert row[0] == f"{size}x{size}"
        assert row[3] == f"{scores['protocol']['people']} people"
        for cell, name in zip(row[1:3], ("Mean", "Mean@0.1"), strict=True):
            assert cell.startswith(f"{scores['values'][name]:.2f}")
    said = printed(notebook)
    assert "Ended early by --max_hours at epoch=0, batch_id=1" in said
    assert f"Resumed {work}/256/last at epoch=0, batch_id=1" in said
    assert said.count("0 errors, 0 warnings") == 1
    assert len(images(notebook)) == 5


def test_quick_start_runs_with_the_published_weights(run_command, tmp_path, shared):
    files = {
        "nanodet_m": "nanodet/nanodet_m_416.onnx",
        "movenet_thunder": "movenet_tfjs",
        "movenet_multipose": "movenet_tfjs",
    }
    for name, file in files.items():
        done = run_command("download", name, "--from_file", shared / "data" / file)
        assert done.returncode == 0, done.stderr
    text = ROOT / "notebooks/00_quickstart.py"
    work, notebook = executed(run_command, tmp_path, text)
    keypoints, people, tracks, written = tables(notebook)
    assert [row[0] for row in keypoints] == list(COCO_17.joints)
    assert len([row for row in people if float(row[0]) > 0.2]) == 4
    assert len([row for row in tracks if int(row[1]) > 5]) == 4
    assert {row[0] for row in written} == {"poses.jpg", "poses.json", "video.json"}
    drawn, saved = (
        json.loads(path.read_text())
        for path in (work / "photo/predictions.json", work / "poses.json")
    )
    for here, there in zip(drawn["images"][0]["persons"], saved["persons"], strict=True):
        assert np.allclose(here["keypoints"], there["keypoints"], atol=0.01)
    assert len(images(notebook)) == 3


def test_the_notebook_runs_on_synthetic_people(run_command, tmp_path):
    values = {"ARCHIVE": str(tmp_path / "absent.tar.gz"), "PUBLISHED_RECIPE": False}
    work, notebook = executed(run_command, tmp_path, HOURGLASS, **values, PEOPLE=(8, 4), EPOCHS=2)
    check_results(work, notebook)
    assert (work / "drawn/synthetic.json").is_file()


def test_data_notebook_runs_on_synthetic_people(run_command, tmp_path):
    absent = str(tmp_path / "absent.tar.gz")
    work, notebook = executed(
        run_command, tmp_path, ROOT / "notebooks/01_data.py", ARCHIVE=absent, PEOPLE=(8, 4)
    )
    assert len(list((work / "data/images").iterdir())) == 12
    assert "0 errors, 0 warnings" in printed(notebook)
    for finding in ("missing_image: 1 of", "truncated_image: 1 of", "zero_based: 16 of 16"):
        assert f"ERROR {finding}" in printed(notebook)
    labelled, counts = tables(notebook)
    assert [row[0] for row in labelled] == list(MPII_16.joints)
    assert counts == [["train", "8", "22246"], ["val", "4", "2958"]]
    assert len(images(notebook)) == 3


def test_the_data_notebook_runs_on_an_archive(run_command, tmp_path, synthetic_mpii):
    archive = tmp_path / "mpii.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for folder in ("images", "annotations"):
            tar.add(synthetic_mpii / folder, f"mpii/{folder}")
        tar.add(
            synthetic_mpii / "synthetic.json", "mpii/images/._000000001.jpg"
        )  # as macOS adds it to archives
    work, notebook = executed(
        run_command, tmp_path, ROOT / "notebooks/01_data.py", ARCHIVE=str(archive)
    )
    assert "left out: 1 macOS files" in printed(notebook)
    assert not (work / "drawn").exists()
    assert len(list((work / "data/images").iterdir())) == 16
    assert len(images(notebook)) == 3


def test_maps_notebook_shows_the_sources_of_error(run_command, tmp_path):
    values = {"DATA": str(tmp_path / "absent"), "POINTS": 320}
    _, notebook = executed(run_command, tmp_path, ROOT / "notebooks/02_maps.py", **values)
    perfect, uncertain, sizes, flip, movenet, recipes = tables(notebook)
    assert float(perfect[0][1]) == float(perfect[0][3]) > 1.4  # rounded: no decoding helps
    assert 0.7 < float(perfect[1][2]) < 0.85
    assert float(perfect[1][3]) < 0.01
    for row in uncertain:
        assert float(row[1]) > float(row[2]) > float(row[3]) > 0.1
    assert float(sizes[-1][3]) < float(sizes[0][3]) / 2
    assert [float(row[-1]) for row in flip] == pytest.approx([-1.5, 0.5, 0.0], abs=0.02)
    assert movenet[0][1:] == ["0.000", "0.000"]
    assert float(movenet[1][1]) > 1
    assert float(movenet[2][1]) > 10
    assert {row[3] for row in recipes} == {"quarter", "dark"}
    assert len(images(notebook)) == 2


def test_evaluation_notebook_equals_the_metric(run_command, tmp_path):
    values = {"PEOPLE": (8, 8), "EPOCHS": 1}
    work, notebook = executed(run_command, tmp_path, ROOT / "notebooks/04_evaluation.py", **values)
    scores = json.loads((work / "val/scores.json").read_text())["values"]
    person, joints, mistakes, similar, boxes = tables(notebook)
    assert all((row[3] == "True") == (float(row[2]) <= 0.5) for row in person)
    labelled, correct = (sum(int(row[column]) for row in joints) for column in (1, 2))
    assert len(joints) == 14
    assert 100 * correct / labelled == pytest.approx(scores["Mean"])
    assert f"plain mean {scores['Plain mean']:.2f}" in printed(notebook)
    assert mistakes[0][1:] == [f"{scores[name]:.2f}" for name in ("Mean", "Mean@0.1", "Mean@0.11")]
    assert all(0 < float(row[2]) <= 1 for row in similar)
    ap = [float(row[1]) for row in boxes]
    assert ap[0] == ap[2] > ap[1] > 0
    assert ap[0] > ap[3]


def test_evaluation_notebook_reads_published_predictions(run_command, tmp_path, shared):
    folder = shared / "data/mpii_val"
    values = {"PREDICTIONS": str(folder / "predictions/hg_s2_b1.mat"), "MPII": str(folder)}
    _, notebook = executed(
        run_command,
        tmp_path,
        ROOT / "notebooks/04_evaluation.py",
        **values,
        PEOPLE=(8, 4),
        EPOCHS=1,
    )
    assert "Mean 87.30, plain mean 86.76" in printed(notebook)
    assert tables(notebook)[2][0] == ["none", "87.30", "23.91", "28.08"]


def test_report_notebook_lists_published_and_measured_results(run_command, tmp_path):
    values = {"PEOPLE": (8, 8), "EPOCHS": 1}
    work, notebook = executed(run_command, tmp_path, ROOT / "notebooks/10_report.py", **values)
    kinds, totals, by_joint = tables(notebook)
    assert [row[0] for row in kinds] == ["jitter", "inversion", "swap", "miss"]
    assert float(kinds[0][2]) == 0, "jitter is correct at 0.5"
    for rows, column in ((totals, -1), (by_joint, 0)):
        assert any("original Paddle project" in row[column] for row in rows)
        assert any(f"{work}/val/scores.json" in row[column] for row in rows)
    assert (work / "val/report.html").is_file()


@pytest.fixture(scope="module")
def random_movenet(tmp_path_factory) -> str:
    """Returns the path of a MoveNet after a step of training, in place of Google's weights."""
    folder = tmp_path_factory.mktemp("movenet")
    write_coco(folder / "data", num_train=1, num_val=1, size=(96, 96))
    small = {"model.width": 0.25, "codec.input_size": (64, 64), "augment": None}
    small["data.unlabelled_joints"] = "allow"
    run = pp.train(
        "movenet_lightning_coco",
        data=folder / "data",
        output=folder / "run",
        overrides={**small, "train.epochs": 1, "train.batch_size": 1, "train.num_workers": 0},
    )
    return str(run.last)


def test_movenet_notebook_runs_on_synthetic_groups(run_command, tmp_path, random_movenet):
    values = {"PHOTO": "absent.jpg", "MULTIPOSE": random_movenet, "LIGHTNING": random_movenet}
    values |= {"IMAGES": 2, "EPOCHS": 2}
    work, notebook = executed(run_command, tmp_path, ROOT / "notebooks/05_movenet.py", **values)
    assert json.loads((work / "cropped/val2017.json").read_text())[0]["keypoints"]
    losses, trained, results = tables(notebook)
    assert trained[0][4] in ("0", "1")
    assert losses[0][1:] == ["0.00"] * 4
    assert all(float(value) > 0.5 for row in losses[1:] for value in row[1:])
    lines = (work / "run/metrics.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds.count("eval") == 2
    assert [row[3] for row in results] == ["published: Google"] * 2 + ["this run"]
    assert "photo: " + str(work / "data/train2017") in printed(notebook)
    assert len(images(notebook)) == 6


def test_coco_notebook_runs_on_synthetic_people(run_command, tmp_path):
    values = {"IMAGES": 2, "EPOCHS": 2}
    work, notebook = executed(run_command, tmp_path, ROOT / "notebooks/06_coco.py", **values)
    ideal, trained, results = tables(notebook)
    assert [row[0] for row in trained] == ["SimpleBaseline-R50", "HRNet-W32"]
    assert float(ideal[0][1]) < float(ideal[1][1]) == float(ideal[2][1]) == 1  # rounded, DARK, UDP
    simulated = work / "simulated_boxes.json"
    boxes = {"annotated": "ground truth", "detected": f"detected ({simulated})"}
    values = {}
    for name, whose in boxes.items():
        scores = json.loads((work / f"val_{name}/scores.json").read_text())
        assert (scores["protocol"]["boxes"], scores["protocol"]["people"]) == (whose, 2)
        values[name] = f"{100 * scores['values']['AP']:.1f}"
    published = [row for row in results if not row[3].startswith("this run")]
    assert {tuple(row[:3]) for row in published} >= {
        ("HRNet-W32", "detected", "74.4"),
        ("SimpleBaseline-R50", "detected", "70.4"),
    }
    assert [row[1:3] for row in results[len(published) :]] == [[k, v] for k, v in values.items()]
    assert "joints (left out: pelvis, thorax, upper_neck, head_top)" in printed(notebook)
    assert len(images(notebook)) == 4


def test_export_notebook_skips_backends_that_are_not_installed(run_command, tmp_path, monkeypatch):
    # Python imports a sitecustomize before anything else: here it hides OpenVINO.
    (tmp_path / "sitecustomize.py").write_text(
        'import sys\nsys.modules["openvino"] = None\n', encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    values = {"FORMATS": ("Paddle", "ONNX", "OpenVINO"), "PEOPLE": (8, 4), "EPOCHS": 1, "ROUNDS": 2}
    _, notebook = executed(run_command, tmp_path, ROOT / "notebooks/07_export.py", **values)
    made = ["Paddle", "ONNX"] if find_spec("paddle2onnx") else ["Paddle"]
    assert "OpenVINO is left out: " in printed(notebook)
    differences, _, accuracy, speed, *joints, summary = tables(notebook)
    assert [row[0] for row in differences] == made
    assert all(float(row[4]) < 0.01 for row in differences)
    network, *exported = accuracy
    assert [row[0] for row in exported] == made
    for row in exported:
        assert row[1:] == network[1:], "the file and the network score alike"
    assert [row[0] for row in speed] == [row[0] for row in summary] == made
    assert len(joints) == len(made) - 1
    for _, minimal, ours in joints[0] if joints else ():
        assert np.allclose(ast.literal_eval(minimal), ast.literal_eval(ours), atol=0.011)
    if joints:
        assert "Paddle imported: False" in printed(notebook)
    assert len(images(notebook)) == 1


def test_own_data_notebook_trains_from_labelme(run_command, tmp_path):
    work, notebook = executed(
        run_command, tmp_path, ROOT / "notebooks/09_own_data.py", PEOPLE=20, EPOCHS=1
    )
    said = printed(notebook)
    assert "0 errors, 0 warnings" in said
    assert "heads.0.weight (file (16, 32, 1, 1), network (5, 32, 1, 1))" in said
    parts = [json.loads((work / f"data/{split}.json").read_text()) for split in ("train", "val")]
    train, val = ({image["file_name"] for image in part["images"]} for part in parts)
    assert (len(train), len(val), train & val) == (8, 2, set())
    joints = json.loads((work / "skeleton.json").read_text())["joints"]
    errors, results = tables(notebook)
    assert [row[0] for row in errors] == joints
    assert all(1 <= int(row[1]) <= 2 for row in errors)
    assert [row[0] for row in results] == ["scratch", "finetuned", "mean pose"]
    header, *rows = (work / "predicted/predictions.csv").read_text().splitlines()
    assert "left_hand" in header
    assert len(rows) == 2
    assert len(images(notebook)) == 4


def counted_squats(run_command, tmp_path, **values) -> tuple[str, dict, dict]:
    """Executes the notebook of squats.

    Returns:
        Printed output; (jitter in %, lag in ms) and (number of squats, times of their ends), by
        filter.
    """
    _, notebook = executed(run_command, tmp_path, SQUATS, WORK=None, **values)
    assert len(images(notebook)) == 1
    filters, squats = tables(notebook)
    smoothing = {row[0]: (float(row[1]), int(row[2])) for row in filters}
    counts = {row[0]: (int(row[2]), row[3].split(", ")) for row in squats}
    return printed(notebook), smoothing, counts


def test_synthetic_squats_are_counted(run_command, tmp_path):
    text, smoothing, counts = counted_squats(run_command, tmp_path, SQUATS=2)
    assert "synthetic person: 120 frames" in text
    assert counts["raw"][0] == counts["default"][0] == 2
    assert smoothing["raw"][1] == 0
    assert smoothing["too strong"][0] < smoothing["stronger"][0] < smoothing["raw"][0]
    assert 50 < smoothing["too strong"][1] < 500


def test_filmed_squats_are_counted(run_command, tmp_path, shared):
    video, weights = (
        "data/video/pose_squats.mp4",
        "data/movenet/movenet_single_pose_lightning_ptq.tflite",
    )
    text, smoothing, counts = counted_squats(
        run_command, tmp_path, VIDEO=str(shared / video), WEIGHTS=str(shared / weights)
    )
    assert "pose_squats.mp4: 65 frames, somebody in 65\n" in text
    number, ends = counts["default"]  # a third squat is cut off by the end of the video
    assert number == 2
    assert [float(end) for end in ends] == pytest.approx([3.4, 8.2], abs=0.41)
    raw, smoothed = smoothing["raw"][0], smoothing["default"][0]
    assert smoothed < 0.9 * raw < 2  # decoders of other OpenCV versions give other pixels
    assert smoothing["stronger"][0] < smoothed


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_text_and_notebook_have_the_same_cells(text):
    def cells(notebook):
        return [
            (cell.id, cell.cell_type, cell.source, cell.metadata.get("tags", []))
            for cell in notebook.cells
        ]

    assert cells(committed(text)) == cells(read_notebook(text.read_text(encoding="utf-8")))


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_the_committed_notebook_was_executed_from_top_to_bottom(text):
    notebook = committed(text)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    executed = [cell for cell in code if not is_tagged(cell, INSTALL)]
    assert [cell.execution_count for cell in executed] == list(range(1, len(executed) + 1))
    kinds = {(output.output_type, output.get("name")) for output in outputs(notebook)}
    assert kinds <= {("stream", "stdout"), ("display_data", None), ("execute_result", None)}
    shown = {kind for output in outputs(notebook) for kind in output.get("data", {})}
    assert WIDGET not in shown
    assert not re.search(r"^(error:|Traceback)", printed(notebook), re.MULTILINE)
    assert not FOLDER_OF_A_MACHINE.search(str(outputs(notebook)))
    assert images(notebook), "photographs and drawings are JPEG, charts PNG"
    assert tables(notebook)


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_the_committed_notebook_is_small(text):
    content = text.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert len(content.encode()) <= MAX_BYTES
    assert set(committed(text).metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_functions_are_short(text):
    tree = ast.parse(text.read_text(encoding="utf-8"))
    statements = {
        node.name: sum(isinstance(inner, ast.stmt) for inner in ast.walk(node)) - 1
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }
    assert {name: count for name, count in statements.items() if count > 10} == {}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_an_english_cell_is_followed_by_a_chinese_one(text):
    cells = read_notebook(text.read_text(encoding="utf-8")).cells
    prose = [n for n, cell in enumerate(cells) if cell.cell_type == "markdown"]
    assert len(prose) % 2 == 0
    for english, chinese in zip(prose[::2], prose[1::2], strict=True):
        assert chinese == english + 1
        assert [is_tagged(cells[n], "zh") for n in (english, chinese)] == [False, True]
        title, *inner = HEADING.findall(cells[english].source) or [""]
        assert not inner, "one heading, so that the outline has each section once"
        if english:
            assert not title or CHINESE.search(title), title
        assert bool(HEADING.search(cells[chinese].source)) == (english == 0)
        assert not CHINESE.search(HEADING.sub("", cells[english].source))
        for paragraph in HEADING.sub("", cells[chinese].source).strip().split("\n\n"):
            assert not paragraph or CHINESE.search(paragraph), paragraph


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_the_first_code_cells_install_and_set_parameters(text):
    notebook = read_notebook(text.read_text(encoding="utf-8"))
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert is_tagged(code[0], INSTALL)
    assert code[0].source.splitlines()[-1] == "%pip install -q -r ../requirements/base.txt"
    assert is_tagged(code[1], "parameters")
    assert not re.search(r"sys\.path|os\.environ", "".join(cell.source for cell in code))


def test_percent_text_becomes_cells():
    text = (
        '# head\n\n# %% tags=["parameters"]\nA = 1  # why\nB = ""\nC = (\n    "x",\n)  # which\n\n'
        "# %%\n# !ls \\\n#     -l\n# a comment\n"
    )
    notebook = read_notebook(text)
    assert [cell.source for cell in notebook.cells] == [
        'A = 1  # why\nB = ""\nC = (\n    "x",\n)  # which',
        "!ls \\\n    -l\n# a comment",
    ]
    set_parameters(notebook, {"A": "(2, 3)", "B": r"'\1'", "C": "()"})
    assert notebook.cells[0].source == "A = (2, 3)  # why\nB = '\\1'\nC = ()  # which"


def test_unknown_parameter_is_an_error():
    notebook = read_notebook('# %% tags=["parameters"]\nA = 1\n')
    with pytest.raises(ValueError, match=r"--set C: .* A"):
        set_parameters(notebook, {"C": "1"})


def test_the_cell_that_installs_is_kept_and_commands_use_this_package(run_command, tmp_path):
    text = tmp_path / "small.py"
    text.write_text(
        '# %% tags=["install"]\n# %pip install nothing\n\n'
        "# %%\nimport sys\n\nimport paddle_pose\n\nprint(sys.executable, paddle_pose.__file__)\n"
        '# !python -c "import sys, paddle_pose; print(sys.executable, paddle_pose.__file__)"\n',
        encoding="utf-8",
    )
    done = run_command("scripts/build_notebooks.py", text)
    assert done.returncode == 0, done.stderr
    install, cell = nbformat.read(text.with_suffix(".ipynb"), as_version=4).cells
    assert (install.source, install.execution_count) == ("%pip install nothing", None)
    here, command = cell.outputs[0].text.splitlines()
    assert here == command
    assert here.endswith(str(ROOT / "paddle_pose/__init__.py"))


def test_set_values_are_in_the_outputs_of_the_paired_notebook_and_not_in_its_cells(
    run_command, tmp_path
):
    text = tmp_path / "small.py"
    text.write_text('# %% tags=["parameters"]\nA = 1\nprint(A)\n', encoding="utf-8")
    for flags, source in (((), "A = 1"), (("--output", tmp_path / "other.ipynb"), "A = 2")):
        done = run_command("scripts/build_notebooks.py", text, "--set", "A=2", *flags)
        assert done.returncode == 0, done.stderr
        path = flags[1] if flags else text.with_suffix(".ipynb")
        (cell,) = nbformat.read(path, as_version=4).cells
        assert (cell.source.splitlines()[0], cell.outputs[0].text) == (source, "2\n")


def test_failing_cell_leaves_no_notebook(run_command, tmp_path):
    text = tmp_path / "broken.py"
    text.write_text(
        '# %%\nimport os\nraise RuntimeError("cell " + os.getcwd())\n', encoding="utf-8"
    )
    done = run_command("scripts/build_notebooks.py", text)
    assert done.returncode == 2
    assert f"error: {text}" in done.stderr
    assert "RuntimeError" in done.stderr
    assert f"cell {os.path.realpath(tmp_path)}\n" in done.stderr
    assert not text.with_suffix(".ipynb").exists()

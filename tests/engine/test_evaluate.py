import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from helpers.pages import without_time

from paddle_pose import build
from paddle_pose.configs import registry
from paddle_pose.configs.overrides import override
from paddle_pose.data.mpii import read_ground_truth
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.engine.evaluate import (
    dataset_of,
    default_folder,
    evaluate,
    score_file,
    write_scores,
)
from paddle_pose.engine.pose_model import load_model
from paddle_pose.errors import InputError
from paddle_pose.evaluation.report.write import write as write_report
from paddle_pose.io import images
from paddle_pose.weights.write import write_weights

SMALL = {
    "codec.input_size": (64, 64),
    "model.channels": (8, 8, 8, 8),
    "model.blocks": (1, 1, 1, 1),
    "model.stem_channels": 8,
    "model.feature_channels": 8,
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Returns the weights file of an untrained network, with its config beside it."""
    config = override(registry.find("hourglass_tiny_128"), SMALL)
    path = tmp_path_factory.mktemp("weights") / "model.pdparams"
    network = build.model(config)
    write_weights(path, {name: tensor.numpy() for name, tensor in network.state_dict().items()})
    (path.parent / registry.FILE_NAME).write_text(registry.to_json(config), encoding="utf-8")
    return path


@pytest.fixture
def perfect(synthetic_mpii, tmp_path):
    """Returns a file of predictions equal to the ground truth, with pixels that start at 1."""
    truth = read_ground_truth(synthetic_mpii / "annotations" / "mpii_gt_val.mat")
    scipy.io.savemat(tmp_path / "perfect.mat", {"preds": truth.keypoints + 1.0})
    return tmp_path / "perfect.mat"


def test_evaluate_without_output_writes_nothing(weights, synthetic_mpii, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    progress = []
    found = evaluate(
        str(weights),
        synthetic_mpii,
        overrides={"val.flip": False, "val.batch_size": 3},
        progress=lambda total, unit: lambda done: progress.append((done, total, unit)),
    )
    assert {"Mean", "Mean@0.1", "Ankle"} <= set(found.values)
    assert set(found.intervals) <= set(found.values)
    assert found.written == ()
    assert list(tmp_path.iterdir()) == []
    assert progress == [(3, 8, "people"), (6, 8, "people"), (8, 8, "people")]
    protocol = found.protocol
    assert protocol["flip"] is False
    assert protocol["shift"] is False
    assert protocol["people"] == 8
    assert protocol["input"] == [64, 64]
    assert protocol["boxes"] == "ground truth"
    assert protocol["metric"] == "pckh"
    assert protocol["image_folder"] == str(synthetic_mpii / "images")


def test_evaluate_writes_all_requested_files(weights, synthetic_mpii, tmp_path):
    output = tmp_path / "scored"
    found = evaluate(
        weights,
        synthetic_mpii,
        output=output,
        draw=True,
        report=True,
        baseline=True,
        command="python val.py",
    )
    names = {"pred.mat", "predictions.json", "predictions.png", "scores.json", "report.html"}
    assert (
        {path.name for path in found.written}
        == {path.name for path in output.glob("[!.]*")}
        == names
    )
    assert images.read_upright(output / "predictions.png").shape[2] == 3
    content = json.loads((output / "scores.json").read_text(encoding="utf-8"))
    assert content["values"] == pytest.approx(found.values)
    assert content["command"] == "python val.py"
    assert set(found.baseline) == set(found.values)
    again = score_file(output / "pred.mat", synthetic_mpii)
    assert again.values == pytest.approx(found.values)
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "data:image/jpeg" in page
    # Files of earlier versions store the folder of images under another key.
    content["protocol"]["pictures"] = content["protocol"].pop("image_folder")
    (output / "scores.json").write_text(json.dumps(content), encoding="utf-8")
    again = write_report(output, output / "again.html").read_text(encoding="utf-8")
    assert without_time(again) == without_time(page)


def test_second_evaluation_removes_page_and_image_of_the_first(weights, synthetic_mpii, tmp_path):
    evaluate(weights, synthetic_mpii, output=tmp_path, draw=True, report=True)
    (tmp_path / "report.html").write_text("mine")
    evaluate(weights, synthetic_mpii, output=tmp_path)
    written = {path.name for path in tmp_path.glob("[!.]*")}
    assert written == {"pred.mat", "predictions.json", "scores.json", "report.html"}


@pytest.mark.parametrize(
    "name", ["pred.mat", "predictions.json", "predictions.png", "scores.json", "report.html"]
)
def test_evaluate_does_not_overwrite_foreign_files(name, weights, synthetic_mpii, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=name):
        evaluate(weights, synthetic_mpii, output=tmp_path, draw=True, report=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_default_folder_depends_on_the_content_of_the_weights(tmp_path):
    contents = {"a.xml": "graph", "a.bin": "one", "b.xml": "graph", "b.bin": "two", "c.pth": "one"}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    folders = [default_folder(tmp_path / name, "net") for name in ("a.xml", "b.xml", "c.pth")]
    assert folders[0] != folders[1]
    assert {folder.parent for folder in folders} == {Path("output/val")}
    (tmp_path / "c.pth").rename(tmp_path / "d.pth")
    assert default_folder(tmp_path / "d.pth", "net") == folders[2]


@pytest.mark.parametrize("flag", ["draw", "report"])
def test_draw_and_report_without_output_raise(weights, synthetic_mpii, flag):
    with pytest.raises(InputError):
        evaluate(weights, synthetic_mpii, **{flag: True})


def test_report_with_an_unsupported_metric_raises(weights, synthetic_mpii, tmp_path):
    with pytest.raises(InputError):
        evaluate(
            weights, synthetic_mpii, overrides={"val.metric": "pck"}, output=tmp_path, report=True
        )
    assert list(tmp_path.iterdir()) == []


def test_score_file_reproduces_published_scores(shared):
    root = shared / "data" / "mpii_val"
    preds = root / "predictions" / "hg_s2_b1.mat"
    scores = score_file(preds, root)
    assert round(scores.values["Mean"], 2) == 87.30
    assert round(scores.values["Mean@0.1"], 2) == 23.91
    assert scores.protocol["data"] == "mpii"
    named = score_file(str(preds), ground_truth=root / "annotations" / "mpii_gt_val.mat")
    assert named.values == scores.values


def test_score_file_expects_one_based_pixels_by_default(perfect, synthetic_mpii):
    assert score_file(perfect, synthetic_mpii).values["Mean"] == 100.0
    truth = synthetic_mpii / "annotations" / "mpii_gt_val.mat"
    points = read_ground_truth(truth).keypoints
    scipy.io.savemat(perfect, {"preds": points})
    exact = score_file(perfect, synthetic_mpii, zero_based=True)
    assert exact.values["Mean"] == 100.0
    assert np.all([low == high == 100.0 for low, high in exact.intervals.values()])


def test_score_file_scores_coco_results_with_the_given_ground_truth(tmp_path):
    root = write_coco(tmp_path / "coco", num_train=1, num_val=2, size=(64, 64))
    truth = root / "annotations" / "person_keypoints_val2017.json"
    content = json.loads(truth.read_text(encoding="utf-8"))
    results = [
        {**{key: person[key] for key in ("image_id", "category_id", "keypoints")}, "score": 1.0}
        for person in content["annotations"]
    ]
    (tmp_path / "perfect.json").write_text(json.dumps(results), encoding="utf-8")
    for category in content["categories"]:
        del category["keypoints"]
    nameless = tmp_path / "nameless.json"
    nameless.write_text(json.dumps(content), encoding="utf-8")
    for arguments in ({"data": root}, {"ground_truth": truth}, {"ground_truth": nameless}):
        assert score_file(tmp_path / "perfect.json", **arguments).values["AP"] == 1.0
    with pytest.raises(InputError):
        score_file(tmp_path / "perfect.json", root, zero_based=True)
    shutil.rmtree(root)
    with pytest.raises(FileNotFoundError):
        score_file(tmp_path / "perfect.json", root)


def test_score_file_without_ground_truth_raises(perfect):
    with pytest.raises(InputError):
        score_file(perfect)


def test_dataset_of_depends_on_the_suffix(tmp_path):
    assert [dataset_of(tmp_path / name) for name in ("a.json", "a.mat", "a.h5")] == [
        "coco",
        "mpii",
        "mpii",
    ]


def test_write_scores_writes_values_and_protocol(perfect, synthetic_mpii, tmp_path):
    scores = score_file(perfect, synthetic_mpii)
    path = write_scores(scores, tmp_path / "deep" / "folder", "a command")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert list(content) == ["protocol", "values", "intervals", "command"]
    assert content["protocol"] == {
        "results": str(perfect),
        "data": "mpii",
        "ground truth": str(synthetic_mpii / "annotations" / "mpii_gt_val.mat"),
    }


@pytest.mark.parametrize("settings", [{"device": "cpu"}, {"threads": 1}], ids=str)
def test_evaluate_loaded_model_with_device_or_threads_raises(weights, settings):
    with load_model(weights) as model, pytest.raises(InputError, match=next(iter(settings))):
        evaluate(model, "nowhere", **settings)


def test_evaluate_closed_model_raises(weights):
    model = load_model(weights)
    model.close()
    with pytest.raises(InputError, match="closed"):
        evaluate(model, "nowhere")


@pytest.mark.parametrize(
    ("name", "value"), [("device", "cuda"), ("threads", 0), ("overrides", [1])], ids=str
)
def test_evaluate_with_invalid_argument_raises(weights, name, value):
    with pytest.raises(InputError, match=f"^{name}"):
        evaluate(weights, "nowhere", **{name: value})


def test_evaluate_accepts_a_folder_and_shows_no_progress(weights, synthetic_mpii, capfd):
    found = evaluate(weights.parent, synthetic_mpii, overrides={"val.flip": False}, progress=None)
    assert found.protocol["checkpoint"] == str(weights)
    assert "people/s" not in capfd.readouterr().err


def test_evaluate_takes_the_data_of_the_run(weights, synthetic_mpii, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    shutil.copytree(weights.parent, run / "best_model")
    options = {"overrides": {"val.flip": False}, "progress": None}
    with pytest.raises(InputError, match="data"):
        evaluate(run, **options)
    config = registry.read_beside(weights)
    (run / registry.FILE_NAME).write_text(registry.to_json(config, synthetic_mpii))
    assert evaluate(run, **options).protocol["people"] == 8
    coco = write_coco(tmp_path / "coco", num_train=2, num_val=3, seed=0, size=(160, 160))
    found = evaluate(run, coco, overrides={"val.flip": False, "data.dataset": "coco"})
    assert found.protocol["people"] == 3, "given data come first"
    with pytest.raises(InputError, match="data"):  # those of the run have another layout
        evaluate(run, overrides={"data.dataset": "coco"})


def test_evaluating_an_exported_network_needs_no_paddle():
    """Paddle may be missing, and its import adds a handler to the root logger."""
    code = "import sys, paddle_pose.engine.evaluate; print('paddle' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

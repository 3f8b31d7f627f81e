import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io

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
    """An untrained network, with its config beside it."""
    config = override(registry.find("hourglass_tiny_128"), SMALL)
    path = tmp_path_factory.mktemp("weights") / "model.pdparams"
    network = build.model(config)
    write_weights(path, {name: tensor.numpy() for name, tensor in network.state_dict().items()})
    (path.parent / registry.FILE_NAME).write_text(registry.to_json(config), encoding="utf-8")
    return path


@pytest.fixture
def perfect(synthetic_mpii, tmp_path):
    """Predictions that are the truth, counted from 1."""
    truth = read_ground_truth(synthetic_mpii / "annotations" / "mpii_gt_val.mat")
    scipy.io.savemat(tmp_path / "perfect.mat", {"preds": truth.keypoints + 1.0})
    return tmp_path / "perfect.mat"


def test_an_evaluation_writes_nothing_unless_told_where(
    weights, synthetic_mpii, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    told = []
    found = evaluate(
        str(weights),
        synthetic_mpii,
        overrides={"val.flip": False, "val.batch_size": 3},
        progress=lambda total, unit: lambda done: told.append((done, total, unit)),
    )
    assert {"Mean", "Mean@0.1", "Ankle"} <= set(found.values)
    assert set(found.intervals) <= set(found.values)
    assert found.written == ()
    assert list(tmp_path.iterdir()) == []
    assert told == [(3, 8, "people"), (6, 8, "people"), (8, 8, "people")]
    protocol = found.protocol
    assert (protocol["flip"], protocol["shift"], protocol["people"]) == (False, False, 8)
    assert (protocol["input"], protocol["boxes"], protocol["metric"]) == (
        [64, 64],
        "ground truth",
        "pckh",
    )
    assert protocol["image_folder"] == str(synthetic_mpii / "images")


def test_everything_an_evaluation_can_write(weights, synthetic_mpii, tmp_path):
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
    # Older files name the folder of images otherwise.
    content["protocol"]["pictures"] = content["protocol"].pop("image_folder")
    (output / "scores.json").write_text(json.dumps(content), encoding="utf-8")
    assert write_report(output, output / "again.html").read_text(encoding="utf-8") == page


def test_a_second_evaluation_leaves_no_page_or_image_of_the_first(
    weights, synthetic_mpii, tmp_path
):
    evaluate(weights, synthetic_mpii, output=tmp_path, draw=True, report=True)
    (tmp_path / "report.html").write_text("mine")
    evaluate(weights, synthetic_mpii, output=tmp_path)
    assert {path.name for path in tmp_path.glob("[!.]*")} == {
        *("pred.mat", "predictions.json", "scores.json", "report.html")
    }


@pytest.mark.parametrize(
    "name", ["pred.mat", "predictions.json", "predictions.png", "scores.json", "report.html"]
)
def test_nothing_of_somebody_else_is_replaced(name, weights, synthetic_mpii, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=name):
        evaluate(weights, synthetic_mpii, output=tmp_path, draw=True, report=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {name: "mine"}


def test_the_default_folder_tells_weights_apart(tmp_path):
    for name, content in (
        ("a.xml", "graph"),
        ("a.bin", "one"),
        ("b.xml", "graph"),
        ("b.bin", "two"),
        ("c.pth", "one"),
    ):
        (tmp_path / name).write_text(content)
    folders = [default_folder(tmp_path / name, "net") for name in ("a.xml", "b.xml", "c.pth")]
    assert folders[0] != folders[1]
    assert {folder.parent for folder in folders} == {Path("output/val")}
    (tmp_path / "c.pth").rename(tmp_path / "d.pth")
    assert default_folder(tmp_path / "d.pth", "net") == folders[2]


@pytest.mark.parametrize("flag", ["draw", "report"])
def test_files_need_a_folder(weights, synthetic_mpii, flag):
    with pytest.raises(InputError):
        evaluate(weights, synthetic_mpii, **{flag: True})


def test_a_report_on_another_metric_is_refused(weights, synthetic_mpii, tmp_path):
    with pytest.raises(InputError):
        evaluate(
            weights, synthetic_mpii, overrides={"val.metric": "pck"}, output=tmp_path, report=True
        )
    assert list(tmp_path.iterdir()) == []


def test_published_predictions_score_what_was_published(shared):
    root = shared / "data" / "mpii_val"
    preds = root / "predictions" / "hg_s2_b1.mat"
    scores = score_file(preds, root)
    assert round(scores.values["Mean"], 2) == 87.30
    assert round(scores.values["Mean@0.1"], 2) == 23.91
    assert scores.protocol["data"] == "mpii"
    named = score_file(str(preds), ground_truth=root / "annotations" / "mpii_gt_val.mat")
    assert named.values == scores.values


def test_pixels_count_from_1_unless_told_otherwise(perfect, synthetic_mpii):
    assert score_file(perfect, synthetic_mpii).values["Mean"] == 100.0
    truth = synthetic_mpii / "annotations" / "mpii_gt_val.mat"
    points = read_ground_truth(truth).keypoints
    scipy.io.savemat(perfect, {"preds": points})
    exact = score_file(perfect, synthetic_mpii, zero_based=True)
    assert exact.values["Mean"] == 100.0
    assert np.all([low == high == 100.0 for low, high in exact.intervals.values()])


def test_results_for_coco_are_scored_with_the_named_ground_truth(tmp_path):
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
    for where in ({"data": root}, {"ground_truth": truth}, {"ground_truth": nameless}):
        assert score_file(tmp_path / "perfect.json", **where).values["AP"] == 1.0
    with pytest.raises(InputError):
        score_file(tmp_path / "perfect.json", root, zero_based=True)
    shutil.rmtree(root)
    with pytest.raises(FileNotFoundError):
        score_file(tmp_path / "perfect.json", root)


def test_the_ground_truth_has_to_be_named(perfect):
    with pytest.raises(InputError):
        score_file(perfect)


def test_the_suffix_says_whose_format_it_is(tmp_path):
    assert [dataset_of(tmp_path / name) for name in ("a.json", "a.mat", "a.h5")] == [
        "coco",
        "mpii",
        "mpii",
    ]


def test_scores_are_written_with_their_protocol(perfect, synthetic_mpii, tmp_path):
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
def test_a_loaded_model_has_its_device_and_threads(weights, settings):
    with load_model(weights) as model, pytest.raises(InputError, match=next(iter(settings))):
        evaluate(model, "nowhere", **settings)


def test_a_closed_model_is_not_evaluated(weights):
    model = load_model(weights)
    model.close()
    with pytest.raises(InputError, match="closed"):
        evaluate(model, "nowhere")


@pytest.mark.parametrize(
    ("name", "value"), [("device", "cuda"), ("threads", 0), ("overrides", [1])], ids=str
)
def test_what_no_argument_may_be_is_refused(weights, name, value):
    with pytest.raises(InputError, match=f"^{name}"):
        evaluate(weights, "nowhere", **{name: value})


def test_a_folder_is_evaluated_without_progress(weights, synthetic_mpii, capfd):
    found = evaluate(weights.parent, synthetic_mpii, overrides={"val.flip": False}, progress=None)
    assert found.protocol["checkpoint"] == str(weights)
    assert "people/s" not in capfd.readouterr().err

import json

import pytest
import scipy.io
from helpers.pages import without_time

from paddle_pose.cli.val import build_parser, main
from paddle_pose.data.mpii import read_ground_truth
from paddle_pose.data.synthetic.dataset import write_coco
from paddle_pose.errors import InputError


@pytest.fixture
def perfect(synthetic_mpii, tmp_path, monkeypatch):
    """Returns a file in the working folder of predictions equal to the truth, from pixel 1."""
    monkeypatch.chdir(tmp_path)
    truth = read_ground_truth(synthetic_mpii / "annotations" / "mpii_gt_val.mat")
    scipy.io.savemat("perfect.mat", {"preds": truth.keypoints + 1.0})
    return "perfect.mat"


@pytest.fixture
def own_joint(tmp_path):
    """Returns a folder with results of one joint in COCO's format, annotations and a skeleton."""
    root = write_coco(tmp_path / "coco", num_train=1, num_val=1, size=(64, 64))
    content = json.loads(
        (root / "annotations" / "person_keypoints_val2017.json").read_text(encoding="utf-8")
    )
    for person in content["annotations"]:
        person.update(keypoints=[5, 6, 2], num_keypoints=1)
    content["categories"] = [{"id": 1, "name": "ant", "keypoints": ["head"]}]
    (tmp_path / "truth.json").write_text(json.dumps(content), encoding="utf-8")
    results = [
        {"image_id": person["image_id"], "category_id": 1, "keypoints": [5, 6, 1], "score": 1.0}
        for person in content["annotations"]
    ]
    (tmp_path / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (tmp_path / "ant.json").write_text('{"sigmas": [0.05]}', encoding="utf-8")
    return tmp_path


def test_val_accepts_both_weights_flags():
    for flag in ("--weights", "--pretrained_model"):
        assert str(build_parser().parse_args([flag, "a.pdparams"]).weights) == "a.pdparams"


@pytest.mark.parametrize("words", [[], ["--weights", "a", "--results", "b"]])
def test_val_requires_either_weights_or_results(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        build_parser().parse_args(words)
    assert stopped.value.code == 2


def test_val_of_results_writes_scores_and_report(perfect, synthetic_mpii, tmp_path, capsys):
    assert main(["--results", perfect, "--dataset_root", str(synthetic_mpii), "--report"]) == 0
    out, err = capsys.readouterr()
    assert "[EVAL] Ankle=100 " in out
    assert "Protocol: perfect.mat, 8 people, pixel coordinates start at 1" in out
    assert err == ""
    (folder,) = (tmp_path / "output" / "val").iterdir()
    assert folder.name.startswith("perfect-")
    assert f"Written: {folder.relative_to(tmp_path)}/scores.json" in out
    content = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    assert content["values"]["Mean"] == 100.0
    assert content["command"].endswith(
        f"--results perfect.mat --dataset_root {synthetic_mpii} --report"
    )
    assert (folder / "report.html").is_file()


def test_val_with_json_prints_only_json_and_writes_nothing(
    perfect, synthetic_mpii, tmp_path, capsys
):
    before = sorted(tmp_path.iterdir())
    truth = synthetic_mpii / "annotations" / "mpii_gt_val.mat"
    assert main(["--results", perfect, "--ground_truth", str(truth), "--json", "--report"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["Mean"] == 100.0
    assert err == "warning: no effect with --json: --report\n"
    assert sorted(tmp_path.iterdir()) == before


def test_val_with_json_and_skeleton_prints_only_json(own_joint, capsys):
    truth = str(own_joint / "truth.json")
    flags = ["--results", str(own_joint / "results.json"), "--json"]
    flags += ["--skeleton", str(own_joint / "ant.json")]
    for named in (["--ground_truth", truth], ["--val_annotations", truth]):
        assert main([*flags, *named]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["AP"] == pytest.approx(1.0)
        assert err == ""


def test_val_of_results_warns_of_flags_without_effect(perfect, synthetic_mpii, capsys):
    flags = ["--no-flip", "--baseline", "--images", "i", "-o", "a=b", "--device", "auto"]
    assert main(["--results", perfect, "--dataset_root", str(synthetic_mpii), *flags]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    named = {word.strip(",") for word in line.split() if word.startswith("--")}
    assert named == {"--results", "--flip", "--baseline", "--images", "--override"}


def test_val_of_weights_warns_of_flags_of_results(tmp_path, capsys):
    flags = ["--weights", str(tmp_path / "none.pdparams")]
    with pytest.raises(FileNotFoundError):
        main([*flags, "--json", "--zero_based", "--no-flip", "--shift"])
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith(": --zero_based, --json")
    assert second.endswith(": --shift")


def test_ground_truth_takes_precedence_over_dataset_root(perfect, synthetic_mpii, capsys):
    truth = synthetic_mpii / "annotations" / "mpii_gt_val.mat"
    assert main(["--results", perfect, "--ground_truth", str(truth), "--dataset_root", "none"]) == 0
    assert capsys.readouterr().err.endswith(": --dataset_root\n")


def test_val_of_a_folder_writes_a_report(perfect, synthetic_mpii, tmp_path, capsys):
    (tmp_path / "scored").mkdir()
    (tmp_path / perfect).rename(tmp_path / "scored" / "pred.mat")
    flags = ["--results", "scored", "--dataset_root", str(synthetic_mpii)]
    with pytest.raises(InputError):
        main(flags)
    assert main([*flags, "--report"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Written: scored/report.html"
    assert sorted(path.name for path in (tmp_path / "scored").glob("[!.]*")) == [
        "pred.mat",
        "report.html",
    ]
    assert main([*flags, "--report", "--output", "elsewhere"]) == 0
    pages = [
        without_time((tmp_path / folder / "report.html").read_text(encoding="utf-8"))
        for folder in ("scored", "elsewhere")
    ]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("dataset", ["coco", "movenet_crops"])
def test_val_of_results_with_another_dataset_raises(perfect, synthetic_mpii, dataset):
    with pytest.raises(InputError):
        main(["--results", perfect, "--dataset_root", str(synthetic_mpii), "--dataset", dataset])

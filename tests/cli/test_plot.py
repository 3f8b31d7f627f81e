"""`plot`: its flags, its printed lines and its image."""

import json

from paddle_pose.cli import plot


def test_plot_of_two_runs_writes_one_image(tmp_path, capsys):
    step = {"kind": "train", "step": 1, "epoch": 0, "loss": 1.0, "lr": 1e-3}
    scored = {"kind": "eval", "step": 1, "epoch": 0, "monitor": "AP", "AP": 0.5, "AR": 0.75}
    runs = [tmp_path / "a", tmp_path / "b"]
    for run in runs:
        run.mkdir()
        (run / "metrics.jsonl").write_text(
            "".join(json.dumps(line) + "\n" for line in (step, scored))
        )
    image = tmp_path / "curves.png"
    assert plot.main([*map(str, runs), "--metric", "AR", "--output_file", str(image)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "best" in line] == [
        f"{name}: 1 logged steps up to 1 (epoch 0), best AR 0.7500 after epoch 0, step 1"
        for name in "ab"
    ]
    assert lines[-1] == f"Written: {image}"
    assert image.is_file()

import json

from paddle_pose.cli.results import main


def write_scores(folder):
    """A scores.json of somebody's predictions."""
    protocol = {"results": "his.mat", "data": "mpii", "ground truth": "gt.mat"}
    content = {
        "protocol": protocol,
        "values": {"Mean": 88.95},
        "intervals": {"Mean": [88.0, 89.9]},
        "command": "val",
    }
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps(content))


def test_both_formats_are_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_scores(tmp_path / "output" / "his")
    assert main([]) == 0
    assert "88.95 (88.00 .. 89.90)" in capsys.readouterr().out
    assert main(["--format", "html", "--output_file", "pages/table.html"]) == 0
    page = (tmp_path / "pages" / "table.html").read_text(encoding="utf-8")
    assert "88.95 (88.00 .. 89.90)" in page
    assert main(["output/his/scores.json", "--joints"]) == 0
    shown = capsys.readouterr().out
    assert "96.66" in shown
    assert "his.mat" not in shown, "it states no joints"

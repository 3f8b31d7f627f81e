import json

from paddle_pose.cli.results import main


def write_scores(folder):
    """Writes a scores.json of predictions by another program."""
    protocol = {"results": "foreign.mat", "data": "mpii", "ground truth": "gt.mat"}
    content = {
        "protocol": protocol,
        "values": {"Mean": 88.95},
        "intervals": {"Mean": [88.0, 89.9]},
        "command": "val",
    }
    folder.mkdir(parents=True)
    (folder / "scores.json").write_text(json.dumps(content))


def test_results_writes_markdown_and_html(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_scores(tmp_path / "output" / "foreign")
    assert main([]) == 0
    assert "88.95 (88.00 .. 89.90)" in capsys.readouterr().out
    assert main(["--format", "html", "--output_file", "pages/table.html"]) == 0
    page = (tmp_path / "pages" / "table.html").read_text(encoding="utf-8")
    assert "88.95 (88.00 .. 89.90)" in page
    assert main(["output/foreign/scores.json", "--joints"]) == 0
    printed = capsys.readouterr().out
    assert "96.66" in printed
    assert "foreign.mat" not in printed, "its scores.json has no scores of joints"

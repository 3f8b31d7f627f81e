from pathlib import Path

from paddle_pose.cli.download import show_download
from paddle_pose.cli.serve_demo import build_parser, main
from paddle_pose.web_demo import page
from paddle_pose.web_demo.server import HOST
from paddle_pose.weights.zoo import PUBLISHED


def test_serve_demo_passes_flags_to_the_page(monkeypatch):
    given = {}
    monkeypatch.setattr(
        page, "serve_page", lambda weights, **settings: given.update(settings, weights=weights)
    )
    flags = ["--weights", "model.onnx", "--several_weights", "none", "--config", "c"]
    flags += ["--cache", "downloaded", "--port", "8000"]
    assert main([*flags, "--from_file", "a.tgz", "b.tflite", "--host", "0.0.0.0"]) == 0
    assert given == {
        "weights": "model.onnx",
        "several": "none",
        "config": "c",
        "download_folder": Path("downloaded"),
        "from_files": [Path("a.tgz"), Path("b.tflite")],
        "host": "0.0.0.0",
        "port": 8000,
        "progress": show_download,
    }


def test_serve_demo_defaults_are_published_weights_and_local_host():
    arguments = build_parser().parse_args([])
    assert arguments.weights in PUBLISHED
    assert arguments.several_weights is None
    assert page.SEVERAL in PUBLISHED
    assert (arguments.host, arguments.port) == (HOST, 0)
    assert build_parser().parse_args(["--pretrained_model", "F"]).weights == "F"

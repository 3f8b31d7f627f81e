"""The table of published files: complete, consistent, and without numbers of unstated origin."""

import hashlib
import re
from dataclasses import replace

import pytest

from paddle_pose import build
from paddle_pose.configs.registry import find
from paddle_pose.io.checksum import sha256_of
from paddle_pose.weights.zoo import PUBLISHED, recognise


@pytest.mark.parametrize("name", PUBLISHED)
def test_entries_are_complete(name):
    file = PUBLISHED[name]
    assert file.name == name
    assert file.url.startswith("https://")
    assert file.source.startswith("https://")
    if file.on_page:
        assert file.sha256 == ""
        assert file.file_name == file.on_page
    else:
        assert re.fullmatch(r"[0-9a-f]{8,64}", file.sha256)
        assert file.url.endswith(file.file_name)
        assert len(file.sha256) == 64 or file.sha256[:8] in file.file_name
    assert "not measured by this project" in file.protocol
    assert all(0 < value <= 100 for _, value in (*file.published, *file.measured))
    assert bool(file.measured) == bool(file.measured_protocol)
    assert file.author
    assert file.licence
    assert file.data_licence
    assert bool(file.boxes) == (file.purpose != "start")
    for other in file.companions:
        assert other.url.startswith("https://")
        assert re.fullmatch(r"[0-9a-f]{64}", other.sha256)
        assert other.size
    if file.archive is not None:
        assert re.fullmatch(r"[0-9a-f]{64}", file.archive.sha256)
        assert file.archive.size


@pytest.mark.parametrize("name", [name for name, file in PUBLISHED.items() if file.config])
def test_entries_and_configs_agree(name):
    """Input size, data set and depth in a file's name, and its metrics, are those of the config."""
    file, config = PUBLISHED[name], find(PUBLISHED[name].config)
    width, height = config.codec.input_size
    if file.purpose == "start":
        assert file.published == ()
        if name.startswith("aic_coco_cspnext"):
            assert file.file_name.split("_")[0].startswith(f"cspnext-{name[-1]}")
            assert config.name == f"rtmpose_{name[-1]}_coco_256x192"
            assert config.train.init == name
            return
        assert (
            f"{file.file_name.split('-')[0].replace('resnet', 'simple_baseline_r')}_coco_256x192"
            == config.name
        )
        return
    if "movenet" in name:
        expected = {"lightning": (192, 1.0), "thunder": (256, 1.75), "multipose": (256, 1.5)}
        (model,) = [model for model in expected if model in name]
        assert (width, config.model.width) == expected[model]
        return
    assert f"_{height}x{width}" in file.file_name
    names = {"mpii": {"Mean", "Mean@0.1", "Mean@0.11"}, "coco": {"AP", "AR"}}[config.data.dataset]
    assert {metric for metric, _ in file.published} <= names
    annotated = config.data.dataset == "mpii" or name.startswith(("paddledetection_", "tinypose_"))
    assert ("boxes detected" in file.protocol) == (not annotated)
    assert ("annotated boxes, " in file.protocol) == annotated
    assert ("annotated" in file.boxes) == annotated
    if "simple_baseline" in config.name:
        assert re.search(rf"res(net_)?{config.model.depth}_", file.file_name)
    if "hrnet" in config.name:
        assert f"hrnet_w{config.model.width}_" in file.file_name


@pytest.mark.parametrize(
    "name",
    [name for name, file in PUBLISHED.items() if file.purpose == "score" and file.config],
)
def test_the_network_gets_the_channel_order_of_its_training(name):
    """MMPose trained SimpleBaseline on RGB, its authors on BGR; the tensor names differ."""
    file, config = PUBLISHED[name], find(PUBLISHED[name].config)
    prefix = "backbone." if name.startswith("mmpose") else ""
    fitted = build.fitted(config, [f"{prefix}conv1.weight", f"{prefix}bn1.running_mean"])
    assert getattr(fitted.model, "order", "rgb") == file.order
    assert file.order == ("bgr" if name.startswith("official_simple_baseline") else "rgb")


def test_the_table_is_complete():
    owners = [name.split("_")[0] for name in PUBLISHED]
    assert {owner: owners.count(owner) for owner in owners} == {
        "mmpose": 17,
        "official": 18,
        "rtmpose": 2,
        "paddledetection": 5,
        "tinypose": 2,
        "imagenet": 5,
        "aic": 4,
        "google": 4,
        "movenet": 3,
        "nanodet": 2,
    }
    assert len({(file.url, file.file_name) for file in PUBLISHED.values()}) == len(PUBLISHED)
    file_names = [file.file_name for model in PUBLISHED.values() for file in model.files]
    assert len(set(file_names)) == len(file_names)  # they are downloaded into one folder


@pytest.mark.parametrize(("side", "numbers"), [(256, (88.9, 31.7)), (384, (89.4, 36.6))])
def test_hourglass_numbers_are_mmposes(side, numbers):
    file = PUBLISHED[f"mmpose_hourglass52_mpii_{side}"]
    assert file.config == f"hourglass52_mpii_{side}"
    assert f"{side}x{side}" in file.url
    assert dict(file.published) == dict(zip(("Mean", "Mean@0.1"), numbers, strict=True))


def test_a_published_file_is_recognized_by_its_checksum(tmp_path, monkeypatch):
    content = b"published weights"
    known = replace(
        PUBLISHED["mmpose_hourglass52_mpii_256"], sha256=hashlib.sha256(content).hexdigest()[:8]
    )
    monkeypatch.setitem(PUBLISHED, known.name, known)
    (tmp_path / "renamed.pth").write_bytes(content)
    (tmp_path / "other.pth").write_bytes(content + b".")
    assert recognise(tmp_path / "renamed.pth") is known
    assert recognise(tmp_path / "other.pth") is None


def test_googles_file_is_recognized(shared):
    (file,) = (shared / "data" / "movenet").glob("*.tflite")
    assert recognise(file).config == "movenet_lightning_coco"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("movenet_thunder", "movenet_tfjs"),
        ("movenet_lightning", "movenet_tfjs"),
        ("nanodet_g", "nanodet"),
        ("nanodet_m", "nanodet"),
        ("google_movenet_lightning_int8", "movenet"),
    ],
)
def test_sizes_and_checksums_are_those_of_the_files(shared, name, folder):
    stored = {"nanodet_m.onnx": "nanodet_m_416.onnx"}
    model = PUBLISHED[name]
    for file in model.files:
        path = shared / "data" / folder / stored.get(file.file_name, file.file_name)
        assert path.stat().st_size == file.size
        assert sha256_of(path) == file.sha256
    assert model.total_size == sum(file.size for file in model.files)
    assert (
        recognise(shared / "data" / folder / stored.get(model.file_name, model.file_name)) is model
    )


SCORED = {
    file.config: file.parameters
    for file in PUBLISHED.values()
    if file.purpose == "score" and file.config
}
NETWORKS = {count: config for config, count in SCORED.items()}


@pytest.mark.usefixtures("zero_initial_weights")
@pytest.mark.parametrize("count", NETWORKS)
def test_parameters_are_those_of_the_network(count):
    pytest.importorskip("paddle")
    config = build.fitted(
        find(NETWORKS[count]), ["bn._mean"] if "movenet" not in NETWORKS[count] else ["conv.bias"]
    )
    assert sum(p.size for p in build.model(config).parameters() if p.trainable) == count

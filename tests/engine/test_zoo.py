"""Published files: lookup by name, download, conversion and description."""

import hashlib
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.web_server import Site, serving

from paddle_pose.configs import registry
from paddle_pose.engine import zoo
from paddle_pose.errors import InputError, MissingDependencyError
from paddle_pose.io.download import download
from paddle_pose.weights.read import read_weights
from paddle_pose.weights.zoo import PUBLISHED

NAME = "google_movenet_lightning_int8"


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Returns a file that has the checksum of the published one."""
    path = tmp_path / "copy.tflite"
    path.write_bytes(b"weights")
    monkeypatch.setitem(
        PUBLISHED, NAME, replace(PUBLISHED[NAME], sha256=hashlib.sha256(b"weights").hexdigest())
    )
    return path


def test_find_published_with_unknown_name_suggests_the_nearest():
    assert zoo.find_published(NAME) is PUBLISHED[NAME]
    with pytest.raises(InputError) as refused:
        zoo.find_published("google_movenet_lightening_int8")
    message = str(refused.value)
    assert f"Did you mean {NAME!r}?" in message
    assert all(name in message for name in PUBLISHED)


def test_locate_missing_weights_suggests_the_nearest_published_name(tmp_path):
    with pytest.raises(FileNotFoundError) as refused:
        zoo.locate("google_movenet_lightning_int", tmp_path)
    assert "google_movenet_lightning_int:" in str(refused.value)
    assert f"{NAME!r}?" in str(refused.value)
    with pytest.raises(FileNotFoundError) as refused:
        zoo.locate(str(tmp_path / "best" / "model.pdparams"), tmp_path, what="detector")
    assert "Did you mean" not in str(refused.value)


def test_file_takes_precedence_over_published_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert zoo.is_published(NAME)
    Path(NAME).write_bytes(b"mine")
    assert not zoo.is_published(NAME)
    assert zoo.locate(NAME, tmp_path / "published") == Path(NAME)
    assert not (tmp_path / "published").exists()


def test_converted_converts_a_file_once(copy, tmp_path, monkeypatch):
    calls = []

    def convert(config, source, target, force):
        calls.append((config.name, source, force))
        target.parent.mkdir()
        for name in (target.name, registry.FILE_NAME):
            target.with_name(name).write_text("written")

    monkeypatch.setattr(zoo, "convert", convert)
    folder = tmp_path / "published"
    for _ in range(2):
        assert zoo.converted(NAME, folder, copy) == folder / NAME / "model.safetensors"
    fetched = folder / PUBLISHED[NAME].file_name
    assert calls == [(PUBLISHED[NAME].config, fetched, True)]
    assert fetched.read_bytes() == b"weights"


def test_concurrent_calls_convert_a_file_once(copy, tmp_path, monkeypatch):
    calls = []

    def convert(config, source, target, force):
        calls.append(target)
        target.parent.mkdir()
        all_submitted.wait(10)
        for name in (target.name, registry.FILE_NAME):
            target.with_name(name).write_text("written")

    monkeypatch.setattr(zoo, "convert", convert)
    all_submitted = threading.Event()
    folder = tmp_path / "published"
    zoo.fetch(NAME, folder, copy)
    with ThreadPoolExecutor(4) as pool:
        found = [pool.submit(zoo.converted, NAME, folder) for _ in range(4)]
        all_submitted.set()
        assert {one.result() for one in found} == {folder / NAME / "model.safetensors"}
    assert len(calls) == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_description_contains_all_known_fields(name):
    file = PUBLISHED[name]
    text = zoo.description(file)
    for known in (
        file.name,
        file.url,
        file.sha256,
        file.config,
        file.source,
        file.file_name,
        file.protocol,
    ):
        assert known in text
    assert all(f"{metric} {value}" in text for metric, value in file.published)
    used = {"start": " train ", "score": " val ", "detect": " predict "}[file.purpose]
    used = used if file.config else " predict "
    assert used in zoo.usage(file, Path("net.pth"))


@pytest.fixture
def folder(shared, tmp_path, monkeypatch):
    """Returns a folder that does not exist yet; downloads fail."""
    monkeypatch.setattr("paddle_pose.io.download_files.download", only_copies)
    return tmp_path / "published"


def only_copies(file, folder, *, from_file=None, **options):
    target = folder / file.file_name
    if from_file is None and not target.exists():
        raise ConnectionError(f"{file.file_name}: no server")
    return download(file, folder, from_file=from_file)


@pytest.mark.parametrize(
    ("name", "data"), [("movenet_lightning", "movenet_tfjs"), ("nanodet_g", "nanodet")]
)
def test_converted_onnx_converts_models_of_two_files(shared, folder, name, data, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")
    runtime = pytest.importorskip(
        "onnxruntime", reason="needs onnxruntime (requirements/predict.txt)"
    )
    path = zoo.converted_onnx(name, folder, shared / "data" / data)
    assert path == folder / name / "model.onnx"
    files = {file.file_name for file in PUBLISHED[name].files}
    assert {found.name for found in folder.glob("[!.]*")} == {*files, name}
    outputs = [output.name for output in runtime.InferenceSession(str(path)).get_outputs()]
    if name == "nanodet_g":
        assert sorted(outputs) == ["Identity", *(f"Identity_{n}" for n in range(1, 6))]
    else:
        assert outputs == list(registry.read_beside(path).codec.outputs)
    monkeypatch.setattr(zoo, "convert", None)
    monkeypatch.setattr(zoo, "_translate", None)
    assert zoo.converted_onnx(name, folder) == path


def test_converted_onnx_keeps_onnx_detectors_unchanged(shared, folder):
    copy = shared / "data/nanodet/nanodet_m_416.onnx"
    assert zoo.converted_onnx("nanodet_m", folder, copy) == folder / "nanodet_m.onnx"
    assert (folder / "nanodet_m.onnx").read_bytes() == copy.read_bytes()
    assert zoo.locate("nanodet_m", folder, what="detector") == folder / "nanodet_m.onnx"
    with pytest.raises(InputError, match="detector"):
        zoo.locate("nanodet_m", folder)


def test_converted_converts_a_model_of_two_files(shared, folder):
    pytest.importorskip("paddle")
    files = [
        shared / "data/movenet_tfjs" / f"movenet-lightning.{ending}" for ending in ("bin", "json")
    ]
    path = zoo.converted("movenet_lightning", folder, files)
    assert path == folder / "movenet_lightning" / "model.safetensors"
    assert registry.read_beside(path).model.batch_norm == "none"
    assert (
        sum(tensor.size for tensor in read_weights(path).values())
        == PUBLISHED["movenet_lightning"].parameters
    )


@pytest.mark.parametrize(
    ("name", "single"),
    [("movenet_thunder", True), (NAME, True), ("movenet_multipose", False), ("rtmpose_m", False)],
)
def test_single_person_movenets_are_known_by_their_codec(name, single):
    assert zoo.is_single_person(name, Path("missing.onnx")) == single


def test_locate_without_paddle_returns_movenet_as_onnx(shared, folder, monkeypatch):
    pytest.importorskip("onnx", reason="needs onnx (requirements/predict.txt)")

    def missing():
        raise MissingDependencyError("no Paddle")

    monkeypatch.setattr(zoo, "require_paddle", missing)
    copy = shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
    assert zoo.locate(NAME, folder, copy) == folder / NAME / "model.onnx"


def test_converted_onnx_of_other_networks_raises(tmp_path):
    with pytest.raises(InputError):
        zoo.converted_onnx("mmpose_hrnet_w32_coco_256x192", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fetch_uses_files_of_earlier_versions(copy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PADDLE_POSE_HOME", str(tmp_path / "home"))
    earlier = Path("output/published") / PUBLISHED[NAME].file_name
    earlier.parent.mkdir(parents=True)
    copy.rename(earlier)
    assert zoo.fetch(NAME) == earlier
    earlier.rename(copy)
    assert zoo.fetch(NAME, from_file=copy) == tmp_path / "home" / earlier.name


THUNDER = ["movenet-thunder.json", "movenet-thunder.bin"]
DETECTOR = "nanodet_m.onnx"
MODELS = ["movenet_thunder", "nanodet_m"]


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Site()) as site:
        monkeypatch.setenv("PADDLE_POSE_MIRROR", site.address)
        yield site


@pytest.mark.parametrize("present", ["nothing", "detector", "archive"])
def test_missing_downloads_are_one_error_before_anything_is_stored(mirror, tmp_path, present):
    archive = PUBLISHED["movenet_thunder"].archive.file_name
    mirror.files |= {
        "nothing": {},
        "detector": {DETECTOR: b"network"},
        "archive": {archive: b"archive"},
    }[present]
    with pytest.raises(ConnectionError) as caught:
        zoo.check_downloads(MODELS, tmp_path)
    for name in (*MODELS, *THUNDER, DETECTOR, str(tmp_path), "from_file"):
        assert name in str(caught.value)
    assert ("nanodet_g" in str(caught.value)) == (present == "archive")
    assert list(tmp_path.iterdir()) == []
    assert {name for name, _ in mirror.asked} == {*THUNDER, DETECTOR, archive}


@pytest.mark.parametrize("source", ["own addresses", "archive", "stored archive"])
def test_downloads_are_announced_with_their_size(mirror, tmp_path, source, caplog):
    caplog.set_level("INFO", logger="paddle_pose")
    archive = PUBLISHED["movenet_thunder"].archive
    own = source == "own addresses"
    present = [*THUNDER, DETECTOR] if own else [archive.file_name, DETECTOR]
    if source == "stored archive":
        present.remove(archive.file_name)
        (tmp_path / archive.file_name).touch()
    mirror.files |= dict.fromkeys(present, b"content")
    zoo.check_downloads(MODELS, tmp_path)
    (line,) = [record.getMessage() for record in caplog.records]
    assert all(name in line for name in MODELS)
    assert ("12.6 MB" if own else f"{archive.size / 1e6:.1f} MB") in line


def test_a_missing_paddle_is_reported_before_a_download(mirror, monkeypatch, tmp_path, caplog):
    caplog.set_level("INFO", logger="paddle_pose")

    def missing():
        raise MissingDependencyError("Paddle is not installed")

    monkeypatch.setattr(zoo, "require_paddle", missing)
    monkeypatch.setattr(zoo, "fetch", lambda *_: pytest.fail("downloaded"))
    with pytest.raises(MissingDependencyError, match="Paddle is not installed"):
        zoo.locate("mmpose_hrnet_w32_coco_256x192", tmp_path)
    with pytest.raises(MissingDependencyError, match="Paddle is not installed"):
        zoo.check_downloads(["mmpose_hrnet_w32_coco_256x192", "nanodet_m"], tmp_path)
    assert mirror.asked == []
    assert caplog.records == []


def test_sizes_are_height_times_width_and_rows_state_what_a_network_runs_on():
    rows = {row[0]: dict(zip(zoo.COLUMNS, row, strict=True)) for row in zoo.rows()}
    assert rows["rtmpose_m"]["input"] == rows["tinypose_256x192"]["input"] == "256x192"
    assert rows["rtmpose_m"]["runs on"] == "ONNX Runtime"
    assert rows["tinypose_256x192"]["runs on"] == "Paddle"
    assert "channels" not in zoo.description(PUBLISHED["nanodet_m"])


@pytest.mark.parametrize("stored", [[*THUNDER, DETECTOR], THUNDER], ids=["all", "all but one"])
def test_only_several_missing_files_are_asked_for(mirror, tmp_path, stored):
    for name in stored:
        (tmp_path / name).touch()
    zoo.check_downloads([*MODELS, "rtmpose_m"], tmp_path)  # rtmpose_m is fetched by hand
    assert mirror.asked == []


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("movenet_thunder", True),
        ("movenet_multipose", False),
        ("rtmpose_m", True),
        ("mmpose_hrnet_w32_coco_256x192", True),
    ],
)
def test_networks_of_one_person_need_a_detector(name, needed):
    assert zoo.needs_detector(name) == needed


@pytest.mark.parametrize("name", PUBLISHED)
def test_rows_contain_all_known_fields(name):
    file = PUBLISHED[name]
    (row,) = [dict(zip(zoo.COLUMNS, row, strict=True)) for row in zoo.rows() if row[0] == name]
    for metric, value in file.published:
        assert f"{metric} {value}" in row["published"]
    for metric, value in file.measured:
        assert f"{metric} {value}" in row["measured"]
    assert row["licence"] in file.licence
    assert (row["how to get"] == "by hand") == bool(file.on_page)
    text = zoo.description(file)
    for known in (file.author, file.licence, file.data_licence, file.measured_protocol):
        assert known in text
    for other in file.companions:
        assert other.url in text
        assert other.sha256 in text


def test_convert_file_does_not_overwrite_foreign_onnx_file(shared, tmp_path):
    pytest.importorskip("onnx", reason="needs onnx (requirements/onnx.txt)")
    source = shared / "data/movenet/movenet_single_pose_lightning_ptq.tflite"
    target = tmp_path / "model.onnx"
    zoo.convert_file(source, target, config="movenet_lightning_coco")
    first = target.read_bytes()
    with pytest.raises(InputError, match="--force"):
        zoo.convert_file(source, target, config="movenet_lightning_coco")
    zoo.convert_file(source, target, config="movenet_lightning_coco", force=True)
    assert target.read_bytes() == first
    target.write_bytes(b"foreign")
    with pytest.raises(InputError, match=r"model\.onnx"):
        zoo.convert_file(source, target, config="movenet_lightning_coco", force=True)
    assert target.read_bytes() == b"foreign"
    assert {path.name for path in tmp_path.glob("[!.]*")} == {
        "model.onnx",
        "model.onnx.metadata.json",
    }


def test_the_network_in_an_archive_of_mmdeploy_is_unpacked_once(tmp_path):
    name = "rtmpose_m"
    copy, folder = tmp_path / PUBLISHED[name].file_name, tmp_path / "published"
    with zipfile.ZipFile(copy, "w") as archive:
        archive.writestr("20230831/rtmpose_onnx/end2end.onnx", b"network")
        archive.writestr("20230831/rtmpose_onnx/pipeline.json", "{}")
    path = zoo.locate(name, folder, copy)
    assert path == folder / name / "end2end.onnx"
    assert path.read_bytes() == b"network"
    copy.unlink()
    assert zoo.locate(name, folder) == path
    with pytest.raises(ConnectionError, match=PUBLISHED["rtmpose_s"].file_name):
        zoo.locate("rtmpose_s", folder)


@pytest.mark.parametrize("content", [b"no archive", b""], ids=["text", "empty"])
def test_another_file_in_place_of_the_archive_is_named(tmp_path, content):
    copy, folder = tmp_path / PUBLISHED["rtmpose_s"].file_name, tmp_path / "published"
    copy.write_bytes(content)
    with pytest.raises(InputError, match=copy.name):
        zoo.locate("rtmpose_s", folder, copy)
    assert not (folder / "rtmpose_s" / "end2end.onnx").exists()
    assert copy.read_bytes() == content

"""Published weights with `val`, `convert` and `download`, in the names and formats of others."""

import hashlib
import json
import re
import runpy
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle
import pytest
import safetensors.numpy
from helpers.weights_writers import Call, Name, pickled, whole, write_stream, write_zip

from paddle_pose import build
from paddle_pose.backends.paddle import PaddleBackend
from paddle_pose.cli.main import execute
from paddle_pose.configs import overrides, registry
from paddle_pose.data.synthetic.dataset import write_mpii
from paddle_pose.training import checkpoint
from paddle_pose.weights.zoo import PUBLISHED, PublishedFile

OURS_TO_MMPOSE = [
    (r"^heads\.", "head.multi_final_layers."),
    (r"^(?!head)", "backbone."),
    (r"\.hourglasses\.", ".hourglass_modules."),
    (r"\.stem\.1\.", ".stem.1.0."),
    (r"\._mean$", ".running_mean"),
    (r"\._variance$", ".running_var"),
]
MMPOSE_TO_TXYUGOOD = [
    (r"\.running_mean$", "._mean"),
    (r"\.running_var$", "._variance"),
    (r"\.conv\.", "._conv."),
    (r"\.bn\.", "._batch_norm."),
    (r"\.conv(\d)\.", r".conv\1._conv."),
    (r"\.bn(\d)\.", r".conv\1._batch_norm."),
    (r"\.downsample\.0\.", ".downsample.0._conv."),
    (r"\.downsample\.1\.", ".downsample.0._batch_norm."),
    (r"^head\.", "keypoint_head."),
]
MMPOSE = "MMPose"
TXYUGOOD = "txyugood's Paddle Hourglass"


def renamed(name, rules):
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


@dataclass
class Published:
    """A network as MMPose 1.x would publish it, and its heatmaps for an image."""

    config: str
    tensors: dict  # under MMPose's names, num_batches_tracked included
    image: np.ndarray  # uint8 [H, W, 3]
    heatmaps: np.ndarray  # [K, h, w]

    @property
    def txyugood(self):
        """Tensors under the names of txyugood's Paddle project."""
        return {
            renamed(n, MMPOSE_TO_TXYUGOOD): t
            for n, t in self.tensors.items()
            if "num_batches" not in n
        }

    def error(self, path, config=None):
        """Returns the relative error of the heatmaps with a file of these weights."""
        network = build.trained(config or registry.find(self.config), path)
        got = PaddleBackend(network)(self.image[None])["heatmaps"][0, -1]
        assert got.shape == self.heatmaps.shape
        return np.abs(got - self.heatmaps).max() / np.abs(self.heatmaps).max()


def torch_content(tensors):
    """Returns the content of a checkpoint of MMPose."""
    state = {name: whole(str(i), tensor) for i, (name, tensor) in enumerate(tensors.items())}
    return {
        "meta": {"mmpose_version": "1.3.2", "epoch": 210},
        "state_dict": state,
        "message_hub": {"seen": 1},
    }


def write_mmpose_1(path, published):
    write_zip(path, torch_content(published.tensors))


def write_mmpose_0(path, published):
    tensors = {
        re.sub(r"^head\.", "keypoint_head.", name): tensor
        for name, tensor in published.tensors.items()
    }
    write_stream(path, torch_content(tensors))


def write_safetensors(path, published):
    safetensors.numpy.save_file(published.tensors, path)


def write_txyugood(path, published):
    paddle.save(
        {name: paddle.to_tensor(tensor) for name, tensor in published.txyugood.items()}, str(path)
    )


KINDS = {  # file name: (writer, name of the project, suffix to convert it to)
    "mmpose1.pth": (write_mmpose_1, MMPOSE, ".safetensors"),
    "model.pdparams": (write_txyugood, TXYUGOOD, ".pdparams"),
    "mmpose0.pth": (write_mmpose_0, MMPOSE, ".pdparams"),
    "mmpose.safetensors": (write_safetensors, MMPOSE, ".safetensors"),
}


@pytest.fixture
def run(capsys):
    """Runs a command in this process; returns exit status, stdout and stderr."""

    def call(command, *arguments):
        status = execute(command, list(map(str, arguments)))
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture(scope="module")
def one_person(tmp_path_factory):
    """Returns a data set with one synthetic person to evaluate."""
    return write_mpii(
        tmp_path_factory.mktemp("one_person"), num_train=1, num_val=1, size=(256, 256)
    )


@pytest.fixture
def folder():
    """Yields a folder that is removed after the test: the full network's files have 380 MB each."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def filled(shapes):
    """Returns tensors that depend on their names only and keep activations near 1."""
    tensors = {}
    for name, shape in shapes.items():
        wave = np.sin(np.arange(np.prod(shape)) * 1.7 + zlib.crc32(name.encode()) % 997).reshape(
            shape
        )
        if name.endswith("running_var"):
            value = 1 + 0.5 * wave
        elif len(shape) == 1:
            value = 0.1 * wave + name.endswith(".weight")
        else:
            value = wave * np.sqrt(2 / np.prod(shape[1:]))
        tensors[name] = value.astype(np.float32)
    return tensors


@pytest.fixture(scope="module")
def tiny():
    """Returns a small network of this project under MMPose's names."""
    config = registry.find("hourglass_tiny_128")
    network = build.model(build.fitted(config, ["inters."]))
    state = network.state_dict()
    theirs = {name: renamed(name, OURS_TO_MMPOSE) for name in state}
    tensors = filled({theirs[name]: tuple(value.shape) for name, value in state.items()})
    for name, value in state.items():
        value.set_value(tensors[theirs[name]])
    counters = {
        name.replace("running_mean", "num_batches_tracked")
        for name in tensors
        if "running_mean" in name
    }
    tensors |= {name: np.asarray(7, np.int64) for name in sorted(counters)}
    y, x, channel = np.mgrid[:128, :128, :3]
    image = ((13 * x + 29 * y + 71 * channel + x * y) % 256).astype(np.uint8)
    heatmaps = PaddleBackend(network)(image[None])["heatmaps"][0, -1]
    return Published(config.name, tensors, image, heatmaps)


@pytest.fixture(scope="module")
def hourglass52(shared):
    """Returns the published network with generated weights, and the heatmaps of MMPose's code."""
    parity = runpy.run_path(str(shared / "data" / "parity" / "fill.py"))
    names = shared / "facts" / "checkpoint_names" / "hourglass52_mmpose1_mpii16.json"
    tensors = parity["fill"](json.loads(names.read_text(encoding="utf-8"))["tensors"])
    with np.load(shared / "data" / "parity" / "hourglass52_mmpose1_mpii16_256x256.npz") as answer:
        return Published(
            "hourglass52_mpii_256", tensors, parity["picture"](256, 256), answer["heatmaps"]
        )


def check_file(kind, published, folder, run, dataset, flags):
    """Checks that `val` and `convert` read a published file, and that its heatmaps are correct."""
    write, family, suffix = KINDS[kind]
    path = folder / kind
    write(path, published)
    evaluate = ("--dataset_root", dataset, "--no-flip", "--output", folder / "val")
    code, said, err = run("val", "--pretrained_model", path, *flags, *evaluate)
    assert code == 0, err
    torch = "pdparams" not in kind
    in_file = len(published.tensors if torch else published.txyugood)
    used = len(published.txyugood)
    line = f"There are {used}/{in_file} variables loaded, named as in {family}"
    assert line + (f"; {in_file - used} num_batches_tracked left out." if torch else ".") in said
    assert published.error(path) <= 1e-4

    converted = folder / "converted" / f"model{suffix}"
    code, said, err = run("convert", path, converted, *flags)
    assert code == 0, err
    assert line in said
    assert f"Written: {converted}, {used} tensors, " in said
    if published.config == "hourglass52_mpii_256":
        assert "94.85 M parameters" in said
    config = registry.read_beside(converted)
    assert config.name == published.config
    assert config.model.inters
    assert published.error(converted, config) <= 1e-4
    return converted


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_every_kind_load_and_convert(tiny, kind, folder, run, one_person):
    converted = check_file(kind, tiny, folder, run, one_person, ("--config", tiny.config))
    evaluate = ("--dataset_root", one_person, "--no-flip", "--output", folder / "again")
    # Without a flag for the network, which is stated beside the converted file.
    code, said, err = run("val", "--pretrained_model", converted, *evaluate)
    assert code == 0, err
    count = len(tiny.txyugood)
    assert f"There are {count}/{count} variables loaded, named as in this project.\n" in said
    first, second = (
        json.loads((folder / name / "predictions.json").read_text()) for name in ("val", "again")
    )
    assert first == second


@pytest.mark.slow
@pytest.mark.usefixtures("zero_initial_weights")
@pytest.mark.parametrize("kind", ["mmpose1.pth", "model.pdparams"])
def test_hourglass52_predicts_the_published_heatmaps(hourglass52, kind, folder, run, one_person):
    check_file(kind, hourglass52, folder, run, one_person, ("--image_size", 256))


@pytest.mark.usefixtures("zero_initial_weights")
def test_names_and_shapes_equal_the_published_ones(shared, hourglass52):
    facts = shared / "facts" / "checkpoint_names" / "hourglass52_original_paddle_mpii16.json"
    expected = json.loads(facts.read_text(encoding="utf-8"))["tensors"]
    assert {name: list(tensor.shape) for name, tensor in hourglass52.txyugood.items()} == expected
    state = build.model(
        build.fitted(registry.find("hourglass52_mpii_256"), hourglass52.tensors)
    ).state_dict()
    assert {renamed(n, OURS_TO_MMPOSE) for n in state} == {
        n for n in hourglass52.tensors if "num_batches" not in n
    }


def test_small_network_predicts_stored_values(tiny):
    """Stored values: a change of names, weights or network that moves them needs a reason."""
    np.testing.assert_allclose(
        tiny.heatmaps[::5, 7, 20], [0.275516, -0.084216, -0.173013, 0.163096], atol=5e-5
    )


def test_own_checkpoints_load_without_flags_and_without_inters(tiny, folder, run, one_person):
    config = registry.find(tiny.config)
    network = build.model(config)
    state = network.state_dict()
    for name, value in state.items():
        value.set_value(tiny.tensors[renamed(name, OURS_TO_MMPOSE)])
    tensors = {"model.pdparams": {name: value.numpy() for name, value in state.items()}}
    checkpoint.save(folder / "last", tensors, {}, registry.to_json(config))
    path = folder / "last" / "model.pdparams"
    evaluate = ("--dataset_root", one_person, "--output", folder / "val")
    code, said, err = run("val", "--pretrained_model", path, *evaluate)
    assert code == 0, err
    assert len(state) == len(tiny.txyugood) - 10
    assert (
        f"There are {len(state)}/{len(state)} variables loaded, named as in this project.\n" in said
    )
    assert tiny.error(path) <= 1e-6  # `inters` of a single stack are never used
    code, said, err = run("convert", path, folder / "ours" / "model.safetensors")
    assert code == 0, err
    assert not registry.read_beside(folder / "ours" / "model.safetensors").model.inters


def without_one(tensors, name):
    tensors.pop(name)
    return f"1 missing: {OUR_NAME}"


def with_another_name(tensors, name):
    tensors["backbone.neck.weight"] = tensors.pop(name)
    return f"1 missing: {OUR_NAME}; 1 unexpected: backbone.neck.weight"


def with_one_more(tensors, name):
    tensors["backbone.neck.weight"] = tensors[name]
    return "1 unexpected: backbone.neck.weight"


def with_another_shape(tensors, name):
    shape = tensors[name].shape
    tensors[name] = np.ascontiguousarray(tensors[name][:-1])
    return f"1 with a different shape: {OUR_NAME} (file {tensors[name].shape}, network {shape})"


OUR_NAME = "hourglasses.0.low1.0.conv1.weight"


@pytest.mark.parametrize("command", ["val", "convert"])
@pytest.mark.parametrize("original", [False, True], ids=["mmpose", "original"])
@pytest.mark.parametrize(
    "damage", [without_one, with_another_name, with_one_more, with_another_shape]
)
def test_tensors_that_do_not_fit_are_an_error(
    tiny, damage, original, command, tmp_path, run, one_person
):
    path = tmp_path / "their.file"
    if original:
        tensors = tiny.txyugood
        problem = damage(tensors, "backbone.hourglass_modules.0.low1.0.conv1._conv.weight")
        path.write_bytes(pickled(tensors, 4))
    else:
        tensors = dict(tiny.tensors)
        problem = damage(tensors, "backbone.hourglass_modules.0.low1.0.conv1.weight")
        write_zip(path, torch_content(tensors))
    code, _, err = run(*arguments(command, path, tmp_path, tiny, one_person))
    assert code == 2
    assert err.startswith(f"error: {path}: the weights do not fit the network: ")
    assert problem in err
    assert f"named as in {TXYUGOOD if original else MMPOSE}" in err
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["their.file"]


def arguments(command, path, tmp_path, published, dataset):
    if command == "val":
        rest = ("--pretrained_model", path, "--dataset_root", dataset, "--output", tmp_path / "out")
    else:
        rest = (path, tmp_path / "out" / "model.pdparams")
    return (command, *rest, "--config", published.config)


@pytest.mark.parametrize("command", ["val", "convert"])
@pytest.mark.parametrize("form", ["pdparams", "zip", "stream"])
@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("posix", "system"), ("builtins", "eval")]
)
def test_files_that_try_to_run_code_are_refused(
    tiny, module, name, form, command, tmp_path, run, one_person
):
    path, trace = tmp_path / "their.file", tmp_path / "it ran"
    text = f"open({str(trace)!r}, 'w')" if name == "eval" else f"touch '{trace}'"
    content = torch_content(tiny.tensors)
    attack = {**tiny.txyugood} if form == "pdparams" else content["state_dict"]
    attack["backbone.stem.0.conv.weight"] = Call(Name(module, name), (text,))
    if form == "pdparams":
        path.write_bytes(pickled(attack, 4))
    else:
        {"zip": write_zip, "stream": write_stream}[form](path, content)
    code, _, err = run(*arguments(command, path, tmp_path, tiny, one_person))
    assert code == 2
    assert err.startswith(f"error: {path}: ")
    assert f"{module}.{name}" in err
    assert "refused, nothing was executed" in err
    assert not trace.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["their.file"]


def test_convert_and_val_run_as_processes(tiny, tmp_path, run_command, one_person):
    write_txyugood(tmp_path / "model.pdparams", tiny)
    flags = ("--config", tiny.config)
    done = run_command("convert", "model.pdparams", "ours/model.safetensors", *flags)
    assert done.returncode == 0, done.stderr
    done = run_command(
        "val.py", "--pretrained_model", "ours/model.safetensors", "--dataset_root", one_person
    )
    assert done.returncode == 0, done.stderr
    write_stream(tmp_path / "evil.pth", {"w": Call(Name("os", "system"), ("touch ran",))})
    done = run_command(
        "val.py", "--pretrained_model", "evil.pth", "--dataset_root", one_person, *flags
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: evil.pth: wants to run os.system")
    assert not (tmp_path / "ran").exists()


def test_convert_overwrites_files_only_with_force(tiny, tmp_path, run):
    write_txyugood(tmp_path / "model.pdparams", tiny)
    ours = tmp_path / "ours"
    flags = ("--config", tiny.config)
    assert run("convert", tmp_path / "model.pdparams", ours / "a.safetensors", *flags)[0] == 0
    # The config.json of both files is the same.
    assert run("convert", tmp_path / "model.pdparams", ours / "b.pdparams", *flags)[0] == 0
    before = {path.name: path.read_bytes() for path in ours.iterdir()}
    code, _, err = run("convert", tmp_path / "model.pdparams", ours / "a.safetensors", *flags)
    assert code == 2
    assert (
        f"error: {ours / 'a.safetensors'}: already exists; choose another folder, or add --force"
        in err
    )
    changed = (*flags, "-o", "val.batch_size=3")
    code, _, err = run("convert", tmp_path / "model.pdparams", ours / "c.pdparams", *changed)
    assert code == 2
    assert f"error: {ours / 'config.json'}: " in err
    assert {path.name: path.read_bytes() for path in ours.iterdir()} == before
    assert (
        run("convert", tmp_path / "model.pdparams", ours / "a.safetensors", *changed, "--force")[0]
        == 0
    )
    assert registry.read_beside(ours / "a.safetensors").val.batch_size == 3


def test_invalid_conversions_are_an_error(tiny, tmp_path, run):
    write_txyugood(tmp_path / "model.pdparams", tiny)
    code, _, err = run(
        "convert", tmp_path / "model.pdparams", tmp_path / "out.pth", "--config", tiny.config
    )
    assert code == 2
    assert "weights are written as .safetensors or .pdparams" in err
    code, _, err = run(
        "convert", tmp_path / "none.pth", tmp_path / "out.pdparams", "--config", tiny.config
    )
    assert code == 2
    assert f"error: {tmp_path / 'none.pth'}: no such weights file" in err
    code, _, err = run("convert", tmp_path / "model.pdparams", tmp_path / "out.pdparams")
    assert code == 2
    assert "add --config NAME" in err
    assert [path.name for path in tmp_path.iterdir()] == ["model.pdparams"]


@pytest.mark.parametrize("mmpose", [True, False], ids=["mmpose", "official"])
def test_channel_order_follows_the_file(mmpose, tmp_path, run, one_person):
    """The configs state BGR, as for the official weights; mmpose's networks were trained on RGB."""
    name, small = "simple_baseline_r50_mpii_256", {"model.width": 2, "model.deconv_channels": 4}
    flags = (
        "--config",
        name,
        *(part for key, value in small.items() for part in ("-o", f"{key}={value}")),
    )
    config = overrides.override(
        registry.find(name), small | {"model.order": "rgb" if mmpose else "bgr"}
    )
    network = build.model(config)
    prefix = {"final_layer": "head.", "deconv_layers": "head."} if mmpose else {}
    tensors = {}
    for key, value in network.state_dict().items():
        key = prefix.get(key.split(".")[0], "backbone." if mmpose else "") + key
        tensors[key.replace("._mean", ".running_mean").replace("._variance", ".running_var")] = (
            value.numpy()
        )
    write_zip(tmp_path / "their.pth", torch_content(tensors))
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3)).astype(np.uint8)
    expected = PaddleBackend(network)(image)["heatmaps"]

    code, said, err = run(
        "convert", tmp_path / "their.pth", tmp_path / "ours" / "model.safetensors", *flags
    )
    assert code == 0, err
    line = "The network was trained on BGR images (model.order).\n"
    if mmpose:
        line = (
            "The network was trained on RGB images (model.order), as all weights of MMPose; the"
            " config states bgr.\n"
        )
    assert line in said
    kept = registry.read_beside(tmp_path / "ours" / "model.safetensors")
    assert kept.model.order == config.model.order
    for path, its_config in (
        ("their.pth", overrides.override(registry.find(name), small)),
        ("ours/model.safetensors", kept),
    ):
        found = PaddleBackend(build.trained(its_config, tmp_path / path))(image)["heatmaps"]
        np.testing.assert_array_equal(found, expected)
    evaluate = ("--dataset_root", one_person, "--no-flip", "--output", tmp_path / "val")
    code, said, err = run("val", "--pretrained_model", tmp_path / "their.pth", *flags, *evaluate)
    assert code == 0, err
    assert line in said


def test_download_lists_the_published_files(run):
    code, said, _ = run("download")
    assert code == 0
    for file in PUBLISHED.values():
        for text in (file.name, file.url, file.sha256, file.config, file.source, file.file_name):
            assert text in said
        assert "not measured by this project" in said
    assert "published: Mean 88.9, Mean@0.1 31.7" in said


def test_download_prints_the_command_that_evaluates_the_file(
    tiny, tmp_path, run, monkeypatch, one_person
):
    copy = tmp_path / "a copy.pth"
    write_mmpose_1(copy, tiny)
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()[:8]
    file = PublishedFile(
        "net", "https://example.org/net.pth", digest, tiny.config, (("Mean", 50.0),), "theirs", ""
    )
    monkeypatch.setitem(PUBLISHED, "net", file)
    code, said, err = run("download", "net", "--cache", tmp_path / "weights", "--from_file", copy)
    assert code == 0, err
    assert "published: Mean 50.0" in said
    command = re.search(r"paddle_pose val (.*) --dataset_root D$", said, re.MULTILINE)[1].split()
    code, _, err = run("val", *command, "--dataset_root", one_person, "--output", tmp_path / "val")
    assert code == 0, err
    copy.write_bytes(b"another file")
    code, _, err = run("download", "net", "--cache", tmp_path / "other", "--from_file", copy)
    assert code == 2
    assert "expected one that begins with" in err


def test_download_errors_name_the_remedy(tmp_path, run, monkeypatch):
    code, _, err = run("download", "hourglass")
    assert code == 2
    assert "'hourglass'" in err
    assert all(name in err for name in PUBLISHED)
    code, _, err = run("download", "mmpose_hourglas52_mpii_256")
    assert code == 2
    assert "'mmpose_hourglass52_mpii_256'?" in err.splitlines()[0]
    code, _, err = run("download", "--from_file", tmp_path)
    assert code == 2
    assert "needs the NAME" in err
    monkeypatch.setattr("paddle_pose.io.download.time.sleep", lambda seconds: None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    url = "https://127.0.0.1:9/net.pth"  # the port of `discard`, where no server runs
    monkeypatch.setitem(PUBLISHED, "net", PublishedFile("net", url, "00000000", "c", (), "", ""))
    code, _, err = run("download", "net", "--cache", tmp_path)
    assert code == 2
    assert err.startswith(f"error: cannot download {url}")
    assert str(tmp_path / "net.pth") in err
    assert "--from_file" in err


def test_files_on_a_page_need_a_manual_download(tmp_path, run):
    name, file = "official_hrnet_w32_mpii_256", "pose_hrnet_w32_256x256.pth"
    code, _, err = run("download", name, "--cache", tmp_path / "weights")
    assert code == 2
    assert (
        f"{name} cannot be downloaded automatically: download {file} by hand from"
        " https://drive.google.com/" in err
    )
    assert "--from_file FILE" in err
    assert not (tmp_path / "weights" / file).exists()
    (tmp_path / "a copy.pth").write_bytes(b"weights")
    code, said, err = run(
        "download", name, "--cache", tmp_path / "weights", "--from_file", tmp_path / "a copy.pth"
    )
    assert code == 0, err
    assert f"{file}: not verified" in said
    assert "published: Mean 90.3, Mean@0.11 37.7" in said


def test_download_of_a_backbone_prints_the_training_command(tmp_path, run, monkeypatch):
    (tmp_path / "resnet.pth").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()[:8]
    file = PublishedFile(
        "net",
        f"https://example.org/net-{digest}.pth",
        digest,
        "c",
        (),
        "theirs",
        "",
        purpose="start",
    )
    monkeypatch.setitem(PUBLISHED, "net", file)
    code, said, err = run(
        "download", "net", "--cache", tmp_path, "--from_file", tmp_path / "resnet.pth"
    )
    assert code == 0, err
    assert (
        f"paddle_pose train --config c --init {tmp_path / file.file_name} --dataset_root D" in said
    )

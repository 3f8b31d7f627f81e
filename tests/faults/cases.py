"""The cases of `table.py`: faults of the machine or of a run, and bad inputs."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import pickle
import shutil
import signal
import sys
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import scipy.io
from faults.table import SMALL, TRAIN, Case
from helpers.weights_writers import Call, Name, pickled, whole, write_stream, write_zip

from paddle_pose.io.locks import locked

LAST = "run/last/model.pdparams"
IMAGE = "people/images/100000001.jpg"
RESUME = ("--dataset_root", "people", "--resume", "run")
WHOLE = ("--detector", "none")
PREDICT = (IMAGE, "--weights", LAST, *WHOLE)
FRESH = (*TRAIN, *SMALL, "--output", "new", "--epochs", "1")
RUN = r"run/"


def put(name: str, content: bytes) -> Callable[[Path], object]:
    """Returns a function that writes a file below its argument, a folder."""

    def prepare(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return prepare


def cut(name: str, at: float = 0.5) -> Callable[[Path], object]:
    """Returns a function that truncates a file to a fraction of its size."""

    def prepare(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: int(at * path.stat().st_size)])

    return prepare


def gone(*names: str) -> Callable[[Path], object]:
    """Returns a function that removes files and folders."""

    def prepare(folder: Path) -> None:
        for name in names:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return prepare


def edited(name: str, change: Callable[[object], object]) -> Callable[[Path], object]:
    """Returns a function that changes the content of a JSON file."""

    def prepare(folder: Path) -> None:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        change(content)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")

    return prepare


def linked(name: str) -> Callable[[Path], object]:
    """Returns a function that makes a link to a file of the user."""

    def prepare(folder: Path) -> None:
        put("theirs", b"theirs")(folder)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(folder / "theirs")

    return prepare


def several(*steps: Callable[[Path], object]) -> Callable[[Path], object]:
    """Returns a function that calls several functions in order."""
    return lambda folder: [step(folder) for step in steps]


def training_image(folder: Path) -> Path:
    """Returns an image that only the training split uses."""
    return (
        folder
        / "people/images"
        / json.loads((folder / "people/annotations/mpii_train.json").read_text())[2]["image"]
    )


def damaged_training_image(folder: Path) -> None:
    """Truncates an image that only the training split uses."""
    training_image(folder).write_bytes(b"\xff\xd8\xff cut")


def damaged_checkpoint(
    names: Iterator[str] | tuple[str, ...], content: bytes, sealed: bool
) -> Callable[[Path], object]:
    """Returns a function that replaces files of the newest checkpoint.

    Args:
        names: Names of the files.
        content: New content of each file.
        sealed: Whether the manifest is written again, so that the checkpoint seems undamaged.
    """

    def prepare(folder: Path) -> None:
        from paddle_pose.training import checkpoint

        for name in names:
            (folder / "run/last" / name).write_bytes(content)
        if sealed:
            (folder / "run/last/manifest.json").unlink()
            checkpoint.write_manifest(folder / "run/last")

    return prepare


SHELL = "touch executed"
ATTACKS = {
    "os.system": Call(Name("os", "system"), (SHELL,)),
    "builtins.eval": Call(Name("builtins", "eval"), ("open('executed', 'w')",)),
    "numpy.os.system": Call(Name("numpy", "os.system"), (SHELL,)),
}


def written(write: Callable[..., object], name: str, *content: object) -> Callable[[Path], object]:
    """Returns a function that writes a weights file.

    Args:
        write: Function that writes content to a path.
        name: Name of the file.
        *content: Further arguments of `write`.
    """
    return lambda folder: write(folder / name, *content)


def tar(*entries: tuple[str, bytes, bytes, str]) -> bytes:
    """Returns a .tar.gz of (name, content, kind, link)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content, kind, link in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = link
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def zipped(name: str, content: bytes, mode: int = 0) -> bytes:
    """Returns a .zip of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, content)
    return file.getvalue()


def flipped_weight(name: str) -> Callable[[Path], object]:
    """Returns a function that flips the highest bit of a weight's mantissa.

    The file remains valid and contains another finite number.
    """

    def prepare(folder: Path) -> None:
        path = folder / name
        content = bytearray(path.read_bytes())
        first = next(iter(pickle.loads(content).values()))
        content[content.index(first.tobytes()) + 2] ^= 0x40
        path.write_bytes(content)

    return prepare


def weights_of(value: float, name: str) -> Callable[[Path], object]:
    """Returns a function that writes the run's weights with one number changed, and no manifest."""

    def prepare(folder: Path) -> None:
        tensors = pickle.loads((folder / LAST).read_bytes())
        chosen = next(key for key in tensors if key.endswith("conv.weight"))
        tensors[chosen] = tensors[chosen].copy()
        tensors[chosen].flat[0] = value
        (folder / name).write_bytes(pickle.dumps(tensors, 4))

    return prepare


def other_image(split: str) -> Callable[[Path], object]:
    """Returns a function that changes the bytes of an image of a split, but not its pixels."""

    def prepare(folder: Path) -> None:
        names = {
            record["image"]
            for record in json.loads(
                (folder / f"people/annotations/mpii_{split}.json").read_text(encoding="utf-8")
            )
        }
        with (folder / "people/images" / min(names)).open("ab") as file:
            file.write(b"another")

    return prepare


@contextlib.contextmanager
def full_disk(part: str) -> Iterator[None]:
    """Simulates a full disk for files whose path contains `part`."""
    sync = os.fsync

    def fsync(handle: int) -> None:
        if part in os.readlink(f"/proc/self/fd/{handle}"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with mock.patch.object(os, "fsync", fsync):
        yield


@contextlib.contextmanager
def read_only(part: str) -> Iterator[None]:
    """Simulates a read-only disk for folders whose path contains `part`."""
    make = os.mkdir

    def mkdir(path: str, *args: int, **kwargs: int) -> None:
        if part in str(path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        make(path, *args, **kwargs)

    with mock.patch.object(os, "mkdir", mkdir):
        yield


@contextlib.contextmanager
def hanging() -> Iterator[None]:
    """Makes the reading of training images hang."""
    from paddle_pose.data.dataset import PoseDataset

    free = threading.Event()
    with mock.patch.object(PoseDataset, "example", lambda self, key: free.wait(60)):  # noqa: PT008 - it waits
        yield
    free.set()


@contextlib.contextmanager
def signalled(number: int) -> Iterator[None]:
    """Sends a signal during the first step."""
    from paddle_pose.training.trainer import Trainer

    log_step = Trainer._log_step

    def interrupted(self: Trainer, *args: object) -> None:
        os.kill(os.getpid(), number)
        log_step(self, *args)

    with mock.patch.object(Trainer, "_log_step", interrupted):
        yield


def breaks_later() -> contextlib.AbstractContextManager[object]:
    """Disables the check for missing images, as if they were removed after it."""
    return mock.patch("paddle_pose.io.images.check_present", lambda paths: list(paths))


def no_visualdl() -> contextlib.AbstractContextManager[object]:
    """Simulates that VisualDL is not installed."""
    return mock.patch.dict(sys.modules, {"visualdl": None})


def running_away(rate: float) -> contextlib.AbstractContextManager[object]:
    """Sets a constant learning rate that is much too large."""
    return mock.patch(
        "paddle_pose.training.optimizers.StepSchedule", return_value=lambda step: rate
    )


def without_joints(content: list[dict]) -> None:
    """Removes all labels from MPII's records."""
    for record in content:
        record["joints_vis"] = [0] * 16


Fault = partial(Case, fault=True)
REPLACE = ("-o", "train.on_bad_image=replace")
EXTRACT = ("--output", "out")

FAULTS = (
    Fault(
        "an image is damaged during training",
        "train",
        FRESH,
        r"\.jpg: ",
        prepare=damaged_training_image,
        may_change="new",
    ),
    Fault(
        "an image is damaged, and replaced",
        "train",
        (*FRESH, *REPLACE),
        r"\[REPLACED\] .*\.jpg: .*1 in all",
        prepare=damaged_training_image,
        status=0,
    ),
    Fault(
        "an image is removed during training",
        "train",
        FRESH,
        r"error: .*\.jpg: not found",
        prepare=lambda folder: training_image(folder).unlink(),
        trouble=breaks_later,
    ),
    Fault(
        "an image is removed, and replaced",
        "train",
        (*FRESH, *REPLACE),
        r"\[REPLACED\] .*\.jpg: not found",
        prepare=lambda folder: training_image(folder).unlink(),
        status=0,
        trouble=breaks_later,
    ),
    Fault(
        "reading an image hangs",
        "train",
        (*FRESH, "-o", "train.read_timeout=0.2"),
        r"error: .*\.jpg: not read within 0.2 seconds",
        trouble=hanging,
    ),
    Fault(
        "the disk is full at a checkpoint of a resumed run",
        "train",
        (*RESUME, "--epochs", "3"),
        r"error: checkpoint run/last cannot be written \(No space left on device\); the existing"
        r" one is kept",
        may_change=r"run/(log.txt|metrics.jsonl|config.json)",
        trouble=partial(full_disk, ".writing"),
    ),
    Fault(
        "the disk is full at the first checkpoint",
        "train",
        FRESH,
        r"error: .*No space left.*there is no earlier one",
        trouble=partial(full_disk, ".writing"),
    ),
    Fault(
        "the disk is full for the log",
        "train",
        (*RESUME, "--epochs", "3"),
        r"error: .*log.txt: No space left",
        may_change=r"run/(log.txt|metrics.jsonl|config.json)",
        trouble=partial(full_disk, "log.txt"),
    ),
    Fault(
        "the output folder is read-only",
        "train",
        FRESH,
        r"error: new: Read-only file system",
        trouble=partial(read_only, "new"),
    ),
    Fault(
        "the run's folder is read-only",
        "train",
        (*RESUME, "--epochs", "3"),
        r"error: checkpoint run/last cannot",
        may_change=r"run/(log.txt|metrics.jsonl|config.json)",
        trouble=partial(read_only, "last.writing"),
    ),
    Fault(
        "SIGTERM",
        "train",
        FRESH,
        r"Ended early by SIGTERM at .*Continue with --resume new",
        status=143,
        trouble=partial(signalled, signal.SIGTERM),
    ),
    Fault(
        "Ctrl-C",
        "train",
        FRESH,
        r"Ended early by Ctrl-C at .*Continue with --resume new",
        status=130,
        trouble=partial(signalled, signal.SIGINT),
    ),
    Fault(
        "max_hours is reached",
        "train",
        (*FRESH, "--max_hours", "1e-9"),
        r"Ended early by --max_hours",
        status=124,
    ),
    Fault(
        "the newest checkpoint is truncated",
        "train",
        RESUME,
        r"model.pdparams: damaged.*trying the checkpoint before it",
        prepare=cut(LAST),
        status=0,
        may_change=RUN,
    ),
    Fault(
        "the newest checkpoint has no manifest",
        "train",
        RESUME,
        r"manifest.json: not found.*trying the checkpoint before",
        prepare=gone("run/last/manifest.json"),
        status=0,
        may_change=RUN,
    ),
    Fault(
        "one changed number in state.json",
        "train",
        RESUME,
        r"state.json: damaged.*trying the checkpoint before it",
        prepare=edited("run/last/state.json", lambda state: state["progress"].update(step=1)),
        status=0,
        may_change=RUN,
    ),
    Fault(
        "the only checkpoint is damaged",
        "train",
        RESUME,
        r"error: --resume: no checkpoint in run",
        prepare=several(cut(LAST), gone("run/earlier")),
    ),
    Fault(
        "the named checkpoint is damaged",
        "train",
        (*RESUME[:-1], "run/last"),
        r"error: .*model.pdopt: damaged",
        prepare=cut("run/last/model.pdopt"),
    ),
    Fault(
        "killed while saving",
        "train",
        (*RESUME, "--epochs", "3"),
        r"Done: 3 epochs",
        prepare=put("run/last.writing/model.pdparams", b"half"),
        status=0,
        may_change=RUN,
    ),
    Fault(
        "killed between a save's two renamings",
        "train",
        RESUME,
        r"Resumed run/earlier/",
        prepare=lambda folder: (folder / "run/last").rename(folder / "run/last.old"),
        status=0,
        may_change=RUN,
    ),
    Fault(
        "losses that are not finite",
        "train",
        (
            *FRESH,
            "--epochs",
            "4",
            "-o",
            "train.max_bad_steps=2",
            "-o",
            "train.eval_every=9",
        ),
        r"error: \d+ steps in a row had no finite loss",
        prepare=lambda folder: None,
        trouble=partial(running_away, 1e38),
    ),
    Fault(
        "weights that are not finite",
        "train",
        FRESH,
        r"error: the training has diverged: .* non-finite .*There is no checkpoint yet; no"
        r" non-finite values were saved",
        trouble=partial(running_away, 1e39),
    ),
    Fault("VisualDL is broken", "train", FRESH, r"Done: 1 epochs", status=0, trouble=no_visualdl),
    Fault(
        "a file in the place of the crop cache",
        "train",
        (*FRESH, "--crop_cache", "taken"),
        r"error: taken: File exists",
        prepare=put("taken", b"x"),
    ),
    Fault(
        "a file in the place of the run's folder",
        "train",
        FRESH,
        r"error: new: (File exists|Not a directory)",
        prepare=put("new", b"x"),
    ),
)

VAL = ("--dataset_root", "people", "--output", "new")
WITH = ("--config", "hourglass_tiny_128", *VAL)


def bad_weights(name: str, says: str, prepare: Callable[[Path], object], file: str) -> Case:
    """Returns the case of a weights file that `val.py` must refuse."""
    return Case(name, "val", (*WITH, "--weights", file), says, prepare=prepare)


INPUTS = (
    *(
        bad_weights(
            f"{name} in a .pdparams",
            rf"bad.pdparams: wants to run {name}; refused",
            written(
                lambda path, call: path.write_bytes(pickled({"w": call}, 4)), "bad.pdparams", call
            ),
            "bad.pdparams",
        )
        for name, call in ATTACKS.items()
    ),
    *(
        bad_weights(
            f"{name} in a .pth",
            rf"bad.pth: wants to run {name}; refused",
            written(write_zip, "bad.pth", {"state_dict": {"w": call}}),
            "bad.pth",
        )
        for name, call in ATTACKS.items()
    ),
    bad_weights(
        "os.system in a .pth of torch before 1.6",
        r"bad.pth: wants to run os.system; refused",
        written(write_stream, "bad.pth", {"state_dict": {"w": ATTACKS["os.system"]}}),
        "bad.pth",
    ),
    bad_weights(
        "os.system as the type of a storage in a .pth",
        r"wants to run os.system; refused",
        written(write_zip, "bad.pth", {"w": whole("0", np.zeros(1), ATTACKS["os.system"])}),
        "bad.pth",
    ),
    *(
        Case(
            f"{name} in a .pdopt that is resumed",
            "train",
            (*RESUME, "--epochs", "3"),
            rf"model.pdopt: wants to run {name}; refused",
            prepare=damaged_checkpoint(("model.pdopt",), pickled({"w": call}, 4), sealed=True),
            may_change=r"run/config.json",
        )
        for name, call in ATTACKS.items()
    ),
    Case(
        "os.system in a file to convert",
        "convert",
        ("bad.pdparams", "out.safetensors", "--config", "hourglass_tiny_128"),
        r"wants to run os.system",
        prepare=put("bad.pdparams", pickled({"w": ATTACKS["os.system"]}, 4)),
    ),
    Case(
        "os.system in --init",
        "train",
        (*FRESH, "--init", "bad.pdparams"),
        r"wants to run os.system",
        prepare=put("bad.pdparams", pickled({"w": ATTACKS["os.system"]}, 4)),
    ),
    Case(
        "a path out of the folder in a .tar.gz",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz",
        prepare=put("a.tar.gz", tar(("../../escaped", b"x", tarfile.REGTYPE, ""))),
    ),
    Case(
        "an absolute path in a .tar.gz",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz",
        prepare=put("a.tar.gz", tar(("/tmp/escaped", b"x", tarfile.REGTYPE, ""))),
    ),
    Case(
        "a symbolic link in a .tar.gz",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz.*link",
        prepare=put("a.tar.gz", tar(("mpii/images", b"", tarfile.SYMTYPE, "/etc"))),
    ),
    Case(
        "a hard link in a .tar.gz",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz.*link",
        prepare=put("a.tar.gz", tar(("mpii/images/a.jpg", b"", tarfile.LNKTYPE, "/etc/passwd"))),
    ),
    Case(
        "a device in a .tar.gz",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz.*device",
        prepare=put("a.tar.gz", tar(("mpii/images/a.jpg", b"", tarfile.CHRTYPE, ""))),
    ),
    Case(
        "an archive bomb in a .tar.gz",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz.*unpacks to",
        prepare=put("a.tar.gz", tar(("mpii/images/a.jpg", bytes(5_000_000), tarfile.REGTYPE, ""))),
        trouble=lambda: mock.patch("paddle_pose.io.archives._RATIO_COUNTS_FROM", 10_000),
    ),
    Case(
        "a path out of the folder in a .zip",
        "prepare_mpii",
        ("a.zip", *EXTRACT),
        r"error: a.zip",
        prepare=put("a.zip", zipped("../../escaped", b"x")),
    ),
    Case(
        "a symbolic link in a .zip",
        "prepare_mpii",
        ("a.zip", *EXTRACT),
        r"error: a.zip.*link",
        prepare=put("a.zip", zipped("mpii/images", b"/etc", 0o120777)),
    ),
    Case(
        "an archive bomb in a .zip",
        "prepare_mpii",
        ("a.zip", *EXTRACT),
        r"error: a.zip.*unpacks to",
        prepare=put("a.zip", zipped("mpii/images/a.jpg", bytes(5_000_000))),
        trouble=lambda: mock.patch("paddle_pose.io.archives._RATIO_COUNTS_FROM", 10_000),
    ),
    Case(
        "a .tar.gz that is truncated",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz",
        prepare=put(
            "a.tar.gz", tar(("mpii/images/a.jpg", os.urandom(5000), tarfile.REGTYPE, ""))[:3000]
        ),
    ),
    Case(
        "an archive that is missing",
        "prepare_mpii",
        ("none.tar.gz", *EXTRACT),
        r"error: none.tar.gz",
    ),
    bad_weights(
        "weights that are missing", r"none.pdparams: no such", lambda folder: None, "none.pdparams"
    ),
    bad_weights("a folder without weights", r"error: people", lambda folder: None, "people"),
    bad_weights(
        "an empty weights file", r"error: w.pdparams", put("w.pdparams", b""), "w.pdparams"
    ),
    bad_weights(
        "a web page as weights",
        r"error: w.pdparams",
        put("w.pdparams", b"<html>not found</html>"),
        "w.pdparams",
    ),
    bad_weights("weights that are truncated", r"error: run/last/model.pdparams", cut(LAST), LAST),
    bad_weights(
        "weights of another network",
        r"error: w.pdparams",
        put("w.pdparams", pickle.dumps({"conv.weight": np.zeros(3, np.float32)})),
        "w.pdparams",
    ),
    Case(
        "a config.json that is truncated",
        "val",
        ("--weights", LAST, *VAL),
        r"error: run/last/config.json: not a config",
        prepare=cut("run/last/config.json"),
    ),
    Case(
        "a config that contradicts the checkpoint",
        "val",
        ("--weights", LAST, "--config", "hourglass52_mpii_256", *VAL),
        r"error: --config hourglass52_mpii_256, but the checkpoint was trained as",
    ),
    Case(
        "weights without a config",
        "val",
        ("--weights", LAST, *VAL),
        r"error: there is no config.json beside",
        prepare=gone("run/last/config.json"),
    ),
    Case(
        "a data set that is missing",
        "val",
        ("--weights", LAST, "--dataset_root", "none"),
        r"error: none",
    ),
    Case(
        "annotations that are truncated",
        "train",
        FRESH,
        r"error: people/annotations/mpii_train.json",
        prepare=cut("people/annotations/mpii_train.json"),
    ),
    Case(
        "a record without joints",
        "train",
        FRESH,
        r"error: people/annotations/mpii_train.json.*joints",
        prepare=edited(
            "people/annotations/mpii_train.json", lambda records: records[1].pop("joints")
        ),
    ),
    Case(
        "no labelled person",
        "train",
        FRESH,
        r"error: .*(empty|labelled)",
        prepare=edited("people/annotations/mpii_train.json", without_joints),
    ),
    Case(
        "an image missing at the start",
        "train",
        FRESH,
        r"error: .*\.jpg: not found \(1 of",
        prepare=lambda folder: training_image(folder).unlink(),
    ),
    Case(
        "a damaged image in evaluation, which skips none",
        "val",
        ("--weights", LAST, *VAL, *REPLACE),
        r"error: people/images/.*\.jpg: not an image",
        prepare=lambda folder: [
            path.write_bytes(b"\xff\xd8\xff cut")
            for path in (folder / "people/images").glob("*.jpg")
        ],
    ),
    Case(
        "an empty image",
        "predict",
        (IMAGE, "--weights", LAST, *WHOLE, "--output", "new"),
        rf"error: {IMAGE}: the file is empty",
        prepare=put(IMAGE, b""),
        status=1,
    ),
    Case(
        "a text file as image",
        "predict",
        ("a.jpg", "--weights", LAST, *WHOLE, "--output", "new"),
        r"error: a.jpg: not an image",
        prepare=put("a.jpg", b"hello"),
        status=1,
    ),
    Case(
        "an image that is missing",
        "predict",
        ("none.jpg", "--weights", LAST, "--output", "new"),
        r"error: none.jpg",
    ),
    Case(
        "detections that are no list",
        "val",
        ("--weights", LAST, *VAL, "--detections", "d.json"),
        r"error: .*d.json",
        prepare=put("d.json", b'{"a": 1}'),
    ),
    Case("an unknown config", "train", ("--config", "hourglas"), r"error: no config 'hourglas'"),
    Case(
        "an unknown key",
        "train",
        (*FRESH, "-o", "train.bach_size=3"),
        r"error: unknown key 'train.bach_size'. Did you mean 'train.batch_size'",
    ),
    Case(
        "a value of a wrong type",
        "train",
        (*FRESH, "-o", "train.schedule.warmup=many"),
        r"error: key 'train.schedule.warmup': got 'many'",
    ),
    Case(
        "an override without =",
        "train",
        (*FRESH, "-o", "train.epochs"),
        r"error: -o train.epochs: expected KEY=VALUE",
    ),
    Case(
        "a batch size of 0",
        "train",
        (*FRESH, "--batch_size", "0"),
        r"error: key 'train.batch_size': got 0, expected int",
    ),
    Case(
        "a read timeout of 0",
        "train",
        (*FRESH, "-o", "train.read_timeout=0"),
        r"error: key 'train.read_timeout': got 0, expected",
    ),
    Case(
        "mixed precision on a CPU",
        "train",
        (*FRESH, "--amp", "O1", "--device", "cpu"),
        r"error: .*(amp|precision)",
    ),
    Case(
        "freezing a random backbone",
        "train",
        (*FRESH, "--freeze", "backbone"),
        r"error: train.freeze=backbone",
    ),
    Case(
        "an output folder that holds a run",
        "train",
        (*FRESH, "--output", "run"),
        r"error: --output run holds a run already",
    ),
    Case(
        "no crops of COCO to train on",
        "train",
        ("--config", "movenet_original_coco"),
        r"error: --dataset_root D is missing: .*prepare_coco makes",
    ),
    Case(
        "nothing to resume",
        "train",
        ("--dataset_root", "people", "--resume", "none"),
        r"error: --resume: no checkpoint in none",
    ),
    Case(
        "a resumed run with another learning rate",
        "train",
        (*RESUME, "--learning_rate", "0.5"),
        r"train.learning_rate: .* in the checkpoint, 0.5 now",
        may_change=r"(?!)",
    ),
    Case(
        "COCO's annotations that are truncated",
        "train",
        ("--config", "simple_baseline_r50_coco_256x192", "--dataset_root", "coco"),
        r"error: coco/annotations/person_keypoints_train2017.json",
        prepare=cut("coco/annotations/person_keypoints_train2017.json"),
    ),
    Case(
        "COCO's annotations of an image that is not listed",
        "train",
        ("--config", "simple_baseline_r50_coco_256x192", "--dataset_root", "coco"),
        r"error: coco/annotations/person.*image",
        prepare=edited(
            "coco/annotations/person_keypoints_train2017.json",
            lambda content: content["images"].clear(),
        ),
    ),
    Case(
        "weights to convert onto a file",
        "convert",
        (LAST, "out.safetensors"),
        r"error: .*out.safetensors",
        prepare=put("out.safetensors", b"mine"),
    ),
    Case(
        "weights to convert to an unknown kind", "convert", (LAST, "out.txt"), r"error: .*out.txt"
    ),
    Case(
        "predictions that are no .mat",
        "val",
        ("--results", "p.mat", "--ground_truth", "people/annotations/mpii_gt_val.mat"),
        r"error: .*p.mat",
        prepare=put("p.mat", b"not a mat file"),
    ),
    Case("a data set to check that is missing", "check", ("none",), r"error: .*none"),
    Case("a run without numbers", "plot", ("people",), r"error: people/metrics.jsonl: not found"),
    Case(
        "a learning rate of nan",
        "train",
        (*FRESH, "--learning_rate", "nan"),
        r"'train.learning_rate': got nan",
    ),
    Case(
        "a negative number of epochs",
        "train",
        (*FRESH, "--epochs", "-1"),
        r"'train.epochs': got -1, expected int from 1",
    ),
    Case(
        "an input too large",
        "train",
        (*FRESH, "-o", "codec.input_size=(200000,64)"),
        r"input_size': got 200000",
    ),
    Case(
        "a negative number of threads",
        "val",
        ("--weights", LAST, "--threads", "-3"),
        r"argument --threads: got '-3'",
    ),
    Case(
        "an invalid number in the config beside the weights",
        "val",
        ("--weights", LAST, "--dataset_root", "people"),
        r"error: run/last/config.json: .*'codec.sigma': got nan",
        prepare=several(
            lambda folder: (
                folder / "run/last/manifest.json"
            ).unlink(),  # otherwise the damage of the file is reported first
            edited(
                "run/last/config.json",
                lambda content: content["values"].update({"codec.sigma": float("nan")}),
            ),
        ),
    ),
    Case(
        "a run that another process trains",
        "train",
        RESUME,
        r"error: run: .* process \d+ on ",
        trouble=partial(locked, Path("run"), what="this run", wait=False),
    ),
    Case(
        "a report of a folder without results",
        "val",
        ("--results", "people", "--report"),
        r"error: .*people",
    ),
    *(
        Case(
            f"a user's {name} in the folder of {command}",
            command,
            (*flags, "--output", "new"),
            f"error: {name}",
            prepare=step,
        )
        for command, flags, name, step in (
            ("predict", PREDICT, "new/predictions.json", put("new/predictions.json", b"mine")),
            (
                "predict",
                (*PREDICT, "--save", "csv"),
                "new/predictions.csv",
                linked("new/predictions.csv"),
            ),
            ("val", ("--weights", LAST, *VAL), "new/scores.json", put("new/scores.json", b"mine")),
        )
    ),
    Case(
        "a photo in the place of a drawing",
        "predict",
        ("pics/x.jpg", "--weights", LAST, *WHOLE, "--output", "pics"),
        r"1 image, ",
        prepare=several(
            lambda folder: put("pics/x.jpg", (folder / IMAGE).read_bytes())(folder),
            put("pics/x.png", b"mine"),
        ),
        status=0,
    ),
    *(
        Case(
            f"a user's file in the place of the output of {command}",
            command,
            (*flags, "--output_file", name),
            rf"error: {name}",
            prepare=step,
        )
        for command, flags, name, step in (
            (
                "export",
                ("--weights", LAST, "--format", "paddle"),
                "mine.json",
                put("mine.json", b"mine"),
            ),
            ("plot", ("run",), "mine.png", put("mine.png", b"mine")),
            ("results", (), "mine.md", linked("mine.md")),
        )
    ),
    *(
        Case(
            f"one changed bit in the weights, {command}",
            command,
            flags,
            rf"error: {LAST}: damaged: .*take another checkpoint",
            prepare=flipped_weight(LAST),
        )
        for command, flags in (
            ("val", ("--weights", LAST, *VAL)),
            ("predict", (*PREDICT, "--output", "new")),
            ("export", ("--weights", LAST)),
            ("convert", (LAST, "out.safetensors")),
            ("train", (*FRESH, "--init", LAST)),
        )
    ),
    Case(
        "one changed value in the config beside the weights",
        "val",
        ("--weights", LAST, *VAL),
        r"error: run/last/config.json: damaged: .*take another checkpoint",
        prepare=edited(
            "run/last/config.json", lambda content: content["values"].update({"data.context": 1.5})
        ),
    ),
    *(
        Case(
            f"one {value} in the weights, {command}",
            command,
            flags,
            r"error: w.pdparams: 1 of \d+ numbers of '.*conv.weight' are NaN or infinite",
            prepare=weights_of(value, "w.pdparams"),
        )
        for value in (float("nan"), float("inf"))
        for command, flags in (
            ("val", (*WITH, "--weights", "w.pdparams")),
            ("train", (*FRESH, "--init", "w.pdparams")),
        )
    ),
    *(
        Case(
            f"a resumed run with a replaced image, {split}",
            "train",
            (*RESUME, "--epochs", "3"),
            rf"{data} data: .* in the checkpoint, .* now",
            prepare=other_image(split),
        )
        for split, data in (("train", "training"), ("val", "validation"))
    ),
    Case(
        "a resumed run with another window in the validation data",
        "train",
        (*RESUME, "--epochs", "3"),
        r"validation data: .* in the checkpoint, .* now",
        prepare=edited(
            "people/annotations/mpii_val.json", lambda records: records[0].update(scale=0.7)
        ),
    ),
)

DEEP = b"[" * 200_000
MANY_DIGITS = b"1" + b"0" * 400
JSON_ROUTES = {  # name: (command, flags, file)
    "MPII's annotations": ("train", FRESH, "people/annotations/mpii_train.json"),
    "COCO's annotations": (
        "train",
        ("--config", "simple_baseline_r50_coco_256x192", "--dataset_root", "coco"),
        "coco/annotations/person_keypoints_train2017.json",
    ),
    "detections": ("val", ("--weights", LAST, *VAL, "--detections", "d.json"), "d.json"),
    "boxes": ("predict", (*PREDICT[:3], "--boxes", "b.json", "--output", "new"), "b.json"),
    "a TensorFlow.js model": ("val", (*WITH, "--weights", "w.json"), "w.json"),
    "a skeleton": ("train", (*FRESH, "--skeleton", "s.json"), "s.json"),
}


def forged_mat(folder: Path) -> None:
    """Writes a .mat file of which SciPy ends the process."""
    content = io.BytesIO()
    scipy.io.savemat(content, {"preds": np.zeros((4, 16, 2))})
    damaged = bytearray(content.getvalue())
    damaged[192] = 0xFF  # the type of the numbers
    (folder / "p.mat").write_bytes(damaged)


def linked_hdf5(folder: Path) -> None:
    """Writes an .h5 file whose predictions are a link to another file."""
    with h5py.File(folder / "other.h5", "w") as file:
        file["preds"] = np.zeros((4, 16, 2))
    with h5py.File(folder / "p.h5", "w") as file:
        file["preds"] = h5py.ExternalLink("other.h5", "/preds")


def greedy_pickle(folder: Path) -> None:
    """Writes 250 kB of pickle that copy a list until 16 GB are full."""
    items = b"(" + b"N" * 100_000 + b"tq\x010"
    copies = b"h\x00h\x01\x85Ra" * 20_000
    (folder / "w.pdparams").write_bytes(
        b"\x80\x02cbuiltins\nlist\nq\x000" + items + b"]" + copies + b"."
    )


def metadata_that_is_not_utf8(folder: Path) -> None:
    """Writes metadata in Latin-1 beside an exported file."""
    (folder / "m.xml").write_bytes(b"<net/>")
    (folder / "m.xml.metadata.json").write_bytes('{"version": "ä"}'.encode("latin-1"))


RESULTS = ("val", ("--results", "p.mat", "--ground_truth", "people/annotations/mpii_gt_val.mat"))
HOSTILE = (
    *(
        Case(
            f"{what} in {route}",
            command,
            flags,
            rf"error: .*{name}.*{says}",
            prepare=put(name, content),
        )
        for route, (command, flags, name) in JSON_ROUTES.items()
        for what, content, says in (
            ("200,000 nested lists", b'{"weightsManifest":' + DEEP, "nested 200,001 deep"),
            ("a number of 400 digits", b'{"weightsManifest":' + MANY_DIGITS + b"}", "too large"),
        )
    ),
    Case(
        "200,000 nested lists in the state of the newest checkpoint",
        "train",
        RESUME,
        r"state.json: .*nested.*trying the checkpoint before it",
        prepare=damaged_checkpoint(("state.json",), DEEP, sealed=True),
        status=0,
        may_change=RUN,
    ),
    Case(
        "200,000 nested lists in the manifest of the newest checkpoint",
        "train",
        RESUME,
        r"manifest.json: .*nested.*trying the checkpoint before it",
        prepare=put("run/last/manifest.json", DEEP),
        status=0,
        may_change=RUN,
    ),
    bad_weights(
        "a pickle that builds 16 GB",
        r"error: w.pdparams: its content needs more than \d+ MB of memory",
        greedy_pickle,
        "w.pdparams",
    ),
    Case(
        "a .mat of which SciPy dies",
        *RESULTS,
        r"error: p.mat: reading it ended the process",
        prepare=forged_mat,
    ),
    Case(
        "an .h5 that links to another file",
        "val",
        ("--results", "p.h5", "--ground_truth", "people/annotations/mpii_gt_val.mat"),
        r"error: p.h5: 'preds' is a link",
        prepare=linked_hdf5,
    ),
    Case(
        "export metadata that are not UTF-8",
        "val",
        ("--weights", "m.xml", *VAL),
        r"error: m.xml.metadata.json: not UTF-8",
        prepare=metadata_that_is_not_utf8,
    ),
    Case(
        "a member without a name in a .zip",
        "prepare_mpii",
        ("a.zip", *EXTRACT),
        r"error: a.zip: refused, a member has no name",
        prepare=put("a.zip", zipped("", b"x")),
    ),
    Case(
        "a member of an unknown method in a .zip",
        "prepare_mpii",
        ("a.zip", *EXTRACT),
        r"error: a.zip: damaged .*compression",
        prepare=put(
            "a.zip",
            zipped("mpii/images/a.jpg", b"x" * 99)
            .replace(b"PK\x03\x04\x14\0\0\0\x08", b"PK\x03\x04\x14\0\0\0\x63")
            .replace(b"PK\x01\x02\x14\x03\x14\0\0\0\x08", b"PK\x01\x02\x14\x03\x14\0\0\0\x63"),
        ),
    ),
    Case(
        "a header of a .tar.gz that inflates",
        "prepare_mpii",
        ("a.tar.gz", *EXTRACT),
        r"error: a.tar.gz: damaged .*a header of 40,000,000 bytes",
        prepare=put("a.tar.gz", tar(("x", bytes(40_000_000), tarfile.XHDTYPE, ""))),
    ),
    Case(
        "control characters in the name of a file",
        "val",
        (*WITH, "--weights", "no\x1b[2Jne.pdparams"),
        r"error: no\\x1b\[2Jne.pdparams: no such",
    ),
)

CASES = (*FAULTS, *INPUTS, *HOSTILE)

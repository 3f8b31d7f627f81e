"""Reads mutated files of every format in child processes, and reports what a user would not expect.

    python tests/faults/mutate.py --count 2000 --output mutated.md

A file is handled well if it is read, or refused with an error that a command prints as a message.
Everything else is a problem: the end of the process, another error, more memory than ten times the
size of the file and 500 MB, or more than a minute. The memory of a child is limited to 4 GB.
The tests read a few files of each format.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import pickle
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ADDRESS_SPACE = 4 << 30
MEMORY_FACTOR = 10  # of the file's size
MEMORY_SPARE = 500 * 10**6
SECONDS = 60


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        write: Function that writes the files of a valid example into a folder, and returns the path
            that is read.
        read: Function that reads the path.
        mutated: Names of the files that are mutated, one at a time; the others stay as they are.
    """

    write: Callable[[Path], Path]
    read: Callable[[Path], object]
    mutated: Sequence[str]


@dataclass
class Report:
    """Result of one format.

    Attributes:
        read: Number of files that were read.
        refused: Number of files that were refused with a message.
        peak: Most additional memory of a process that read them, in bytes.
        problems: Descriptions of the other files, each with its number.
        messages: Number of refused files by the beginning of the message.
    """

    read: int = 0
    refused: int = 0
    peak: int = 0
    problems: list[str] = field(default_factory=list)
    messages: Counter[str] = field(default_factory=Counter)


EDGES = (0x00, 0x01, 0x7F, 0x80, 0xFF, *b'"[]{}<>\\\n0-9eE.,:')
TEXTS = (
    *(b"[" * 5000, b'{"a":' * 5000, b"1" + b"0" * 400, b"1e400", b"-1", b"NaN", b"null", b"true"),
    *(b'""', b"[]", b"{}", b"99999999999", b"\xff\xfe", b"\\ud800", b"\0", b"../../x", b"0.5"),
)


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Returns damaged content: one to four changes of bytes, numbers, texts or the length.

    Args:
        content: Content of a valid file.
        rng: Source of random numbers.
    """
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        size = len(changed)
        place = rng.randrange(max(1, size if rng.random() < 0.5 else min(size, 512)))
        kind = rng.randrange(9)
        if kind == 0 and size:
            changed[place % size] ^= 1 << rng.randrange(8)
        elif kind == 1 and size:
            changed[place % size] = rng.choice(EDGES)
        elif kind == 2:
            width = rng.choice((2, 4, 8))
            number = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, size, 10**9))
            order = rng.choice(("little", "big"))
            changed[place : place + width] = (number % 2 ** (8 * width)).to_bytes(width, order)
        elif kind == 3:
            del changed[place:]
        elif kind == 4:
            del changed[place : place + rng.choice((1, 2, 16, 256))]
        elif kind == 5:
            changed[place:place] = rng.randbytes(rng.choice((1, 2, 16, 256)))
        elif kind == 6:
            part = bytes(changed[place : place + rng.choice((4, 64, 1024))])
            changed[place:place] = part * rng.choice((1, 3, 100))
        elif kind == 7:
            changed[place:place] = rng.choice(TEXTS)
        else:
            numbers = list(re.finditer(rb"(?<![\w.])-?[0-9][0-9.]*|\"[^\"]{0,40}\"", changed))
            if numbers:
                chosen = rng.choice(numbers)
                changed[chosen.start() : chosen.end()] = rng.choice(TEXTS)
    return bytes(changed)


def formats() -> dict[str, Format]:
    """Returns the formats by name."""
    import cv2
    import h5py
    import numpy as np
    import safetensors.numpy
    import scipy.io
    from helpers import tfjs_writer, tflite_writer
    from helpers.weights_writers import whole, write_stream, write_zip
    from PIL import Image

    from paddle_pose.backends import metadata
    from paddle_pose.backends.open import open_exported
    from paddle_pose.configs import registry
    from paddle_pose.data import coco, mpii, mpii_release, skeleton_file
    from paddle_pose.io import boxes, images, manifest
    from paddle_pose.io.archives import extract
    from paddle_pose.io.mpii_predictions import read_predictions
    from paddle_pose.weights.read import read_weights

    values = np.random.default_rng(0)
    tensors = {
        "conv.weight": values.normal(size=(8, 3, 3, 3)).astype(np.float32),
        "bn.bias": values.normal(size=8).astype(np.float32),
    }
    people = 4
    joints = values.uniform(1, 90, (people, 16, 2)).round(2)
    image = values.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    exported = {
        "version": 1,
        "input": {"name": "image", "shape": ["N", 4, 6, 3], "dtype": "uint8"},
        "outputs": [{"name": "heatmaps", "shape": ["N", 4, 6, 3], "dtype": "float32"}],
        "codec": {"kind": "HeatmapCodec"},
        "config": json.loads(registry.to_json(registry.find("hourglass_tiny_128"))),
    }

    def written(name: str, write: Callable[[Path], object]) -> Callable[[Path], Path]:
        def into(folder: Path) -> Path:
            write(folder / name)
            return folder / name

        return into

    def text(name: str, content: Any) -> Callable[[Path], Path]:
        return written(name, lambda path: path.write_text(json.dumps(content), "utf-8"))

    def tfjs(folder: Path) -> Path:
        stored = tfjs_writer.Stored(
            "a/Conv2D_weights", tensors["conv.weight"].transpose(2, 3, 1, 0)
        )
        bias = tfjs_writer.Stored("a/b", tensors["bn.bias"])
        tfjs_writer.write_model(folder / "model.json", [tfjs_writer.Convolution(stored, bias)])
        return folder / "model.json"

    def tflite(path: Path) -> None:
        stored = tflite_writer.Stored("a", np.ones((4, 2, 2, 3), np.int8), (0.5,), (3,))
        bias = tflite_writer.Stored("b", np.ones(4, np.int32), (0.25,), (0,))
        path.write_bytes(tflite_writer.tflite_bytes([tflite_writer.Convolution(stored, bias)]))

    def onnx(path: Path) -> None:
        from paddle_pose.exporting.convert import put_metadata

        library: Any = __import__("onnx")
        make, types = library.helper, library.TensorProto
        graph = make.make_graph(
            [make.make_node("Cast", ["image"], ["heatmaps"], to=types.FLOAT, name="cast")],
            "graph",
            [make.make_tensor_value_info("image", types.UINT8, ("N", 4, 6, 3))],
            [make.make_tensor_value_info("heatmaps", types.FLOAT, ("N", 4, 6, 3))],
        )
        model = make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=8)
        library.save_model(model, str(path))
        put_metadata(path, json.dumps(exported))

    def run(path: Path) -> None:
        metadata.read_metadata(path)
        registry.read_beside(path)
        open_exported(path, "cpu", 1)(np.zeros((1, 4, 6, 3), np.uint8))

    def openvino(folder: Path) -> Path:
        from paddle_pose.exporting.convert import onnx_to_openvino

        onnx(folder / "m.onnx")
        onnx_to_openvino(folder / "m.onnx", folder / "m.xml")
        (folder / "m.onnx").unlink()
        return folder / "m.xml"

    def paddle_program(folder: Path) -> Path:
        from paddle_pose.environment import require_paddle

        require_paddle()
        import paddle

        from paddle_pose.exporting.program import save_program

        class Network(paddle.nn.Layer):
            def __init__(self) -> None:
                super().__init__()
                self.conv = paddle.nn.Conv2D(3, 4, 3)

            def forward(self, pixels: Any) -> dict[str, Any]:
                return {"heatmaps": self.conv(pixels.astype("float32").transpose([0, 3, 1, 2]))}

        save_program(Network(), ["heatmaps"], (6, 4), folder / "m.json")
        metadata.metadata_path(folder / "m.json").write_text(json.dumps(exported))
        return folder / "m.json"

    def beside(folder: Path) -> Path:
        (folder / "m.xml").write_bytes(b"<net/>")
        metadata.metadata_path(folder / "m.xml").write_text(json.dumps(exported))
        return folder / "m.xml"

    def checkpoint(folder: Path) -> Path:
        (folder / "model.pdparams").write_bytes(pickle.dumps(tensors, 4))
        (folder / "state.json").write_text('{"epoch": 3}')
        manifest.write(folder, {"paddle": "3.3.1"})
        return folder

    def zipped(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("mpii/images/1.jpg", values.bytes(3000))
            archive.writestr("mpii/a.json", b"[1, 2, 3]" * 100)

    def tarred(path: Path) -> None:
        mode: Any = {".gz": "w:gz", ".xz": "w:xz", ".tar": "w"}[path.suffix]
        with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as archive:
            for name in ("mpii/images/1.jpg", "mpii/" + "long" * 40 + "/ä.json"):
                info = tarfile.TarInfo(name)
                info.size = 3000
                archive.addfile(info, io.BytesIO(values.bytes(3000)))

    def unpack(path: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            extract(path, Path(folder), max_bytes=100_000_000)

    def drawn(suffix: str, **options: Any) -> Format:
        def write(path: Path) -> None:
            if suffix == ".jpg":
                path.write_bytes(cv2.imencode(suffix, image)[1].tobytes())
            else:
                Image.fromarray(image).save(path, **options)

        return Format(written("a" + suffix, write), images.read_upright, ["a" + suffix])

    truth = {
        "headboxes_src": values.uniform(1, 50, (2, 2, people)),
        "jnt_missing": np.zeros((16, people), np.uint8),
        "pos_gt_src": joints.transpose(1, 2, 0),
    }
    records = [
        {
            "image": f"{n}.jpg",
            "center": [40.5, 50.0],
            "scale": 0.5,
            "joints": joints[n].tolist(),
            "joints_vis": [1] * 16,
        }
        for n in range(people)
    ]
    coco_content = {
        "images": [{"id": 1, "file_name": "1.jpg", "width": 640, "height": 480}],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {
                "id": n + 1,
                "image_id": 1,
                "category_id": 1,
                "iscrowd": 0,
                "area": 4000.5,
                "num_keypoints": 17,
                "bbox": [10, 20, 100.5, 200],
                "keypoints": [30, 40, 2] * 17,
            }
            for n in range(3)
        ],
    }
    detections = [
        {"image_id": n, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5} for n in range(3)
    ]
    skeleton = {
        "name": "mine",
        "joints": ["nose", "left_eye", "right_eye"],
        "limbs": [["nose", "left_eye"]],
    }
    release = {
        "annolist": np.array(
            [({"name": "1.jpg"}, {"x1": 1.0, "scale": 2.0, "objpos": {"x": 3.0, "y": 4.0}})],
            [("image", "O"), ("annorect", "O")],
        ),
        "img_train": np.array([1]),
    }

    def mpii_folder(folder: Path) -> Path:
        (folder / "annotations").mkdir()
        (folder / "annotations/mpii_train.json").write_text(json.dumps(records))
        return folder

    def predictions(path: Path) -> None:
        read_predictions(path, people)

    def hdf5(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.create_dataset("preds", data=joints, compression="gzip", chunks=(2, 16, 2))

    def matlab(content: dict[str, Any], compress: bool) -> Callable[[Path], None]:
        return lambda path: scipy.io.savemat(path, content, do_compression=compress)

    found = {
        "pdparams": Format(
            written("w.pdparams", lambda path: path.write_bytes(pickle.dumps(tensors, 4))),
            read_weights,
            ["w.pdparams"],
        ),
        "pdparams, protocol 2": Format(
            written("w.pdparams", lambda path: path.write_bytes(pickle.dumps(tensors, 2))),
            read_weights,
            ["w.pdparams"],
        ),
        "pth": Format(
            written(
                "w.pth",
                lambda path: write_zip(
                    path, {name: whole(name[:2], array) for name, array in tensors.items()}
                ),
            ),
            read_weights,
            ["w.pth"],
        ),
        "pth before 1.6": Format(
            written(
                "w.pth",
                lambda path: write_stream(
                    path, {name: whole(name[:2], array) for name, array in tensors.items()}
                ),
            ),
            read_weights,
            ["w.pth"],
        ),
        "safetensors": Format(
            written("w.safetensors", lambda path: safetensors.numpy.save_file(tensors, path)),
            read_weights,
            ["w.safetensors"],
        ),
        "tflite": Format(written("w.tflite", tflite), read_weights, ["w.tflite"]),
        "tfjs": Format(tfjs, read_weights, ["model.json", "*.bin"]),
        "onnx": Format(written("m.onnx", onnx), run, ["m.onnx"]),
        "openvino": Format(openvino, run, ["m.xml", "m.bin"]),
        "paddle program": Format(paddle_program, run, ["m.json", "m.pdiparams"]),
        "export metadata": Format(
            beside,
            lambda path: (metadata.read_metadata(path), registry.read_beside(path)),
            ["m.xml.metadata.json"],
        ),
        "config.json": Format(
            lambda folder: (
                (folder / "config.json").write_text(
                    registry.to_json(registry.find("hrnet_w32_coco_256x192"))
                )
                and folder / "model.pdparams"
            ),
            registry.read_beside,
            ["config.json"],
        ),
        "mat, ground truth": Format(
            written("t.mat", matlab(truth, False)), mpii.read_ground_truth, ["t.mat"]
        ),
        "mat, predictions": Format(
            written("p.mat", matlab({"preds": joints}, True)), predictions, ["p.mat"]
        ),
        "mat, release": Format(
            written("r.mat", matlab({"RELEASE": release}, False)),
            mpii_release.read_release,
            ["r.mat"],
        ),
        "h5": Format(written("p.h5", hdf5), predictions, ["p.h5"]),
        "COCO json": Format(
            text("a.json", coco_content),
            lambda path: coco.read_annotations(path, path.parent),
            ["a.json"],
        ),
        "MPII json": Format(
            mpii_folder,
            lambda folder: mpii.read_mpii(folder, "train"),
            ["annotations/mpii_train.json"],
        ),
        "boxes json": Format(text("b.json", detections), boxes.read_boxes, ["b.json"]),
        "skeleton json": Format(text("s.json", skeleton), skeleton_file.read_skeleton, ["s.json"]),
        "manifest": Format(checkpoint, manifest.check, ["manifest.json"]),
        "zip": Format(written("a.zip", zipped), unpack, ["a.zip"]),
        "tar": Format(written("a.tar", tarred), unpack, ["a.tar"]),
        "tar.gz": Format(written("a.tar.gz", tarred), unpack, ["a.tar.gz"]),
        "tar.xz": Format(written("a.tar.xz", tarred), unpack, ["a.tar.xz"]),
        "jpeg": drawn(".jpg"),
        "png": drawn(".png"),
        "webp": drawn(".webp"),
        "tiff": drawn(".tif", compression="tiff_lzw"),
        "gif": drawn(".gif"),
        "bmp": drawn(".bmp"),
    }
    return found


def work(name: str, numbers: Sequence[int], folder: Path, found: dict[str, Format]) -> None:
    """Reads mutated files of a format, and prints one line of JSON for each; the child runs it.

    Args:
        name: Name of the format.
        numbers: Numbers of the files; each is the seed of its changes.
        folder: Empty folder.
        found: Formats by name.
    """
    from paddle_pose.cli.main import _message

    # Before anything is read: what libraries print must not get between the lines.
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    chosen = found[name]
    example = folder / "example"
    example.mkdir()
    main = chosen.write(example).relative_to(example)
    chosen.read(example / main)  # the valid example; also imports what is needed
    gc.collect()
    start = _peaks()
    limit = ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    targets = sorted(path for pattern in chosen.mutated for path in example.glob(pattern))

    def late(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, late)
    for number in numbers:
        rng = random.Random(f"{name} {number}")
        copy = folder / "copy"
        shutil.copytree(example, copy)
        target = copy / rng.choice(targets).relative_to(example)
        target.write_bytes(mutate(target.read_bytes(), rng))
        lines.write(json.dumps({"number": number, "size": target.stat().st_size}) + "\n")
        lines.flush()
        signal.alarm(SECONDS)
        outcome, message = "read", ""
        try:
            chosen.read(copy / main)
        except KeyboardInterrupt:
            outcome, message = "problem", f"more than {SECONDS} seconds"
        except MemoryError:
            outcome, message = "problem", "out of memory"
        except Exception as error:
            message = _message(error)
            outcome = "refused" if message is not None else "problem"
            message = message or f"{type(error).__name__}: {error}"
        signal.alarm(0)
        answer = {
            "outcome": outcome,
            "message": message.replace(str(copy), "")[:300],
            "peak": max(peak - before for peak, before in zip(_peaks(), start, strict=True)),
        }
        lines.write(json.dumps(answer) + "\n")
        lines.flush()
        shutil.rmtree(copy)


def _peaks() -> tuple[int, int]:
    """Returns the most memory that this process and its children have had, in bytes."""
    # Not ru_maxrss: a new process inherits that of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    own = int(status.partition("VmHWM:")[2].split()[0])
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return 1024 * own, 1024 * children


def check(name: str, numbers: Sequence[int], found: str = "faults.mutate:formats") -> Report:
    """Returns the report on mutated files of a format; a child that ends early is replaced.

    Args:
        name: Name of the format.
        numbers: Numbers of the files.
        found: "module:function" that returns the formats by name.
    """
    report = Report()
    left = list(numbers)
    while left:
        with tempfile.TemporaryDirectory() as folder:
            child = subprocess.run(
                [sys.executable, __file__, "--work", name, "--formats", found, "--folder", folder],
                input=json.dumps(left),
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        lines = [json.loads(line) for line in child.stdout.splitlines()]
        if not lines:
            report.problems.append(f"the example cannot be read (status {child.returncode})")
            return report
        for begun, ended in zip(lines[::2], lines[1::2], strict=False):
            _count(report, begun, ended)
        if len(lines) % 2:
            report.problems.append(f"{lines[-1]['number']}: the process ended, {child.returncode}")
        left = left[(len(lines) + 1) // 2 :]
    return report


def _count(report: Report, begun: dict[str, Any], ended: dict[str, Any]) -> None:
    """Adds the result of one file to a report."""
    limit = MEMORY_FACTOR * begun["size"] + MEMORY_SPARE
    if ended["outcome"] == "problem":
        report.problems.append(f"{begun['number']}: {ended['message']}")
    elif ended["peak"] > max(limit, report.peak):
        report.problems.append(f"{begun['number']}: {ended['peak'] / 1e6:.0f} MB of memory")
    elif ended["outcome"] == "read":
        report.read += 1
    else:
        report.refused += 1
        report.messages[re.sub(r"[0-9]+", "0", ended["message"])[:60]] += 1
    report.peak = max(report.peak, ended["peak"])


def main() -> int:
    """Reads mutated files of all formats; returns 1 if there is a problem."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, metavar="N", help="files of each format")
    parser.add_argument("--start", type=int, default=0, metavar="N", help="number of the first one")
    parser.add_argument("--only", default="", metavar="PATTERN", help="formats that match")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file for the table")
    parser.add_argument("--formats", default="faults.mutate:formats", help=argparse.SUPPRESS)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    module, _, function = arguments.formats.partition(":")
    found = getattr(__import__(module, fromlist=[function]), function)()
    if arguments.work is not None:
        numbers = json.load(sys.stdin)
        with contextlib.suppress(BrokenPipeError):
            work(arguments.work, numbers, arguments.folder, found)
        return 0
    rows = [
        "| format | files | read | refused | problems | peak, MB | s |",
        "|---|---|---|---|---|---|---|",
    ]
    failed = 0
    for name in found:
        if not re.search(arguments.only, name):
            continue
        began = time.monotonic()
        numbers = range(arguments.start, arguments.start + arguments.count)
        report = check(name, numbers, arguments.formats)
        failed += len(report.problems)
        rows.append(
            f"| {name} | {len(numbers)} | {report.read} | {report.refused} |"
            f" {len(report.problems)} | {report.peak / 1e6:.0f} | {time.monotonic() - began:.0f} |"
        )
        print(rows[-1], flush=True)
        for problem, count in Counter(
            re.sub(r"^[0-9]+: ", "", problem) for problem in report.problems
        ).most_common(10):
            first = next(line for line in report.problems if line.endswith(problem))
            print(f"  {count} x {first}", flush=True)
    if arguments.output is not None:
        arguments.output.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.exit(main())

"""Lists the rows of `benchmark.py`: a task of this project, that of another one, and the goal."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MMPOSE = "peers/mmpose_peer.py"
LITERT = "peers/litert_peer.py"
PYCOCOTOOLS = "peers/pycocotools_peer.py"
TORCH = "peers/torch_training.py"
PLAIN = "plain_onnx.py"
NETWORKS = {  # name of the network for mmpose's worker -> config of this project
    "hourglass52": "hourglass52_mpii_256",
    "hrnet_w32": "hrnet_w32_coco_256x192",
    "simple_baseline_r50": "simple_baseline_r50_coco_256x192",
}
# Configs whose speed is compared, the smallest network first, and the one they are compared with.
COMPARED = (
    "tinypose_coco_128x96",
    "tinypose_coco_256x192",
    "rtmpose_t_coco_256x192",
    "rtmpose_s_coco_256x192",
    "rtmpose_m_coco_256x192",
    "movenet_thunder_coco",
    "hrnet_w32_coco_256x192",
)
REFERENCE = "movenet_thunder_coco"
# Networks whose training steps are timed, by the name in the table: arguments of the task.
TRAINED = {
    "Hourglass, reduced, 128x128": (
        "network=hourglass",
        "width=128",
        "height=128",
        "batch=8",
        "channels=64,64,96,128",
        "blocks=1,1,1,2",
        "features=64",
    ),
    "MoveNet Lightning, 192x192": (
        "network=movenet",
        "width=192",
        "height=192",
        "batch=4",
    ),
    "SimpleBaseline-R50, 96x128": (
        "network=simple_baseline",
        "width=96",
        "height=128",
        "batch=4",
    ),
}

FP32_ONNX = "FP32, ONNX Runtime"
FP32_OPENVINO = "FP32, OpenVINO"
INT8_OPENVINO = "INT8, OpenVINO"
# Ends of the names of exported files.
ENDINGS = {FP32_ONNX: ".onnx", FP32_OPENVINO: ".xml", INT8_OPENVINO: "_int8.xml"}


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        worker: File of the worker below benchmarks/; workers in peers/ run under the Python of the
            other projects.
        task: Name of the worker's task.
        values: Arguments of the task, each "key=value".
    """

    worker: str
    task: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        group: Group of rows that `--rows` selects.
        name: Task that is measured.
        ours: Side of this project.
        theirs: Side of another project; None if the row compares nothing.
        minimum: Goal for the ratio of speeds, ours to theirs; 0 for none.
        maximum: Goal for the largest measurement of ours, in the unit of `measure`; 0 for none.
        measure: Measurement of a run that is shown: "seconds", "peak_mb", or "value" (a time in s
            that the task measured itself).
        items: Number of items that a run processes; the table shows the time of one.
        tolerance: Largest difference allowed between both sides' arrays; None if they are not
            compared.
        remark: Remark in the table.
    """

    group: str
    name: str
    ours: Side
    theirs: Side | None = None
    minimum: float = 0.0
    maximum: float = 0.0
    measure: str = "seconds"
    items: int = 1
    tolerance: float | None = None
    remark: str = ""


def rows(
    data: Path,
    work: Path,
    tflite: Path | None,
    threads: tuple[int, ...] = (1, 2),
    published: Sequence[Path] = (),
    photo: Path | None = None,
) -> list[Row]:
    """Returns all rows.

    Args:
        data: Folder of a data set in MPII's layout.
        work: Folder of exported files, which are written if they are missing.
        tflite: Google's INT8 file of MoveNet Lightning; None if it is missing, and LiteRT's side of
            its rows cannot run.
        threads: Numbers of threads to predict with.
        published: Local copies of the published files of MoveNet Thunder and NanoDet-m; without
            them, the default prediction is not measured.
        photo: Image that the default prediction reads; None for none.
    """
    return [
        *_loading(data),
        *_codecs(),
        *_evaluation(),
        *_prediction(work, tflite, threads),
        *_networks(work, threads),
        _default_prediction(work / "zoo", published, photo),
        *_training(),
        *_starting(work, tflite),
        *_memory(data),
    ]


def _ours(task: str, *values: str) -> Side:
    """Returns this project's side of a task with arguments "key=value"."""
    return Side("ours.py", task, values)


def _loading(data: Path) -> list[Row]:
    """Returns the rows on loading training samples."""
    samples = 32
    found = []
    for size, config in ((256, "hourglass52_mpii_256"), (384, "hourglass52_mpii_384")):
        theirs = Side(MMPOSE, "loading", (f"root={data}", f"size={size}", f"samples={samples}"))
        for reader, minimum, remark in (
            ("whole", 0.0, "decodes whole images, as evaluation does"),
            (
                "reduced",
                2.5,
                "decodes at a fraction of the size where the window allows it: data.reduced=true",
            ),
            ("cache", 6.0, "reads cached crops from the disk"),
        ):
            ours = _ours(
                "loading",
                f"root={data}",
                f"config={config}",
                f"samples={samples}",
                f"reader={reader}",
            )
            row = Row(
                "loading",
                f"training sample, {size}, {reader}",
                ours,
                theirs,
                minimum,
                items=samples,
                remark=remark,
            )
            found.append(row)
    reading = _ours("reading", f"root={data}", f"samples={samples}")
    return [
        *found,
        Row(
            "loading",
            "decoding the image alone",
            reading,
            items=samples,
            remark="the lower bound of `whole`",
        ),
    ]


def _codecs() -> list[Row]:
    """Returns the rows on encoding and decoding heatmaps."""
    shape = "64 x 16 x 64 x 64"
    runs = 10
    repeats = f"repeats={runs}"
    theirs = Side(MMPOSE, "encoding", (repeats,))
    found = [
        Row(
            "codecs",
            f"encode {shape}",
            _ours("encoding", repeats),
            theirs,
            5.0,
            items=runs,
            tolerance=1e-4,
        )
    ]
    for decode_by, unbiased in (("quarter", False), ("dark", True)):
        theirs = Side(MMPOSE, "decoding", (f"unbiased={unbiased}", repeats))
        ours = _ours("decoding", f"decode_by={decode_by}", repeats)
        name = f"decode {shape}, {decode_by}"
        found.append(Row("codecs", name, ours, theirs, 5.0, items=runs, tolerance=1e-4))
    argmax = _ours("decoding", "decode_by=argmax", repeats)
    return [
        *found,
        Row(
            "codecs", f"decode {shape}, argmax", argmax, items=runs, remark="mmpose always refines"
        ),
    ]


def _evaluation() -> list[Row]:
    """Returns the rows on metrics."""
    people = "people=6352"
    return [
        Row(
            "evaluation",
            "COCO AP of 6,352 people",
            _ours("coco_ap", people),
            Side(PYCOCOTOOLS, "coco_ap", (people,)),
            minimum=3.0,
            tolerance=1e-9,
            remark="with this project's checks of the annotations",
        ),
        Row(
            "evaluation",
            "PCKh of 2,958 people, 1,000 resamples",
            _ours("pckh", "people=2958"),
            maximum=1.0,
        ),
    ]


def _prediction(work: Path, tflite: Path | None, threads: tuple[int, ...]) -> list[Row]:
    """Returns the rows on prediction with exported files."""
    found = []
    runs = 50
    for count in threads:
        theirs = Side(LITERT, "movenet", (f"file={tflite}", f"threads={count}", f"repeats={runs}"))
        for kind, minimum in ((FP32_ONNX, 0.0), (FP32_OPENVINO, 0.0), (INT8_OPENVINO, 1.3)):
            ours = _predicting(
                work, "movenet_lightning_coco", kind, 1, count, runs, f"weights={tflite}"
            )
            name = f"MoveNet Lightning, {kind}, 1 image, {count} threads"
            found.append(
                Row(
                    "prediction",
                    name,
                    ours,
                    theirs,
                    minimum,
                    items=runs,
                    remark="compared with INT8 of LiteRT",
                )
            )
    count = max(threads)
    for network, config in NETWORKS.items():
        for batch in (1, 16):
            theirs = Side(
                MMPOSE, "forward", (f"network={network}", f"batch={batch}", f"threads={count}")
            )
            for kind, minimum in ((FP32_ONNX, 1.2), (INT8_OPENVINO, 2.5)):
                ours = _predicting(work, config, kind, batch, count, 1)
                name = f"{config}, {kind}, {batch} people, {count} threads"
                found.append(
                    Row(
                        "prediction",
                        name,
                        ours,
                        theirs,
                        minimum,
                        remark="compared with eager FP32",
                    )
                )
    return found


def _networks(work: Path, threads: tuple[int, ...]) -> list[Row]:
    """Returns the rows on one person with each of the networks, beside MoveNet Thunder.

    Args:
        work: Folder of exported files, which are written if they are missing.
        threads: Numbers of threads to predict with.
    """

    def side(config: str, kind: str, count: int) -> Side:
        stem, suffix = (config + ENDINGS[kind]).rsplit(".", 1)
        file = work / f"{stem}_maps.{suffix}"
        values = (f"config={config}", f"file={file}", f"threads={count}", f"repeats={runs}")
        return _ours("poses", *values)

    runs = 20
    return [
        Row(
            "networks",
            f"{config}, {kind}, 1 person, {count} threads",
            side(config, kind, count),
            None if config == REFERENCE else side(REFERENCE, kind, count),
            items=runs,
            remark="random weights"
            if config == REFERENCE
            else "random weights; theirs: this project's MoveNet Thunder",
        )
        for count in threads
        for kind in (FP32_ONNX, INT8_OPENVINO)
        for config in COMPARED
    ]


def _default_prediction(cache: Path, published: Sequence[Path], photo: Path | None) -> Row:
    """Returns the row on one image from the file to keypoints, with one thread.

    Args:
        cache: Folder of the published files and of the ONNX file that is made from them.
        published: Local copies of the published files.
        photo: Image file.
    """
    common = (f"photo={photo or ''}", f"cache={cache}", "threads=1")
    files = os.pathsep.join(map(str, published))
    return Row(
        "prediction",
        "predict.py's default: file, NanoDet-m, MoveNet Thunder, 1 threads",
        _ours("default_prediction", f"files={files}", *common),
        Side(PLAIN, "default_prediction", common),
        tolerance=0.1,
        remark="theirs: a plain script with the same two ONNX files; keypoints of the person with"
        " the highest score are compared, in px",
    )


def _training() -> list[Row]:
    """Returns the rows on training steps, with one thread."""
    rows = []
    for name, values in TRAINED.items():
        batch = next(value for value in values if value.startswith("batch="))
        arguments = (*values, "threads=1")
        rows.append(
            Row(
                "training",
                f"training step, {name}, {batch.replace('=', ' ')}",
                _ours("training_step", *arguments),
                Side(TORCH, "training_step", arguments),
                tolerance=0.0,
                remark="FP32, forward, backward and Adam in 1 thread; theirs: torch with the same"
                " network, whose parameters' sizes are compared",
            )
        )
    return rows


def _predicting(
    work: Path, config: str, kind: str, batch: int, threads: int, runs: int, *more: str
) -> Side:
    """Returns this project's side of a prediction.

    Args:
        work: Folder of exported files.
        config: Name of the config.
        kind: Precision and backend, a key of `ENDINGS`.
        batch: Number of images.
        threads: Number of threads.
        runs: Number of predictions of a run.
        *more: Further arguments of the task, "key=value".
    """
    file = work / (config + ENDINGS[kind])
    values = (
        f"config={config}",
        f"file={file}",
        f"batch={batch}",
        f"threads={threads}",
        f"repeats={runs}",
    )
    return _ours("prediction", *values, *more)


def _starting(work: Path, tflite: Path | None) -> list[Row]:
    """Returns the rows on starting commands."""
    file = f"file={work / 'movenet_lightning_coco_maps.onnx'}"
    remark = "where importing Paddle fails; the whole command, one image"
    return [
        Row(
            "starting",
            "--help",
            _ours("starting"),
            maximum=0.2,
            measure="value",
            remark="the slowest of all commands",
        ),
        Row(
            "starting",
            "predict.py with an ONNX file",
            _ours("predict_command", file, f"weights={tflite}"),
            remark=remark,
        ),
    ]


def _memory(data: Path) -> list[Row]:
    """Returns the rows on peak memory."""
    loading = _ours(
        "loading",
        f"root={data}",
        "config=hourglass52_mpii_256",
        "samples=256",
        "reader=reduced",
    )
    evaluating = _ours("coco_detections", "people=100000")
    return [
        Row("memory", "loader, 256 samples", loading, maximum=512, measure="peak_mb"),
        Row("memory", "evaluating 100,000 detections", evaluating, maximum=2048, measure="peak_mb"),
    ]

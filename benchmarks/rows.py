"""What `benchmark.py` measures: each row is one task of ours, its counterpart elsewhere, and the goal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MMPOSE, LITERT, PYCOCOTOOLS = (
    "peers/mmpose_peer.py",
    "peers/litert_peer.py",
    "peers/pycocotools_peer.py",
)
NETWORKS = {
    "hourglass52": "hourglass52_mpii_256",
    "hrnet_w32": "hrnet_w32_coco_256x192",
    "simple_baseline_r50": "simple_baseline_r50_coco_256x192",
}

FLOATS, FLOATS_OPENVINO, BITS_OPENVINO = "FP32, ONNX Runtime", "FP32, OpenVINO", "INT8, OpenVINO"
ENDINGS = {FLOATS: ".onnx", FLOATS_OPENVINO: ".xml", BITS_OPENVINO: "_int8.xml"}


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        worker: its file below benchmarks/; those in peers/ run under the peers' Python.
        task: of the worker.
        values: the task's arguments, "key=value".
    """

    worker: str
    task: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        group: as `--rows` names it.
        name: what is measured.
        ours: this project.
        theirs: what it is compared with; None for a measurement of its own.
        minimum: the goal: so many times as fast as theirs; 0 without one.
        maximum: the goal: our number is at most this; 0 without one.
        measure: which of a worker's numbers counts: "seconds", "peak_mb" or "value" (seconds that the task took itself).
        items: how many things a run does; the table shows the time of one.
        tolerance: how far both sides' arrays may differ; None compares nothing.
        remark: for the table.
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
    data: Path, work: Path, tflite: Path | None, threads: tuple[int, ...] = (1, 2)
) -> list[Row]:
    """Returns all rows.

    Args:
        data: a data set in MPII's layout.
        work: where exported files are kept.
        tflite: Google's INT8 file of MoveNet Lightning; None leaves its rows without a side.
        threads: numbers of threads to predict with.
    """
    return [
        *_loading(data),
        *_codecs(),
        *_evaluation(),
        *_prediction(work, tflite, threads),
        *_starting(work, tflite),
        *_memory(data),
    ]


def _ours(task: str, *values: str) -> Side:
    return Side("ours.py", task, values)


def _loading(data: Path) -> list[Row]:
    samples, found = 32, []
    for size, config in ((256, "hourglass52_mpii_256"), (384, "hourglass52_mpii_384")):
        theirs = Side(MMPOSE, "loading", (f"root={data}", f"size={size}", f"samples={samples}"))
        for reader, minimum, remark in (
            ("whole", 0.0, "decodes whole images, as evaluation does"),
            (
                "reduced",
                2.5,
                "decodes at a part of the size where the window allows it: data.reduced=true",
            ),
            ("cache", 6.0, "reads crops kept on disk"),
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
            remark="the floor of `whole`",
        ),
    ]


def _codecs() -> list[Row]:
    shape, runs = "64 x 16 x 64 x 64", 10
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
    people = ("people=6352",)
    stays = "pycocotools computes it on both sides: ours adds its checks of the file"
    ours, theirs = _ours("coco_ap", *people), Side(PYCOCOTOOLS, "coco_ap", people)
    return [
        Row("evaluation", "COCO AP of 6,352 people", ours, theirs, tolerance=1e-9, remark=stays),
        Row(
            "evaluation",
            "PCKh of 2,958 people, 1,000 resamples",
            _ours("pckh", "people=2958"),
            maximum=1.0,
        ),
    ]


def _prediction(work: Path, tflite: Path | None, threads: tuple[int, ...]) -> list[Row]:
    found, runs = [], 50
    for count in threads:
        theirs = Side(LITERT, "movenet", (f"file={tflite}", f"threads={count}", f"repeats={runs}"))
        for kind, minimum in ((FLOATS, 0.0), (FLOATS_OPENVINO, 0.0), (BITS_OPENVINO, 1.3)):
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
                    remark="against INT8 of LiteRT",
                )
            )
    count = max(threads)
    for network, config in NETWORKS.items():
        for batch in (1, 16):
            theirs = Side(
                MMPOSE, "forward", (f"network={network}", f"batch={batch}", f"threads={count}")
            )
            for kind, minimum in ((FLOATS, 1.2), (BITS_OPENVINO, 2.5)):
                ours = _predicting(work, config, kind, batch, count, 1)
                name = f"{config}, {kind}, {batch} people, {count} threads"
                found.append(
                    Row("prediction", name, ours, theirs, minimum, remark="against eager FP32")
                )
    return found


def _predicting(
    work: Path, config: str, kind: str, batch: int, threads: int, runs: int, *more: str
) -> Side:
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
    values = (f"root={data}", "config=hourglass52_mpii_256", "samples=256", "reader=reduced")
    judged = _ours("coco_detections", "people=100000")
    return [
        Row(
            "memory",
            "loader, 256 samples",
            _ours("loading", *values),
            maximum=512,
            measure="peak_mb",
        ),
        Row("memory", "evaluating 100,000 detections", judged, maximum=2048, measure="peak_mb"),
    ]

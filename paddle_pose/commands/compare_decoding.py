"""`python scripts/compare_decoding.py`: scores every way of reading one checkpoint's maps in one pass over the network."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from paddle_pose.commands import options
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from paddle_pose.backends.base import Backend
    from paddle_pose.codecs.heatmap import HeatmapCodec, Refinement
    from paddle_pose.metrics.base import Metric
    from paddle_pose.structures import Sample


@dataclass(frozen=True)
class Reading:
    """One way of reading maps.

    Attributes:
        decode: `HeatmapCodec.decode_by`.
        flip: whether the maps are averaged with those of the mirrored image.
        shift: whether the mirrored maps are moved by one cell first.
    """

    decode: Refinement
    flip: bool
    shift: bool


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Prints the scores of a weights file for every decoding, with and without the flip test and its shift. "
        "The network looks at each image once, and once at its mirror image.",
    )
    parser.add_argument("--pretrained_model", "--weights", required=True, type=Path, metavar="FILE", help="to evaluate")
    options.add_data(parser, "folder in the layout that the config says; not needed where it names annotation files")
    options.add_config(parser)
    parser.add_argument("--batch_size", type=int, metavar="N", help="images at once (default: as the config says)")
    options.add_device(parser)
    options.add_threads(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If a file or a flag does not fit.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose import build
    from paddle_pose.codecs.heatmap import HeatmapCodec
    from paddle_pose.inference.progress import Progress

    config = options.config_of(arguments.pretrained_model, arguments, {"val.batch_size": "batch_size"})
    if not isinstance(config.codec, HeatmapCodec):
        raise InputError(
            f"{arguments.pretrained_model}: {config.name} has no heatmaps of single people, so one way to decode"
        )
    backend, _ = build.backend(config, arguments.pretrained_model, arguments.device, arguments.threads, say=print)
    samples = build.samples(config, arguments.dataset_root, config.data.val_split)
    metrics = {reading: build.metric(config, arguments.dataset_root) for reading in readings(config.codec)}
    looked_at = build.batches(config, samples)
    compare(backend, config.codec, looked_at, metrics, Progress(len(samples)))
    print(table(metrics))
    print(
        f"Protocol: config {config.name}, alignment {config.codec.alignment}, checkpoint {arguments.pretrained_model}, "
        f"people {len(samples)}, boxes ground truth"
    )
    return 0


def readings(codec: HeatmapCodec) -> list[Reading]:
    """Returns every way of reading the codec's maps; "udp" alignment knows no shift."""
    from paddle_pose.codecs.heatmap import Refinement

    looks = [(False, False), (True, False)]
    if codec.alignment == "published":
        looks.append((True, True))
    return [Reading(decode, flip, shift) for decode in get_args(Refinement) for flip, shift in looks]


def compare(
    backend: Backend,
    codec: HeatmapCodec,
    batches: Iterable[tuple[np.ndarray, Sequence[Sample]]],
    metrics: dict[Reading, Metric],
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Looks at every batch once and once mirrored, and tells each reading's metric what it reads there.

    Args:
        backend: turns images into maps.
        codec: of the network; its `decode_by` does not matter.
        batches: uint8 images [N, H, W, 3] with their N samples.
        metrics: are reset and fed.
        progress: called with the number of samples done after every batch.
    """
    import numpy as np

    from paddle_pose.inference.flip_test import averaged

    codecs = {reading: replace(codec, decode_by=reading.decode) for reading in metrics}
    for metric in metrics.values():
        metric.reset()
    done = 0
    for images, samples in batches:
        plain = backend(images)
        mirrored = backend(np.ascontiguousarray(images[:, :, ::-1]))
        to_image = [sample.window.to_image(codec.input_size, codec.alignment) for sample in samples]
        for reading, metric in metrics.items():
            maps = averaged(plain, mirrored, codec, reading.shift) if reading.flip else plain
            decoded = codecs[reading].decode(maps)
            for sample, poses, matrix in zip(samples, decoded, to_image, strict=True):
                metric.update(sample, poses.moved(matrix))
        done += len(samples)
        progress(done)


def table(metrics: dict[Reading, Metric]) -> str:
    """Returns a line for each reading: the number that decides on the best checkpoint, and its kin at other thresholds."""
    values = {reading: metric.accumulate() for reading, metric in metrics.items()}
    first = next(iter(metrics))
    stem = metrics[first].monitor.split("@")[0]
    names = [name for name in values[first] if name.split("@")[0] == stem]
    lines = [f"{'decode':8}{'flip':>6}{'shift':>7}" + "".join(f"{name:>11}" for name in names)]
    for reading, numbers in values.items():
        flip, shift = ("yes" if chosen else "no" for chosen in (reading.flip, reading.shift))
        line = f"{reading.decode:8}{flip:>6}{shift if reading.flip else '-':>7}"
        lines.append(line + "".join(f"{numbers[name]:11.3f}" for name in names))
    return "\n".join(lines)

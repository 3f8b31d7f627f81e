"""Measures how far reduced decoding moves keypoints: `reduced_decoding.py WEIGHTS DATASET_ROOT`.

The network predicts each validation person in 20 windows that are augmented as in training. The
crops come from the readers of training, and are compared with those of whole images.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from paddle_pose import build
from paddle_pose.configs.registry import read_beside
from paddle_pose.data.augment import Augment
from paddle_pose.data.crop_cache import CropCache, ReducedReader, read_whole
from paddle_pose.data.dataset import crop

NUM_WINDOWS = 20  # for each person
MIN_SCORE = 0.2  # joints with a lower score in the whole image are not compared


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="checkpoint with its config.json beside it")
    parser.add_argument("dataset_root", help="folder of the data set")
    return parser


def main() -> None:
    """Prints the displacements in input px: median, 95th percentile and largest."""
    arguments = build_parser().parse_args()
    weights, root = arguments.weights, arguments.dataset_root
    config = read_beside(weights)
    if config is None:
        raise SystemExit(f"{weights}: expected a config.json beside it, found none")
    augment = config.augment or Augment()
    backend, _ = build.backend(config, weights, "cpu")
    size = config.codec.input_size
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        readers = {"reduced": ReducedReader(size), "cache": CropCache(Path(folder), size, 1e9)}
        moved: dict[str, list[np.ndarray]] = {name: [] for name in readers}
        for sample in build.samples(config, root, config.data.val_split):
            for _ in range(NUM_WINDOWS):
                window = augment.window(sample, config.codec.skeleton, rng)
                crops = [
                    crop(sample, window, config.codec, reader)
                    for reader in (read_whole, *readers.values())
                ]
                whole, *others = config.codec.decode(backend(np.stack(crops)))
                is_compared = whole.scores[0] >= MIN_SCORE
                for name, poses in zip(readers, others, strict=True):
                    moved[name].append(
                        np.linalg.norm(poses.keypoints[0] - whole.keypoints[0], axis=-1)[
                            is_compared
                        ]
                    )
    for name, found in moved.items():
        px = np.concatenate(found)
        print(
            f"{name:8} {len(px)} joints of {len(found)} windows, input {size[0]}x{size[1]}:"
            f" median {np.median(px):.2f}, 95 of 100 within {np.percentile(px, 95):.2f},"
            f" largest {px.max():.1f} px"
        )


if __name__ == "__main__":
    main()

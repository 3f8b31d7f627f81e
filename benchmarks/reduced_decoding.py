"""How far key points move when images are not decoded whole: `reduced_decoding.py WEIGHTS DATASET_ROOT`.

Looks at every validation person through 20 windows as training augments them, with the readers of training.
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

WINDOWS, SURE = 20, 0.2  # SURE: joints below this score are not compared


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, help="a checkpoint, its config.json beside it")
    parser.add_argument("dataset_root")
    return parser


def main() -> None:
    """Prints the displacement in px of the network's input: median, 95 of 100, largest."""
    arguments = build_parser().parse_args()
    weights, root = arguments.weights, arguments.dataset_root
    config = read_beside(weights)
    if config is None:
        raise SystemExit(f"{weights}: no config.json beside it")
    augment = config.augment or Augment()
    backend, _ = build.backend(config, weights, "cpu")
    size, rng = config.codec.input_size, np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        readers = {"reduced": ReducedReader(size), "cache": CropCache(Path(folder), size, 1e9)}
        moved: dict[str, list[np.ndarray]] = {name: [] for name in readers}
        for sample in build.samples(config, root, config.data.val_split):
            for _ in range(WINDOWS):
                window = augment.window(sample, config.codec.skeleton, rng)
                crops = [
                    crop(sample, window, config.codec, reader)
                    for reader in (read_whole, *readers.values())
                ]
                whole, *others = config.codec.decode(backend(np.stack(crops)))
                sure = whole.scores[0] >= SURE
                for name, poses in zip(readers, others, strict=True):
                    moved[name].append(
                        np.linalg.norm(poses.keypoints[0] - whole.keypoints[0], axis=-1)[sure]
                    )
    for name, found in moved.items():
        px = np.concatenate(found)
        share = f"median {np.median(px):.2f}, 95 of 100 within {np.percentile(px, 95):.2f}, largest {px.max():.1f} px"
        print(
            f"{name:8} {len(px)} joints of {len(found)} windows, input {size[0]}x{size[1]}: {share}"
        )


if __name__ == "__main__":
    main()

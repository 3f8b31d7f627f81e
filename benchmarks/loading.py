"""Prints how many training samples per second the loading threads deliver.

    python benchmarks/loading.py [--config movenet_lightning_coco] [-o train.device_targets=true]

The people are synthetic (the config's framing around them); the folder is written once. The numbers
are those of the loader alone: nothing is trained, and on a GPU nothing else competes for the cores.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from paddle_pose import build, environment

environment.require_paddle()

from paddle_pose.configs import overrides, registry
from paddle_pose.data.synthetic.dataset import write_coco, write_mpii


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="movenet_lightning_coco", help="config (%(default)s)")
    parser.add_argument("-o", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="loading threads")
    parser.add_argument("--batches", type=int, default=12, help="timed batches (%(default)s)")
    parser.add_argument("--folder", default="output/loading", help="of the people (%(default)s)")
    arguments = parser.parse_args()
    changes = dict(change.split("=", 1) for change in arguments.changes)
    config = overrides.override(registry.find(arguments.config), changes)
    if config.data.dataset == "movenet_crops":  # people of the same kind, in COCO's layout
        config = replace(config, data=replace(config.data, dataset="coco"))
    write = {"mpii": write_mpii, "coco": write_coco}[config.data.dataset]
    root = Path(arguments.folder) / config.data.dataset
    write(root, num_train=256, num_val=2, seed=0, size=(256, 256))
    samples = build.samples(config, root, config.data.train_split)
    people = sum(len(sample.persons) for sample in samples) / len(samples)
    print(f"{config.name}: {len(samples)} samples, {people:.1f} people each")
    for threads in arguments.threads:
        changed = overrides.override(
            config, {"train.num_workers": threads, "train.batch_size": min(32, len(samples))}
        )
        print(f"{threads} threads {speed(changed, samples, arguments.batches):8.0f} samples/s")


def speed(config, samples, batches):
    """Returns samples per second, without those of the first batch."""
    loader = build.loader(config, samples)
    loaded, epoch, started = 0, 0, None
    while loaded < batches:
        for batch in loader.epoch(epoch):
            if started is None:
                started = time.perf_counter()
                continue
            loaded += 1
            size = len(batch["image"])
        epoch += 1
    return loaded * size / (time.perf_counter() - started)


if __name__ == "__main__":
    main()

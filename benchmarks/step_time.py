"""Prints the time that Python and Paddle's dispatch need for a training step, arithmetic left out.

    python benchmarks/step_time.py [--config hrnet_w32_mpii_256] [--steps 20]

The network keeps its structure, but with few channels and one tiny image, so that nearly all of the
time is spent between the kernels: on a GPU, a step cannot be faster than this. The plain loop runs
forward, backward and the optimizer alone, side by side with the project's step.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
import paddle

from paddle_pose import build, kinds
from paddle_pose.configs import overrides, registry
from paddle_pose.training.ema import Ema
from paddle_pose.training.precision import Precision, full_precision
from paddle_pose.training.run_state import State
from paddle_pose.training.step import Step

NARROW = {
    "hrnet": {"model.width": 2, "model.stem_channels": 4, "codec.input_size": (32, 32)},
    "hourglass": {"codec.input_size": (64, 64)},
    "movenet": {"model.width": 0.25, "codec.input_size": (64, 64)},
    "simple_baseline": {
        "model.width": 4,
        "model.deconv_channels": 8,
        "codec.input_size": (32, 32),
    },
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="hrnet_w32_mpii_256", help="network (%(default)s)")
    parser.add_argument("--steps", type=int, default=20, help="timed steps (%(default)s)")
    parser.add_argument("--ema", type=float, default=0.999, help="decay of the average; 0: none")
    arguments = parser.parse_args()
    config = registry.find(arguments.config)
    narrow = next(values for name, values in NARROW.items() if config.model.kind.startswith(name))
    config = overrides.override(config, narrow)
    steps = {"plain loop": plain_step(config), "project": project_step(config, arguments.ema)}
    seconds = {name: [] for name in steps}
    for n in range(arguments.steps + 3):
        for name, step in steps.items():  # in turn: both see the machine in the same state
            started = time.perf_counter()
            step()
            if n >= 3:
                seconds[name].append(time.perf_counter() - started)
    times = {name: 1000 * median(values) for name, values in seconds.items()}
    parameters = len(build.model(config).parameters())
    print(f"{config.name}: {parameters} parameter tensors, {arguments.steps} steps, medians")
    for name, milliseconds in times.items():
        print(f"{name:12} {milliseconds:7.1f} ms a step")
    print(f"ratio        {times['project'] / times['plain loop']:7.2f}")


def example(config):
    """Returns one batch of one sample: an image of noise with its targets."""
    rng = np.random.default_rng(0)
    width, height = config.codec.input_size
    joints = config.codec.skeleton.num_joints
    image = rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    keypoints = rng.uniform(0, min(width, height), (1, 1, joints, 2))
    targets = config.codec.encode_batch(
        keypoints, np.ones((1, 1, joints)), np.array([[[0.0, 0.0, width, height]]])
    )
    tensors = {name: paddle.to_tensor(values) for name, values in targets.items()}
    return {"image": paddle.to_tensor(image), "targets": tensors}


def optimizer_of(config, model):
    made = kinds.load(config.train.optimizer.target)
    return made(model, grad_clip=None, **config.train.optimizer.arguments())


def plain_step(config):
    model, loss, batch = build.model(config), build.loss(config), example(config)
    optimizer = optimizer_of(config, model)
    optimizer.set_lr(1e-4)

    def step():
        terms = loss(model(batch["image"]), batch["targets"])
        paddle.add_n(list(terms.values())).backward()
        optimizer.step()
        optimizer.clear_grad()

    return step


def project_step(config, decay):
    model = build.model(config)
    optimizer = optimizer_of(config, model)
    average = Ema(lambda: full_precision(model, optimizer), decay) if decay else None
    state = State(model, optimizer, Precision(), average)
    step = Step(state, build.loss(config), lambda n: 1e-4)
    step.begin()
    batch = example(config)
    return lambda: step(batch)


if __name__ == "__main__":
    main()

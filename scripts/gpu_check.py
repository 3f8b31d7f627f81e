"""Checks training on this machine's GPUs against its CPU, and prints a Markdown table to paste.

    python scripts/gpu_check.py [--configs NAME ...] [-o KEY=VALUE] [--device auto]

Each check runs in a process of its own, so that one that crashes does not end the others. For each
config: the maps of the untrained network and the loss of its first step, in float32 and with
`--amp O1` and `O2`, against the CPU's in float32; an evaluation after each step; two steps against
one step, a resume and another step; gradients accumulated over two parts; targets drawn on the
device against the loading threads'; peak memory beside its estimate; images per second with each
setting of `training.gpu_flags`; and two processes against one, where there are two GPUs. On a CPU
the same runs in float32.

The exit status is 1 if a difference exceeds its tolerance or a check fails. The GPU's rows have not
been measured by this project: tolerances are what the data types suggest, and a GPU's TF32 is
allowed for in float32.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from paddle_pose import environment

environment.require_paddle()

import numpy as np
import paddle

from paddle_pose import build, kinds
from paddle_pose.backends.paddle import PaddleBackend, available, set_device
from paddle_pose.configs import overrides, registry
from paddle_pose.configs.specs import Config
from paddle_pose.training import gpu_flags
from paddle_pose.training.initialize import freeze_statistics
from paddle_pose.training.memory import estimate_memory
from paddle_pose.training.precision import Precision
from paddle_pose.training.process_group import ProcessGroup
from paddle_pose.training.trainer import Trainer

CONFIGS = (
    "hourglass52_mpii_256",
    "simple_baseline_r50_mpii_256",
    "hrnet_w32_mpii_256",
    "movenet_lightning_coco",
)
# Relative to the CPU's loss, and to the largest value of the CPU's map.
LOSS_TOLERANCE = {"O0": 2e-3, "O1": 2e-2, "O2": 5e-2}
MAP_TOLERANCE = {"O0": 1e-2, "O1": 5e-2, "O2": 1e-1}
RESUME_TOLERANCE = {"cpu": 0.0, "gpu": 1e-3}  # a GPU adds gradients in any order
PARTS_TOLERANCE = {"O0": 2e-3, "O1": 2e-2, "O2": 5e-2}
PROCESSES_TOLERANCE = 5e-3
TARGET_TOLERANCE = 1e-4
SETTINGS: dict[str, dict[str, Any]] = {
    "no setting": {},
    "train.cudnn_search": {"cudnn_search": True},
    "train.conv_workspace=2048": {"conv_workspace": 2048},
    "train.deterministic": {"deterministic": True},
    "train.pin_memory": {"pin_memory": True},
}
RATE = 1e-4  # learning rate of all steps
PEOPLE = ("keypoints", "visible", "boxes")  # arguments of a codec's encode_batch


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        config: Name of the config; "" for a check of Paddle.
        check: Name of the check.
        result: Measured value or state, as text.
        difference: Difference from what was expected; None if nothing is compared.
        tolerance: Largest difference that is accepted; None if nothing is compared.
        failed: Whether the check could not be completed.
    """

    config: str
    check: str
    result: str
    difference: float | None = None
    tolerance: float | None = None
    failed: bool = False

    @property
    def ok(self) -> bool:
        """Whether the check was completed and the difference lies within the tolerance."""
        if self.failed or self.difference is None or self.tolerance is None:
            return not self.failed
        return self.difference <= self.tolerance  # false for NaN


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the script."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--configs", nargs="+", default=CONFIGS, help="(default: one per system)")
    parser.add_argument("-o", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="auto", help="auto, cpu or gpu (%(default)s)")
    parser.add_argument("--batch_size", type=int, default=2, help="images a step (%(default)s)")
    parser.add_argument("--speed_batch_size", type=int, default=32, help="(%(default)s)")
    parser.add_argument("--steps", type=int, default=20, help="timed steps; 0: none (%(default)s)")
    parser.add_argument("--processes", type=int, help="1 or 2 (default: 2 where there are 2 GPUs)")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs all checks, or one with --task; returns the exit status."""
    arguments = build_parser().parse_args(argv)
    if arguments.task:
        run_task(json.loads(arguments.task))
        return 0
    where = set_device(arguments.device)
    device = "gpu" if where.startswith("gpu") else "cpu"
    gpus = paddle.device.cuda.device_count() if device == "gpu" else 0
    processes = arguments.processes or (2 if gpus > 1 else 1)
    common = {
        "changes": arguments.changes,
        "device": device,
        "batch_size": arguments.batch_size,
        "amp": "O0",
    }
    rows = [run_check()]
    for name in arguments.configs:
        task = {**common, "config": name}
        rows += compared(task)
        if arguments.steps:
            rows += speeds({**task, "batch_size": arguments.speed_batch_size}, arguments.steps)
        if processes > 1:
            rows.append(two_processes(task))
    print(table(", ".join([where, *available()[1]]), rows))
    return 0 if all(row.ok for row in rows) else 1


def table(title: str, rows: Sequence[Row]) -> str:
    """Returns the rows as a Markdown table."""
    lines = [
        title,
        "",
        "| config | check | result | difference | tolerance | |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        numbers = ["" if n is None else f"{n:.2g}" for n in (row.difference, row.tolerance)]
        verdict = "ok" if row.ok else "**FAILED**"
        result = row.result.replace("|", "/").replace("\n", " ")
        lines.append(
            f"| {row.config} | {row.check} | {result} | {' | '.join(numbers)} | {verdict} |"
        )
    return "\n".join(lines)


def run_check() -> Row:
    """Returns the result of Paddle's own check of its installation."""
    try:
        paddle.utils.run_check()
    except Exception as problem:  # Paddle raises various classes
        return Row("", "paddle.utils.run_check", str(problem)[-300:], failed=True)
    return Row("", "paddle.utils.run_check", "passed")


def compared(task: dict[str, Any]) -> list[Row]:
    """Returns the rows of one config: each precision against the CPU's float32, and memory."""
    name, device = task["config"], task["device"]
    try:
        expected = outcome({**task, "device": "cpu"})
    except RuntimeError as problem:
        return [Row(name, "cpu float32", str(problem), failed=True)]
    rows = []
    for level in ("O0", "O1", "O2") if device == "gpu" else ("O0",):
        label = f"{device} {'float32' if level == 'O0' else level}"
        try:
            found = outcome({**task, "amp": level})
        except RuntimeError as problem:
            rows.append(Row(name, label, str(problem), failed=True))
            continue
        loss, reference = found["losses"][0], expected["losses"][0]
        rows += [
            Row(
                name,
                f"{label}: loss of the first step",
                f"{loss:.6g}, cpu {reference:.6g}",
                abs(loss - reference) / abs(reference),
                LOSS_TOLERANCE[level],
            ),
            Row(
                name,
                f"{label}: maps",
                ", ".join(found["maps"]),
                max(
                    float(np.abs(found["maps"][key] - values).max() / np.abs(values).max())
                    for key, values in expected["maps"].items()
                ),
                MAP_TOLERANCE[level],
            ),
            Row(
                name,
                f"{label}: resumed after one of two steps",
                f"loss {found['resumed_loss']:.6g}, not resumed {found['losses'][1]:.6g}",
                abs(found["resumed_loss"] - found["losses"][1]) / abs(found["losses"][1]),
                RESUME_TOLERANCE[device],
            ),
        ]
        whole, parts = found["accumulated"]
        rows.append(
            Row(
                name,
                f"{label}: gradients of two parts, loss of the second step",
                f"{parts:.6g}, one part {whole:.6g}",
                abs(parts - whole) / abs(whole),
                PARTS_TOLERANCE[level],
            )
        )
        if found["target_difference"] is not None:
            rows.append(
                Row(
                    name,
                    f"{label}: targets drawn on the device",
                    "",
                    found["target_difference"],
                    TARGET_TOLERANCE,
                )
            )
        memory = f"estimated {found['estimated_mb']:.0f} MB"
        if found["peak_mb"] is not None:
            memory = f"{found['peak_mb']:.0f} MB, {memory}"
        rows.append(Row(name, f"{label}: peak memory, {task['batch_size']} images", memory))
    return rows


def speeds(task: dict[str, Any], steps: int) -> list[Row]:
    """Returns the images per second of one config in each precision and with each setting."""
    gpu = task["device"] == "gpu"
    choices = [(level, "no setting") for level in (("O0", "O1", "O2") if gpu else ("O0",))]
    choices += [("O0", setting) for setting in SETTINGS if gpu and setting != "no setting"]
    rows = []
    for level, setting in choices:
        check = f"images/s, {task['batch_size']} a step, {level}, {setting}"
        timed = {**task, "amp": level, "settings": SETTINGS[setting], "steps": steps}
        try:
            rows.append(Row(task["config"], check, f"{outcome(timed)['images_per_second']:.1f}"))
        except RuntimeError as problem:
            rows.append(Row(task["config"], check, str(problem), failed=True))
    return rows


def two_processes(task: dict[str, Any]) -> Row:
    """Returns the losses of two processes against those of one process with the whole batch.

    On CPUs, where Paddle does not synchronise batch normalisations, their statistics are frozen.
    """
    task = {**task, "freeze": "nothing" if task["device"] == "gpu" else "statistics"}
    try:
        one, two = outcome(task), outcome({**task, "processes": 2})
    except RuntimeError as problem:
        return Row(task["config"], "two processes", str(problem), failed=True)
    return Row(
        task["config"],
        "two processes: losses of two steps",
        f"{two['losses'][0]:.6g}, {two['losses'][1]:.6g}",
        max(abs(b - a) / abs(a) for a, b in zip(one["losses"], two["losses"], strict=True)),
        PROCESSES_TOLERANCE,
    )


def outcome(task: dict[str, Any]) -> dict[str, Any]:
    """Returns the result of `run_task` in a process of its own.

    Raises:
        RuntimeError: If the process fails; with the end of what it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        launch: list[str] = []
        if task.get("processes", 1) > 1:
            where = ["--devices", "0,1"] if task["device"] == "gpu" else ["--nproc_per_node", "2"]
            launch = ["-m", "paddle.distributed.launch", *where, "--log_dir", f"{folder}/logs"]
        command = [sys.executable, *launch, __file__, "--task", json.dumps({**task, "to": folder})]
        done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
        result = Path(folder, "result.json")
        if done.returncode or not result.is_file():
            logs = [path.read_text(errors="replace") for path in Path(folder).glob("logs/worker*")]
            lines = "\n".join([done.stdout, done.stderr, *logs]).strip().splitlines()
            raise RuntimeError(f"exit status {done.returncode}: " + " ".join(lines[-3:])[-300:])
        values: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        if Path(folder, "maps.npz").is_file():
            with np.load(Path(folder, "maps.npz")) as maps:
                values["maps"] = dict(maps)
    return values


def run_task(task: dict[str, Any]) -> None:
    """Trains a config for two steps or times its steps, and writes the result into a folder.

    Args:
        task: "config" and "changes"; "device"; "amp"; "batch_size"; "to", the folder; and
            optionally "freeze", "accumulate", "settings" (fields of `train`) and "steps", the number
            of steps to time.
    """
    folder = Path(task["to"])
    set_device(task["device"])
    group = ProcessGroup.start(task["device"])
    changes = dict(change.split("=", 1) for change in task["changes"])
    config = overrides.override(registry.find(task["config"]), changes)
    set_device("cpu")  # whose random numbers both devices start from
    weights = {name: tensor.numpy() for name, tensor in build.model(config).state_dict().items()}
    set_device(task["device"])
    settings = task.get("settings", {})
    pinned = settings.get("pin_memory", False)
    gpu_flags.set_flags(
        settings.get("deterministic", False),
        settings.get("cudnn_search", False),
        settings.get("conv_workspace", 0),
    )
    batch = example(config, task["batch_size"], group)

    def trainer(name: str, **changes: Any) -> Trainer:
        return trainer_of(config, weights, {**task, **changes}, group, folder / name)

    if task.get("steps"):
        result = {"images_per_second": speed(trainer("speed"), batch, task["steps"], pinned)}
    else:
        result = two_steps(config, trainer, batch, group, folder)
    if group.is_main:
        (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


class Repeated:
    """A loader whose epochs repeat one batch.

    Args:
        batch: Arrays by name, those of the targets in a nested dict.
        steps: Number of batches in an epoch.
        pin_memory: Whether they are copied to the GPU from page-locked memory.
    """

    def __init__(self, batch: dict[str, Any], steps: int, pin_memory: bool = False) -> None:
        self._batch = batch
        self._steps = steps
        self._pin_memory = pin_memory

    def __len__(self) -> int:
        return self._steps

    def epoch(self, epoch: int, start: int = 0) -> Iterator[dict[str, Any]]:
        """Yields the batch as tensors, copied anew for each step."""
        for _ in range(start, self._steps):
            if self._pin_memory:
                pinned = gpu_flags.pinned(self._batch)
                yield gpu_flags.on_device(pinned)
            else:
                yield tensors(self._batch)


def two_steps(
    config: Config,
    make_trainer: Callable[..., Trainer],
    batch: dict[str, Any],
    group: ProcessGroup,
    folder: Path,
) -> dict[str, Any]:
    """Returns what two steps give, and saves the maps before them in maps.npz.

    Args:
        config: Config of the network.
        make_trainer: Function that returns a trainer with the first weights for a run's name, and
            changes of the task.
        batch: Arrays of the batch that both steps train on.
        group: Processes that train together.
        folder: Folder of the runs.
    """
    gpu = paddle.get_device().startswith("gpu")
    estimate = estimate_memory(build.model(config), config.codec.input_size, ema=True)
    straight = make_trainer("straight")
    maps = PaddleBackend(straight.model, straight.precision.run)(batch["image"])
    if group.is_main:
        np.savez(folder / "maps.npz", **maps)
    if gpu:
        paddle.device.cuda.reset_max_memory_allocated()
    fit(straight, batch, epochs=2)
    peak = paddle.device.cuda.max_memory_allocated() / 1e6 if gpu else None
    losses = losses_of(folder / "straight") if group.is_main else []
    result = {
        "losses": losses,
        "estimated_mb": estimate.total(len(batch["image"])) / 1e6,
        "peak_mb": peak,
        "target_difference": target_difference(config, batch),
    }
    if group.size == 1:
        fit(make_trainer("cut"), batch, epochs=1)
        resumed = make_trainer("cut")
        resumed.resume(folder / "cut" / "last")
        fit(resumed, batch, epochs=2)
        result["resumed_loss"] = losses_of(folder / "cut")[1]
        # Each part has statistics of its own; without them the parts give the step of the whole.
        for name, parts in (("whole", 1), ("parts", 2)):
            fit(make_trainer(name, accumulate=parts, freeze="statistics"), batch, epochs=2)
        result["accumulated"] = [losses_of(folder / name)[1] for name in ("whole", "parts")]
    return result


def fit(trainer: Trainer, batch: dict[str, Any], epochs: int) -> None:
    """Trains one step per epoch on a batch, and evaluates the network after each.

    Raises:
        FloatingPointError: If a map is not finite.
    """
    backend = PaddleBackend(trainer.model, trainer.precision.run)

    def validate(epoch: int) -> dict[str, float]:
        for name, maps in backend(batch["image"]).items():
            if not np.isfinite(maps).all():
                raise FloatingPointError(f"{name} of the evaluation after step {epoch + 1}")
        return {"score": float(epoch)}

    trainer.fit(Repeated(batch, 1), epochs=epochs, validate=validate, monitor="score")
    trainer.log.close()


def losses_of(run: Path) -> list[float]:
    """Returns the losses of a run's steps."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [record["loss"] for record in map(json.loads, lines) if record["kind"] == "train"]


def speed(trainer: Trainer, batch: dict[str, Any], steps: int, pin_memory: bool) -> float:
    """Returns images per second, including the copies to the device, after three other steps."""
    times: list[float] = []
    trainer.fit(
        Repeated(batch, steps + 3, pin_memory),
        epochs=1,
        on_step=lambda step: times.append(time.perf_counter()),
    )
    trainer.log.close()
    return steps * len(batch["image"]) / (times[-1] - times[2])


def target_difference(config: Config, batch: dict[str, Any]) -> float | None:
    """Returns how far targets drawn on the device are from the batch's; None if they are not."""
    if config.codec.device_targets is None:
        return None
    draw = kinds.load(config.codec.device_targets)(config.codec)
    drawn = draw(*(paddle.to_tensor(batch["people"][name]) for name in PEOPLE))
    return max(
        float(np.abs(drawn[name].numpy() - values).max())
        for name, values in batch["targets"].items()
    )


def trainer_of(
    config: Config,
    weights: dict[str, np.ndarray],
    task: dict[str, Any],
    group: ProcessGroup,
    folder: Path,
) -> Trainer:
    """Returns a trainer of a network with given weights, with a small constant learning rate."""
    freeze = task.get("freeze", "nothing")
    network = group.sync_batch_norm(build.model(config), freeze)
    network.set_state_dict({name: paddle.to_tensor(value) for name, value in weights.items()})
    if freeze == "statistics":
        freeze_statistics(network)
    optimizer = kinds.load(config.train.optimizer.target)(
        network, grad_clip=None, **config.train.optimizer.arguments()
    )
    return Trainer(
        network,
        build.loss(config),
        optimizer,
        lambda step: RATE,
        run_dir=folder,
        log_every=1,
        visualdl=False,
        ema=0.9,
        precision=Precision(task["amp"]),
        accumulate=task.get("accumulate", 1),
        process_group=group,
    )


def example(config: Config, batch_size: int, group: ProcessGroup) -> dict[str, Any]:
    """Returns a process's share of a batch: images of noise with one person each, as arrays.

    The images differ, the people do not: losses that divide by the number of labelled cells then
    divide by the same number in each process and part.
    """
    rng = np.random.default_rng(0)
    width, height = config.codec.input_size
    joints = config.codec.skeleton.num_joints
    images = rng.integers(0, 256, (batch_size, height, width, 3), dtype=np.uint8)
    keypoints = rng.uniform(0, (width, height), (1, 1, joints, 2))
    person = {
        "keypoints": keypoints,
        "visible": rng.integers(0, 2, (1, 1, joints)),
        "boxes": np.concatenate([keypoints.min(axis=2), np.ptp(keypoints, axis=2)], axis=-1),
    }
    own = slice(group.rank, None, group.size)
    people = {name: values.repeat(len(images[own]), axis=0) for name, values in person.items()}
    targets = config.codec.encode_batch(*(people[name] for name in PEOPLE))
    return {"image": images[own], "targets": targets, "people": people}


def tensors(values: Any) -> Any:
    """Returns an array, or all arrays of a nested dict, as tensors."""
    if isinstance(values, dict):
        return {name: tensors(part) for name, part in values.items()}
    return paddle.to_tensor(values)


if __name__ == "__main__":
    sys.exit(main())

"""`python train.py`: trains a config, evaluates on schedule, keeps the best and the last weights."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_pose.commands import options

if TYPE_CHECKING:
    from paddle_pose.configs.fields import Config
    from paddle_pose.structures import Sample

OUTPUT = Path("output")
DRAWN = {"mpii": "drawn_people", "coco": "drawn_people_coco"}  # folder by layout
NUM_TRAIN, NUM_VAL = 4000, 300  # people drawn where nobody gave data, as in the demo


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Trains a network. Without --dataset_root it trains on drawn people and says so.",
        epilog="The original project's commands work as they are: "
        "python train.py --dataset_root D --image_size 256|384",
    )
    parser.add_argument(
        "--dataset_root",
        metavar="D",
        help="folder in MPII's or COCO's layout, as the config says; without it people are drawn",
    )
    options.add_config(parser)
    group = parser.add_argument_group("recipe (each changes one value of the config)")
    group.add_argument("--batch_size", type=int, metavar="N", help="images per step")
    group.add_argument("--epochs", type=int, metavar="N", help="passes over the data, in all")
    group.add_argument("--learning_rate", type=float, metavar="R", help="of Adam, after the warm-up")
    group.add_argument("--num_workers", type=int, metavar="N", help="loading processes; 0: none")
    group.add_argument(
        "--cache", metavar="DIR", help="keep crops of the training pictures here; later epochs load faster"
    )
    group.add_argument("--seed", type=int, metavar="N", help="of everything random")
    group.add_argument(
        "--init",
        metavar="FILE",
        help="weights to start from, such as an ImageNet trunk or another data set's network: takes what fits and "
        "lists what does not",
    )
    group.add_argument("--freeze", choices=("nothing", "trunk"), help="trunk: train the network's head alone")
    options.add_device(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of the run; default output/<config>, with -2, -3 … when that is taken",
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="DIR",
        help="continue a run: its folder, or nothing for the newest run of this config",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If a file or a flag does not fit.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.environment import check_paddle

    check_paddle()
    from paddle_pose.configs import schema

    changes: dict[str, Any] = dict(options.overrides(arguments))
    for name in ("batch_size", "epochs", "learning_rate", "num_workers", "seed", "init", "freeze"):
        if getattr(arguments, name) is not None:
            changes[f"train.{name}"] = getattr(arguments, name)
    if arguments.cache is not None:
        changes["data.cache"] = arguments.cache
    beside, source = None, None
    if arguments.resume is not None:
        if arguments.init is not None:
            raise ValueError(f"--init {arguments.init} with --resume: a resumed run has its weights; leave one out")
        source = _run_to_resume(arguments)
        beside = schema.read_beside(source / "model.pdparams")
    if beside is None and arguments.config is None and arguments.image_size is None:
        arguments.config = "hourglass52_mpii_256" if arguments.dataset_root else "hourglass_tiny_128"
    config = schema.resolve(beside, arguments.config, arguments.image_size, changes)
    run_dir = source.parent if source else _new_run(arguments.output, config.name)
    run(
        config,
        dataset_root=arguments.dataset_root,
        run_dir=run_dir,
        device=arguments.device,
        resume=source,
    )
    if arguments.image_size is not None and run_dir.parent == OUTPUT:
        _leave_where_the_original_looks(run_dir, arguments.image_size, arguments.dataset_root)
    return 0


def run(
    config: Config,
    *,
    dataset_root: str | Path | None,
    run_dir: Path,
    device: str = "auto",
    resume: Path | None = None,
) -> dict[str, float]:
    """Trains a config.

    Args:
        config: the recipe.
        dataset_root: the data; None draws people.
        run_dir: of the run.
        device: "auto", "cpu" or "gpu".
        resume: a checkpoint folder to continue from.

    Returns:
        The best evaluation's numbers.

    Raises:
        FileNotFoundError: If data are missing.
        ValueError: If data or config do not fit.
    """
    from paddle_pose import build
    from paddle_pose.backends.paddle import PaddleBackend, set_device
    from paddle_pose.configs import schema
    from paddle_pose.inference.evaluate import evaluate
    from paddle_pose.inference.flip_average import FlipAverage
    from paddle_pose.metrics.base import eval_line
    from paddle_pose.training.start import prepare

    where = set_device(device)
    if dataset_root is None:
        folder = OUTPUT / DRAWN[config.data.dataset]
        print(
            f"No --dataset_root: training on {NUM_TRAIN} drawn people in {folder}. These are not photographs; "
            f"for {config.data.dataset.upper()} give --dataset_root D (the README says how to prepare it).",
            flush=True,
        )
        dataset_root = draw_data(config, folder)
    print(f"Config {config.name} on {where}, run in {run_dir}")
    training = build.samples(config, dataset_root, config.data.train_split)
    validation = build.samples(config, dataset_root, config.data.val_split)
    network = build.model(config)
    start = prepare(network, config.train.init, config.train.freeze == "trunk", resumed=resume is not None)
    loader = build.loader(config, training)
    text = schema.to_json(config)
    trainer = build.trainer(config, network, run_dir, len(loader), text)
    (run_dir / "config.json").write_text(text, encoding="utf-8")
    for line in start:
        trainer.log.say(line)
    if resume is not None:
        trainer.resume(resume)
    backend: Any = PaddleBackend(network)
    if config.val.flip:
        backend = FlipAverage(backend, config.codec, config.val.shift)
    metric = build.metric(config, dataset_root)

    def validate(epoch: int) -> dict[str, float]:
        values = evaluate(backend, config.codec, build.batches(config, validation), metric)
        trainer.log.say(eval_line(values, metric.headline, prefix=f"epoch={epoch}:"))
        picture = sample_picture(config, backend, validation[:8])
        trainer.log.picture("validation", trainer.progress.step, picture)
        return values

    progress = trainer.fit(
        loader,
        epochs=config.train.epochs,
        validate=validate,
        monitor=metric.monitor,
        eval_every=config.train.eval_every,
    )
    best = progress.best
    trainer.log.say(
        f"Done: {progress.epoch} epochs, {progress.step} steps. Best weights (epoch {best.get('epoch', -1):.0f}, "
        f"chosen on the validation set by {metric.monitor}): {run_dir / 'best_model' / 'model.pdparams'}; "
        f"last: {run_dir / 'last' / 'model.pdparams'}"
    )
    _report_both(trainer.log.say, run_dir, best, metric.headline)
    trainer.log.close()
    return best


def draw_data(config: Config, folder: Path, num_train: int = NUM_TRAIN, num_val: int = NUM_VAL, seed: int = 0) -> Path:
    """Draws people in the layout of a config's data set, once: the same arguments find them there.

    Raises:
        ValueError: If the folder holds anything else.
    """
    from paddle_pose.datasets.stick_figures import write_coco, write_mpii

    write = {"mpii": write_mpii, "coco": write_coco}[config.data.dataset]
    return write(folder, num_train=num_train, num_val=num_val, seed=seed, size=(160, 160))


def sample_picture(config: Config, backend: Any, samples: Sequence[Sample]) -> Any:
    """Returns a picture of what a backend finds in a few samples' windows."""
    from paddle_pose import build, visualize

    tiles = []
    for images, _ in build.batches(config, samples):
        for image, poses in zip(images, config.codec.decode(backend(images)), strict=True):
            tiles.append(visualize.draw_poses(image, poses, config.codec.skeleton))
    return visualize.grid(tiles, columns=4)


def _report_both(say: Callable[[str], None], run_dir: Path, best: dict[str, float], headline: Sequence[str]) -> None:
    """Prints the best and the last evaluation beside each other."""
    from paddle_pose.metrics.base import eval_line

    lines = (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    evaluations = [record for record in map(json.loads, lines) if record["kind"] == "eval"]
    if evaluations:
        say("best " + eval_line(best, headline, prefix=f"epoch={best['epoch']}:"))
        last = evaluations[-1]
        say("last " + eval_line(last, headline, prefix=f"epoch={last['epoch']}:"))


def _new_run(output: Path | None, name: str) -> Path:
    """Returns a folder that no run has used.

    Raises:
        ValueError: If the folder that `--output` names holds a run.
    """
    if output is not None:
        if (output / "config.json").exists():
            raise ValueError(
                f"--output {output} holds a run already; continue it with --resume {output}, or name another folder"
            )
        return output
    candidate, number = OUTPUT / name, 1
    while (candidate / "config.json").exists():
        number += 1
        candidate = OUTPUT / f"{name}-{number}"
    return candidate


def _run_to_resume(arguments: argparse.Namespace) -> Path:
    """Returns the checkpoint folder that `--resume` means.

    Raises:
        FileNotFoundError: If there is none.
    """
    from paddle_pose.training import checkpoint

    if arguments.resume:
        folders = [Path(arguments.resume)]
    elif arguments.output:
        folders = [arguments.output]
    else:
        size = arguments.image_size
        name = arguments.config or (f"hourglass52_mpii_{size}" if size else "*")
        states = [*OUTPUT.glob(f"{name}/last*/state.json"), *OUTPUT.glob(f"{name}-*/last*/state.json")]
        folders = [path.parent.parent for path in sorted(states, key=lambda p: -p.stat().st_mtime)]
    for folder in folders:
        found = checkpoint.find(folder / "last") or checkpoint.find(folder)
        if found:
            return found
    places = ", ".join(map(str, folders)) or str(OUTPUT)
    raise FileNotFoundError(f"--resume: no checkpoint in {places}; start without --resume")


def _leave_where_the_original_looks(run_dir: Path, size: int, root: str | None) -> None:
    """Copies the best weights to where the original's own validation command looks for them."""
    best, place = run_dir / "best_model", OUTPUT / f"{size}_best_model"
    if not best.is_dir():
        return
    place.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.pdparams"):
        shutil.copyfile(best / name, place / (name + ".part"))
        (place / (name + ".part")).replace(place / name)
    (place / "from_run.txt").write_text(f"{run_dir}\n", encoding="utf-8")
    print(
        f"Also at {place / 'model.pdparams'}. Evaluate it with\n"
        f"  python val.py --image_size {size} --pretrained_model {place / 'model.pdparams'} "
        f"--dataset_root {root or OUTPUT / 'drawn_people'}"
    )

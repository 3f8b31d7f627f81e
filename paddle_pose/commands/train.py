"""`python train.py`: trains a config, evaluates on schedule, keeps the best and the last weights."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paddle_pose.commands import options, run_folders
from paddle_pose.commands.run_folders import OUTPUT
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.configs.specs import Config
    from paddle_pose.structures import Sample
    from paddle_pose.training.process_group import ProcessGroup

SYNTHETIC = {"mpii": "synthetic_people", "coco": "synthetic_people_coco"}  # folder by layout
NUM_TRAIN, NUM_VAL = 4000, 300  # people drawn where nobody gave data, as in the demo


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Trains a network. Without --dataset_root it trains on synthetic people and says so.",
        epilog="The original project's commands work as they are: "
        "python train.py --dataset_root D --image_size 256|384",
    )
    options.add_data(parser, "folder in MPII's or COCO's layout, as the config says; without any data people are drawn")
    options.add_config(parser)
    group = parser.add_argument_group("recipe (each changes one value of the config)")
    group.add_argument("--batch_size", type=int, metavar="N", help="images per step")
    group.add_argument("--epochs", type=int, metavar="N", help="passes over the data, in all")
    group.add_argument("--learning_rate", type=float, metavar="R", help="of Adam, after the warm-up")
    group.add_argument("--num_workers", type=int, metavar="N", help="loading threads; 0: none")
    group.add_argument(
        "--cache", metavar="DIR", help="keep crops of the training images here; later epochs load faster"
    )
    group.add_argument("--seed", type=int, metavar="N", help="of everything random")
    group.add_argument(
        "--amp", choices=("O0", "O1", "O2"), help="level of Paddle's mixed precision, for GPUs; unmeasured"
    )
    group.add_argument(
        "--init",
        metavar="FILE",
        help="weights to start from, such as an ImageNet backbone or another data set's network: takes what fits and "
        "lists what does not",
    )
    group.add_argument(
        "--freeze",
        choices=("nothing", "backbone", "statistics"),
        help="backbone: train the head alone; statistics: hold those of the batch normalisations",
    )
    options.add_device(parser)
    run_folders.add_flags(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        Interrupted: If it was ended early; as a SystemExit it holds the exit status.
        InputError: If a file or a flag does not fit.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.environment import check_paddle

    check_paddle()
    from paddle_pose.configs import registry
    from paddle_pose.interruption import Interrupted
    from paddle_pose.training.process_group import ProcessGroup

    changes: dict[str, Any] = options.overrides(arguments) | options.data_changes(arguments)
    for name in ("batch_size", "epochs", "learning_rate", "num_workers", "seed", "amp", "init", "freeze", "keep"):
        if getattr(arguments, name) is not None:
            changes[f"train.{name}"] = getattr(arguments, name)
    if arguments.cache is not None:
        changes["data.cache"] = arguments.cache
    beside, source, run_dir, own = None, None, None, arguments.train_annotations
    process_group = ProcessGroup.start(arguments.device)
    if arguments.resume is not None:
        if arguments.init is not None:
            raise InputError(f"--init {arguments.init} with --resume: a resumed run has its weights; leave one out")
        run_dir, source = process_group.on_main(lambda: run_folders.to_resume(arguments))
        beside = registry.read_beside((source or run_dir) / "model.pdparams")
    if beside is None and arguments.config is None and arguments.image_size is None:
        arguments.config = "hourglass52_mpii_256" if arguments.dataset_root or own else "hourglass_tiny_128"
    if own and beside is None and "codec.skeleton" not in changes:
        from paddle_pose.data.skeleton_file import read_skeleton

        changes["codec.skeleton"] = read_skeleton(None, own)
    config = registry.resolve(beside, arguments.config, arguments.image_size, changes)
    run_dir = run_dir or process_group.on_main(lambda: run_folders.new(arguments.output, config.name))

    def leave() -> None:
        if arguments.image_size is not None and run_dir.parent == OUTPUT and process_group.is_main:
            root = arguments.dataset_root or OUTPUT / SYNTHETIC[config.data.dataset]
            run_folders.copy_to_txyugood_path(run_dir, arguments.image_size, root)

    try:
        run(
            config,
            dataset_root=arguments.dataset_root,
            run_dir=run_dir,
            device=arguments.device,
            resume=source,
            force=arguments.force,
            max_hours=arguments.max_hours,
            process_group=process_group,
        )
    except Interrupted:
        leave()  # the best so far, for those who evaluate between two sittings
        raise
    leave()
    return 0


def run(
    config: Config,
    *,
    dataset_root: str | Path | None,
    run_dir: Path,
    device: str = "auto",
    resume: Path | None = None,
    force: bool = False,
    max_hours: float | None = None,
    process_group: ProcessGroup | None = None,
) -> dict[str, Any]:
    """Trains a config.

    Args:
        config: the recipe.
        dataset_root: the data; None takes the config's annotation files, and draws people where it has none.
        run_dir: of the run.
        device: "auto", "cpu" or "gpu".
        resume: a checkpoint folder to continue from; None starts, and forgets what an earlier start left in `run_dir`.
        force: resume although the config or the data differ.
        max_hours: after which the run is saved and ends.
        process_group: the processes that train together; None asks `paddle.distributed.launch`.

    Returns:
        The best evaluation's numbers.

    Raises:
        FileNotFoundError: If data are missing.
        Interrupted: If it was ended early; as a SystemExit it holds the exit status.
        InputError: If data or config do not fit.
    """
    from paddle_pose import build
    from paddle_pose.backends.paddle import PaddleBackend, set_device
    from paddle_pose.configs import registry
    from paddle_pose.evaluation.evaluate import evaluate
    from paddle_pose.inference.flip_test import FlipAverage
    from paddle_pose.metrics.base import eval_line
    from paddle_pose.training.initialize import prepare
    from paddle_pose.training.process_group import ProcessGroup

    where, process_group = set_device(device), process_group or ProcessGroup.start(device)
    if dataset_root is None and config.data.train_annotations is None and config.data.val_annotations is None:
        if config.data.dataset not in SYNTHETIC:
            raise InputError(
                f"--dataset_root D is missing: config {config.name} learns from {config.data.dataset}, which are not drawn; "
                "scripts/prepare_coco.py makes such a folder"
            )
        folder = OUTPUT / SYNTHETIC[config.data.dataset]
        print(
            f"No --dataset_root: training on {NUM_TRAIN} synthetic people in {folder}. These are not photographs; "
            f"for {config.data.dataset.upper()} give --dataset_root D (the README says how to prepare it).",
            flush=True,
        )
        dataset_root = process_group.on_main(lambda: write_synthetic_data(config, folder))
    print(f"Config {config.name} on {where}, run in {run_dir}")
    training = build.samples(config, dataset_root, config.data.train_split)
    validation = build.samples(config, dataset_root, config.data.val_split)
    network = process_group.synchronised(build.model(config))
    loader = build.loader(config, training, process_group)
    start = prepare(
        *(network, config.train.init, config.train.freeze, resume is not None),
        images=lambda: next(iter(loader.epoch(0)))["image"],
    )
    trainer = build.trainer(config, network, run_dir, loader, max_hours, process_group)
    with closing(trainer.log):
        if resume is not None:
            trainer.resume(resume, force)
        else:
            trainer.log.cut({})
        for line in start:
            trainer.log.say(line)
        if process_group.is_main:
            run_folders.write(run_dir / "config.json", registry.to_json(config))
        backend: Any = PaddleBackend(network)
        if config.val.flip:
            backend = FlipAverage(backend, config.codec, config.val.shift)
        metric = build.metric(config, dataset_root)

        def validate(epoch: int) -> dict[str, float]:
            looked_at = build.batches(config, validation, process_group.shard)
            values = evaluate(
                backend,
                config.codec,
                looked_at,
                metric,
                lambda done: trainer.interruption.check_alone(),
                process_group.gather,
            )
            trainer.log.say(eval_line(values, metric.summary, prefix=f"epoch={epoch}:"))
            if process_group.is_main:
                for name, image in sample_images(config, backend, validation[:8]).items():
                    trainer.log.image(name, trainer.progress.step, image)
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
        _report_both(trainer.log.say, run_dir, best, metric.summary)
    return best


def write_synthetic_data(
    config: Config, folder: Path, num_train: int = NUM_TRAIN, num_val: int = NUM_VAL, seed: int = 0
) -> Path:
    """Draws people in the layout of a config's data set, once: the same arguments find them there.

    Raises:
        InputError: If the folder holds anything else.
    """
    from paddle_pose.data.synthetic.dataset import write_coco, write_mpii

    write = {"mpii": write_mpii, "coco": write_coco}[config.data.dataset]
    return write(folder, num_train=num_train, num_val=num_val, seed=seed, size=(160, 160))


def sample_images(config: Config, backend: Any, samples: Sequence[Sample]) -> dict[str, Any]:
    """Returns images of what a backend finds in a few samples' windows, and of its maps for the first of them."""
    from paddle_pose import build, visualize

    tiles, maps = [], None
    for images, _ in build.batches(config, samples):
        found = backend(images)
        if maps is None:
            maps = visualize.draw_maps(
                images[0], config.codec.shown({name: values[0] for name, values in found.items()})
            )
        for image, poses in zip(images, config.codec.decode(found), strict=True):
            tiles.append(visualize.draw_poses(image, poses, config.codec.skeleton))
    return {"validation": visualize.grid(tiles, columns=4), "maps": maps}


def _report_both(say: Callable[[str], None], run_dir: Path, best: dict[str, float], summary: Sequence[str]) -> None:
    """Prints the best and the last evaluation beside each other."""
    from paddle_pose.metrics.base import eval_line

    lines = (run_dir / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    evaluations = [record for record in map(json.loads, lines) if record["kind"] == "eval"]
    if evaluations:
        say("best " + eval_line(best, summary, prefix=f"epoch={best['epoch']}:"))
        # JSON has no NaN: a number that nobody in the validation set defines is null there.
        last = {name: float("nan") if value is None else value for name, value in evaluations[-1].items()}
        say("last " + eval_line(last, summary, prefix=f"epoch={last['epoch']}:"))

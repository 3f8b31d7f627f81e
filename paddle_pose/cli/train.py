"""`paddle-pose train`, `python train.py`: trains a network, or resumes a run."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.errors import InputError
from paddle_pose.interruption import SignalInterruption
from paddle_pose.progress import no_progress

_FLAGS = {  # by the config's key that each changes
    "train.batch_size": "batch_size",
    "train.epochs": "epochs",
    "train.learning_rate": "learning_rate",
    "train.num_workers": "num_workers",
    "train.seed": "seed",
    "train.amp": "amp",
    "train.deterministic": "deterministic",
    "train.init": "init",
    "train.freeze": "freeze",
    "train.keep": "keep",
    "data.cache": "crop_cache",
}
_EPILOG = """examples:
  {train}
      trains a small network on synthetic people, to try it out
  {train} --dataset_root D --image_size 256
      trains Hourglass-52 on MPII in folder D, as txyugood's project does; 384 is its other size
  {train} --dataset_root D --resume output/hourglass52_mpii_256
      continues a run from its newest checkpoint
  {train} --dataset_root D --image_size 384 --resume auto --max_hours 7.5
      trains in daily sittings: the same command starts the run and continues it"""


def build_parser() -> options.Parser:
    """Returns the parser of the command `train`."""
    parser = options.Parser(
        "train",
        description="Trains a network, evaluates it on schedule, and keeps the best and the last\n"
        "weights. "
        "Without --dataset_root it trains on synthetic people and says so.",
        epilog=_EPILOG.format(train=environment.command("train")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_data(
        parser,
        "folder in MPII's or COCO's layout, as the config says "
        "(default: synthetic people, where no annotation files are given either)",
    )
    options.add_config(parser)
    _add_recipe(parser)
    options.add_device(parser)
    _add_run(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command `train` and returns its exit status, 0.

    Args:
        argv: Arguments of the command; None takes those of this process.

    Raises:
        FileNotFoundError: If the data, the weights to start from or the run to resume are missing.
        Interrupted: If the run was ended early; a checkpoint is saved.
        InputError: If a flag is invalid, or data, config and folder do not fit together.
        MissingDependencyError: If Paddle is missing.
    """
    arguments = build_parser().parse_args(argv)
    if arguments.resume not in (None, "auto") and arguments.init is not None:
        raise InputError(
            f"--init {arguments.init} with --resume: a resumed run has its weights; leave one out"
        )
    changes = options.overrides_of(arguments, _FLAGS)
    interruption = SignalInterruption(arguments.max_hours)
    environment.require_paddle()
    from paddle_pose.engine.train import train

    train(
        arguments.config,
        data=arguments.dataset_root,
        output=arguments.output,
        preset=arguments.preset,
        overrides=changes,
        resume=True if arguments.resume == "" else arguments.resume,
        device=arguments.device,
        image_size=arguments.image_size,
        force=arguments.force,
        interruption=interruption,
        progress=no_progress,
    )
    return 0


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that each change one value of the config."""
    group = parser.add_argument_group(
        "recipe", "--preset changes several values of the config, each of the others one."
    )
    group.add_argument(
        "--preset",
        metavar="NAME",
        help="finetune: train joints of your own in 600 steps, starting from published "
        "weights of the config's network (default: the recipe as its authors ran it)",
    )
    group.add_argument(
        "--batch_size",
        type=int,
        metavar="N",
        help="images per forward pass and GPU (default: what the recipe's total batch, the GPUs and "
        "their memory ask for)",
    )
    group.add_argument(
        "--epochs", type=int, metavar="N", help="passes over the training data, in all"
    )
    group.add_argument(
        "--learning_rate", type=float, metavar="R", help="learning rate after the warm-up"
    )
    group.add_argument("--num_workers", type=int, metavar="N", help="loading threads; 0 for none")
    group.add_argument(
        "--crop_cache",
        metavar="DIR",
        help="keep crops of the training images in this folder, so that later epochs load faster "
        "(default: keep none)",
    )
    group.add_argument("--seed", type=int, metavar="N", help="seed of everything random")
    group.add_argument(
        "--amp",
        choices=("O0", "O1", "O2"),
        help="level of Paddle's mixed precision, for GPUs; unmeasured (default: O0)",
    )
    group.add_argument(
        "--deterministic",
        action="store_const",
        const=True,
        help="use algorithms on a GPU that give the same bits in each run; a CPU always does",
    )
    group.add_argument(
        "--init",
        metavar="FILE|NAME",
        help="weights to start from, such as another data set's network: a file, or a published one "
        "by its name; takes what fits and lists what does not; none: random weights (default: the "
        "recipe's ImageNet backbone, if it has one; random on synthetic people)",
    )
    group.add_argument(
        "--freeze",
        choices=("nothing", "backbone", "statistics"),
        help="backbone: train the head alone; statistics: keep those of batch normalisation "
        "(default: nothing)",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    """Adds --output, --resume, --force, --keep and --max_hours."""
    group = parser.add_argument_group(
        "the run",
        "Ctrl-C and SIGTERM finish the step, save and end with status 130 and 143,\n"
        "--max_hours with 124; --resume goes on.",
    )
    group.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of the run (default: output/<config>, with -2, -3 … when that is taken)",
    )
    group.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="DIR",
        help="continue a run from its newest whole checkpoint: the run's folder, a checkpoint's, "
        "or nothing for the newest run of this config; auto: continue that run where there is "
        "one, else start it (default: start a new run)",
    )
    group.add_argument(
        "--force",
        action="store_true",
        help="resume although the config or the data differ (default: no)",
    )
    group.add_argument(
        "--keep",
        type=int,
        metavar="N",
        help="checkpoints to keep besides the best weights (default: the config's, usually 2)",
    )
    group.add_argument(
        "--max_hours",
        type=options.number(float, min=0, max=1_000_000, exclusive_min=True),
        metavar="H",
        help="save and end after so long (default: no limit)",
    )

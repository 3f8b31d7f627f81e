"""`make demo`, `paddle-pose demo`: trains a small network, and shows what it learned."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose import environment
from paddle_pose.cli import options
from paddle_pose.interruption import SignalInterruption

if TYPE_CHECKING:
    from paddle_pose.engine.demo import DemoResult

# Measured: on cores that do anything else too, two threads take four times as long as one to
# train so small a network.
THREADS = 1
_EPILOG = """examples:
  {demo}
      trains for some minutes on one core
  {demo} --num_train 400 --num_val 40 --epochs 2 --output output/short_demo
      shows the way in less than a minute; the network has not learned much by then
  {demo} --seed 1 --output output/other_demo
      trains on other people"""


def build_parser() -> options.Parser:
    """Returns the parser of the command."""
    parser = options.Parser(
        "demo",
        description="Draws synthetic people, trains a small network on them with the code of the\n"
        "train command, and writes images of what it finds in drawings that it has not seen.\n"
        "`make demo` runs it as it is.",
        epilog=_EPILOG.format(demo=environment.command("demo")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="passes over the drawings (default: the config's number)",
    )
    parser.add_argument(
        "--num_train",
        type=options.number(int, min=1, max=1_000_000),
        default=4000,
        metavar="N",
        help="drawings to train on (default: %(default)s)",
    )
    parser.add_argument(
        "--num_val",
        type=options.number(int, min=1, max=1_000_000),
        default=300,
        metavar="N",
        help="drawings to test with (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the drawings and of the training (default: %(default)s)",
    )
    options.add_device(parser)
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("output", "demo"),
        metavar="DIR",
        help="folder of everything that is written (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status.

    Raises:
        InputError: If the output folder holds drawings made with other numbers, or a run that is
            not the demo's.
        Interrupted: If the training was ended early.
        MissingDependencyError: If Paddle is missing.
    """
    arguments = build_parser().parse_args(argv)
    environment.require_paddle()
    from paddle_pose.engine.demo import run_demo

    result = run_demo(
        epochs=arguments.epochs,
        num_train=arguments.num_train,
        num_val=arguments.num_val,
        seed=arguments.seed,
        device=arguments.device,
        output=arguments.output,
        interruption=SignalInterruption(),
    )
    _print(result, arguments.num_val)
    return 0


def _print(result: DemoResult, num_val: int) -> None:
    """Prints the scores, the images, and what to try next."""
    print(f"\nPCKh in percent on {num_val} drawings that were not trained on:")
    print(f"  {'':<26}{'Mean':>7}{'Mean@0.1':>11}")
    for name, values in result.scores.items():
        print(f"  {name:<26}{values['Mean']:>7.1f}{values['Mean@0.1']:>11.1f}")
    print(
        f"Time: {_minutes(result.seconds)}, of which training {_minutes(result.training_seconds)}."
    )
    print("\nLook at:")
    for path, what in result.images.items():
        print(f"  {path}: {what}")
    print(
        "\nNext:\n"
        f"  {_typed('predict')} {result.data / 'images' / '100000001.jpg'} --detector none "
        f"--weights {result.weights}\n"
        "      finds the person in a drawing like these; this network has never seen a photograph\n"
        f"  {_typed('val')} --weights {result.weights} --dataset_root {result.data}\n"
        "      evaluates joint by joint\n"
        f"  {_typed('train')} --dataset_root D\n"
        "      trains Hourglass-52 on MPII; the README says how to prepare D"
    )


def _typed(name: str) -> str:
    """Returns how a command is typed with this Python: as a script where there is one."""
    script = f"{name}.py"
    called = script if Path(script).is_file() else f"-m paddle_pose {name}"
    return f"{environment.python_name()} {called}"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"

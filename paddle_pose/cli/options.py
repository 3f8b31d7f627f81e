"""Flags that several commands share."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from paddle_pose import environment
from paddle_pose.errors import InputError, did_you_mean
from paddle_pose.ranges import Range

if TYPE_CHECKING:
    from paddle_pose.configs.specs import Config
    from paddle_pose.skeletons import Skeleton

Number = TypeVar("Number", int, float)


class Parser(argparse.ArgumentParser):
    """An argument parser that names the command as it was called, and the valid flag nearest to an unknown one.

    Args:
        command: Name of the command, None for none.
        usage: Usage; None for that which argparse makes.
        description: Text before the flags.
        epilog: Text after the flags.
        formatter_class: How argparse lays out the texts.
    """

    def __init__(
        self,
        command: str | None = None,
        *,
        usage: str | None = None,
        description: str | None = None,
        epilog: str | None = None,
        formatter_class: type[argparse.HelpFormatter] = argparse.HelpFormatter,
    ) -> None:
        super().__init__(
            prog=None if command is None else environment.command(command),
            usage=usage,
            description=description,
            epilog=epilog,
            formatter_class=formatter_class,
        )

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """Parses arguments; an unknown flag is the first error, before any that follows from it."""
        environment.use_flag_names()
        words = list(sys.argv[1:] if args is None else args)
        if all(action.nargs != argparse.REMAINDER for action in self._actions):
            for word in words:
                flag = word.split("=")[0]
                if word == "--":
                    break
                if flag.startswith("--") and not any(
                    known.startswith(flag) for known in self._option_string_actions
                ):
                    self.error(
                        f"unrecognized arguments: {flag}.{did_you_mean(flag, self._option_string_actions)}"
                    )
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Shows the usage and the message with the valid choice nearest to a wrong one, and exits with 2."""
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if wrong:
            message += did_you_mean(wrong[1], re.findall(r"\w+", wrong[2]))
        super().error(message)

    def warn_of_unused(
        self, arguments: argparse.Namespace, names: Collection[str], where: str
    ) -> None:
        """Names the given flags that have no effect, in one warning line on stderr.

        Args:
            arguments: Parsed by this parser.
            names: Names of flags in `arguments`; those that were not given are left out.
            where: When they have none, such as "with --results".
        """
        given = [
            next(flag for flag in action.option_strings if flag.startswith("--"))
            for action in self._actions
            if action.dest in names and getattr(arguments, action.dest) != action.default
        ]
        if given:
            sys.stderr.write(f"warning: no effect {where}: {', '.join(given)}\n")


def number(
    kind: type[Number], *, min: float, max: float, exclusive_min: bool = False
) -> Callable[[str], Number]:
    """Returns the `type` of a numeric flag, which refuses what lies outside its range, as argparse refuses words.

    A flag that changes a field of a config has the plain type: the field states the range.

    Args:
        kind: of the number.
        min: the least.
        max: the greatest.
        exclusive_min: leave `min` itself out.

    Example:
        >>> number(int, min=1, max=8)("3")
        3
    """
    allowed = Range(min, max, exclusive_min)

    def read(text: str) -> Number:
        value: Number | None
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or value not in allowed:
            raise argparse.ArgumentTypeError(f"got {text!r}, expected {allowed.words(kind)}")
        return value

    return read


POSE_FORMATS = (
    *("simcc", "simcc-transposed", "heatmaps", "heatmaps-transposed"),
    *("yolo-pose", "yolo-pose-transposed", "yolo-pose-end-to-end", "rtmo", "multipose"),
)


def add_weights_format(parser: argparse.ArgumentParser) -> None:
    """Adds --weights_format."""
    parser.add_argument(
        "--weights_format",
        choices=POSE_FORMATS,
        help="how the outputs of another program's ONNX pose network are read (default: recognized)",
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds --config, --image_size, -o and --list_configs."""
    group = parser.add_argument_group("which network")
    group.add_argument("--config", "-c", metavar="NAME", help="a named config (--list_configs)")
    group.add_argument(
        "--image_size",
        type=number(int, min=1, max=4096),
        metavar="PX",
        help="256 or 384: Hourglass-52 on MPII, as in the original project",
    )
    group.add_argument(
        "-o",
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change one value of the config, e.g. -o train.schedule.warmup=0 -o augment=none; may be repeated",
    )
    group.add_argument(
        "--list_configs",
        action=ListConfigs,
        nargs=0,
        help="print the configs, or after --config NAME that one, and their values",
    )


def add_data(parser: argparse.ArgumentParser, root_help: str) -> None:
    """Adds --dataset_root, the files that may stand in its place, and --skeleton."""
    group = parser.add_argument_group("which data")
    group.add_argument("--dataset_root", metavar="D", help=root_help)
    group.add_argument(
        "--train_annotations",
        metavar="FILE",
        help="instead of --dataset_root: annotations of any joints in COCO's format",
    )
    group.add_argument("--val_annotations", metavar="FILE", help="the same, to evaluate on")
    group.add_argument(
        "--images",
        dest="image_folder",
        metavar="DIR",
        help="where the images are that these two files name",
    )
    group.add_argument(
        "--skeleton",
        metavar="FILE",
        help="the network's joints: a JSON file (README), mpii_16 or coco_17; default: what the config, or the categories of "
        "--train_annotations, say",
    )


def data_changes(arguments: argparse.Namespace) -> dict[str, object]:
    """Returns what the flags of `add_data` change in a config.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If flags contradict each other, or the skeleton is not as expected.
    """
    names = {
        "train_annotations": "train_annotations",
        "val_annotations": "val_annotations",
        "images": "image_folder",
    }
    given = {key: getattr(arguments, name, None) for key, name in names.items()}
    changes: dict[str, object] = {
        f"data.{key}": value for key, value in given.items() if value is not None
    }
    if changes and arguments.dataset_root is not None:
        raise InputError(
            f"--dataset_root {arguments.dataset_root} and --{next(iter(changes)).removeprefix('data.')}: give either a folder "
            "in MPII's or COCO's layout, or annotation files with --images"
        )
    if changes:
        if getattr(arguments, "dataset", None) not in (None, "coco"):
            raise InputError(
                f"--dataset {arguments.dataset}: annotation files are read in COCO's format; its layout needs "
                "--dataset_root D"
            )
        changes["data.dataset"] = "coco"
    if getattr(arguments, "skeleton", None) is not None:
        from paddle_pose.data.skeleton_file import read_skeleton

        annotations = given["train_annotations"] or given["val_annotations"]
        changes["codec.skeleton"] = read_skeleton(arguments.skeleton, annotations)
    return changes


def skeleton_in(changes: Mapping[str, object]) -> Skeleton | None:
    """Returns the skeleton in what `data_changes` or, without `-o`, `overrides_of` returns; None where no flag names one."""
    return cast("Skeleton | None", changes.get("codec.skeleton"))


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds --device."""
    parser.add_argument(
        "--device",
        default="auto",
        metavar="auto|cpu|gpu",
        help="where to compute; auto takes the GPU where there is one (default)",
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Adds --threads."""
    parser.add_argument(
        "--threads",
        type=number(int, min=1, max=1024),
        metavar="N",
        help="to compute with on the CPU; default OMP_NUM_THREADS or every core",
    )


def overrides(arguments: argparse.Namespace) -> dict[str, str]:
    """Returns `-o` as {key: text}.

    Raises:
        InputError: If one has no "=".
    """
    pairs: dict[str, str] = {}
    for text in arguments.override:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"-o {text}: expected KEY=VALUE, e.g. -o train.batch_size=32")
        pairs[key.strip()] = value
    return pairs


def overrides_of(arguments: argparse.Namespace, flags: Mapping[str, str]) -> dict[str, object]:
    """Returns what the flags change in a config: `-o`, single flags, and those of `add_data`.

    Args:
        arguments: Parsed from a parser that `add_config` has prepared.
        flags: Names of single flags by the config's dotted key that they change; a flag that was not given changes nothing.

    Raises:
        InputError: If flags contradict each other.
        FileNotFoundError: If a file of `add_data` is missing.
    """
    given = {key: getattr(arguments, flag) for key, flag in flags.items()}
    return (
        overrides(arguments)
        | {k: v for k, v in given.items() if v is not None}
        | data_changes(arguments)
    )


def named_config(arguments: argparse.Namespace, changes: Mapping[str, object]) -> Config:
    """Returns the config that --config or --image_size names, with changes.

    Raises:
        InputError: If they name none, or contradict each other.
    """
    from paddle_pose.configs.registry import resolve

    return resolve(None, arguments.config, arguments.image_size, changes)


class ListConfigs(argparse.Action):
    """Prints every config with its source and published numbers, or the one that --config named before; then exits."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *ignored: object
    ) -> None:
        """Prints and exits with 0."""
        from paddle_pose.engine.list_configs import list_configs

        print(list_configs(namespace.config))
        parser.exit()

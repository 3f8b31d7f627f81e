"""Argument parser of the commands, and the flags that several commands share."""

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
    """Argument parser whose messages suggest the valid flag or choice nearest to an invalid one.

    Args:
        command: Name of the command, shown in the usage as the user can type it; None leaves the
            name to argparse.
        usage: Usage line; None lets argparse generate it.
        description: Text before the list of flags.
        epilog: Text after the list of flags.
        formatter_class: Class that formats the texts; `RawDescriptionHelpFormatter` keeps the line
            breaks of description and epilog.
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
        """Parses arguments; reports an unknown flag before any error that may follow from it.

        Args:
            args: Arguments to parse; None takes those of this process.
            namespace: Object that receives the values; None creates one.

        Returns:
            The namespace, and the list of unparsed arguments.

        Raises:
            SystemExit: If an argument is invalid, with status 2.
        """
        environment.use_flag_names()
        words = list(sys.argv[1:] if args is None else args)
        if "--list_configs" in self._option_string_actions:  # it uses the flags that follow, too
            words.sort(key=lambda word: word == "--list_configs")
        if all(action.nargs != argparse.REMAINDER for action in self._actions):
            for word in words:
                flag = word.split("=")[0]
                if word == "--":
                    break
                if flag.startswith("--") and not any(
                    known.startswith(flag) for known in self._option_string_actions
                ):
                    self.error(
                        f"unrecognized arguments: {flag}."
                        f"{did_you_mean(flag, self._option_string_actions)}"
                    )
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Prints the usage and an error message, and exits with status 2.

        Args:
            message: Message of argparse; if it reports an invalid choice, the nearest valid choice
                is added.

        Raises:
            SystemExit: Always.
        """
        wrong = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if wrong:
            message += did_you_mean(wrong[1], re.findall(r"\w+", wrong[2]))
        super().error(message)

    def warn_of_unused(
        self, arguments: argparse.Namespace, names: Collection[str], where: str
    ) -> None:
        """Writes one warning line to stderr that lists the given flags without effect.

        Args:
            arguments: Arguments that this parser has parsed.
            names: Attribute names in `arguments` of the flags without effect; flags at their
                default are not listed.
            where: Condition under which they have no effect, such as "with --results".
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
    """Returns a function for argparse's `type` that rejects numbers outside a range.

    A flag that changes a field of a config takes `int` or `float` as its type: the field checks its
    own range.

    Args:
        kind: Type of the number, `int` or `float`.
        min: Smallest valid number.
        max: Largest valid number.
        exclusive_min: Whether `min` itself is invalid.

    Returns:
        Function that converts text to a number, and raises argparse.ArgumentTypeError if it is none
        or lies outside the range.

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
    """Adds the flags that select and change a config to a parser.

    - `args.config` (--config, -c): name of the config; None by default.
    - `args.image_size` (--image_size): input size of Hourglass-52 in px, an int; None by default.
    - `args.override` (-o KEY=VALUE, may be repeated): list of texts, see `overrides`.
    - --list_configs prints the configs, or the selected one, and exits.
    """
    group = parser.add_argument_group("network and config")
    group.add_argument(
        "--config",
        "-c",
        metavar="NAME",
        help="name of the config, which defines network, data set and recipe; --list_configs lists "
        "the names. Not needed for weights and runs of this project, which store their config",
    )
    group.add_argument(
        "--image_size",
        type=number(int, min=1, max=4096),
        metavar="PX",
        help="256 or 384: the config of Hourglass-52 on MPII with this input size, as in "
        "txyugood's project; instead of --config",
    )
    group.add_argument(
        "-o",
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="replace a value of the config; may be repeated, e.g. -o train.schedule.warmup=0 "
        "-o augment=none; --list_configs lists the keys",
    )
    group.add_argument(
        "--list_configs",
        action=ListConfigs,
        nargs=0,
        help="print all configs, or the one of --config or --image_size with the values of --preset "
        "and -o, with the keys of -o and their values, and exit",
    )


def add_data(parser: argparse.ArgumentParser, root_help: str) -> None:
    """Adds the flags of the data set to a parser; `data_changes` evaluates them.

    Most of them take a path and are strings, None by default: `args.dataset_root`,
    `args.train_annotations`, `args.val_annotations`, `args.image_folder` (--images) and
    `args.skeleton`, which may also be "mpii_16" or "coco_17". `args.boxes_from_keypoints` is a
    bool, or None if the flag is not given.

    Args:
        parser: Parser to extend.
        root_help: Help text of --dataset_root, which depends on the command.
    """
    group = parser.add_argument_group("data")
    group.add_argument("--dataset_root", metavar="D", help=root_help)
    group.add_argument(
        "--train_annotations",
        metavar="FILE",
        help="annotations of the training split in COCO's format, with any joints; instead of "
        "--dataset_root",
    )
    group.add_argument(
        "--val_annotations",
        metavar="FILE",
        help="annotations of the validation split in COCO's format; instead of --dataset_root",
    )
    group.add_argument(
        "--images",
        dest="image_folder",
        metavar="DIR",
        help="folder of the images that --train_annotations and --val_annotations list",
    )
    group.add_argument(
        "--skeleton",
        metavar="FILE",
        help="joints of the network: a JSON file (format: docs/own_data.md), mpii_16 or coco_17 "
        "(default: those in the categories of --train_annotations, else those of the config)",
    )
    group.add_argument(
        "--boxes_from_keypoints",
        action="store_true",
        default=None,
        help="people of COCO's format without a box get the box round their labelled joints, "
        "extended by a tenth of its longer side, and those without an area 0.53 x width x height "
        "of their box (default: such people are left out, or the file is refused)",
    )


def data_changes(arguments: argparse.Namespace) -> dict[str, object]:
    """Returns the changes of a config that the flags of `add_data` request, by dotted key.

    Args:
        arguments: Arguments of a parser that `add_data` has extended.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If flags contradict each other, or the file of the skeleton is invalid.
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
            f"--dataset_root {arguments.dataset_root} and "
            f"--{next(iter(changes)).removeprefix('data.')}: give either a folder in MPII's or "
            "COCO's layout, or annotation files with --images"
        )
    if changes:
        if getattr(arguments, "dataset", None) not in (None, "coco"):
            raise InputError(
                f"--dataset {arguments.dataset}: annotation files are read in COCO's format; for "
                "another data set give its folder with --dataset_root D"
            )
        changes["data.dataset"] = "coco"
    if getattr(arguments, "boxes_from_keypoints", None):
        changes["data.boxes_from_keypoints"] = True
    if getattr(arguments, "skeleton", None) is not None:
        from paddle_pose.data.skeleton_file import read_skeleton

        annotations = given["train_annotations"] or given["val_annotations"]
        changes["codec.skeleton"] = read_skeleton(arguments.skeleton, annotations)
    return changes


def skeleton_in(changes: Mapping[str, object]) -> Skeleton | None:
    """Returns the skeleton that --skeleton names; None if the flag is not given.

    Args:
        changes: Result of `data_changes`, or of `overrides_of` for arguments without `-o`: the
            skeleton is the value of "codec.skeleton".
    """
    return cast("Skeleton | None", changes.get("codec.skeleton"))


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds --device to a parser.

    `args.device` is a string: "auto" (a GPU if there is one, the default), "cpu", "gpu", or "gpu:1"
    for the second GPU. The parser does not check it; `backends.paddle.set_device` does.
    """
    parser.add_argument(
        "--device",
        default="auto",
        metavar="auto|cpu|gpu",
        help="device to compute on; gpu:1 is the second GPU, auto a GPU if there is one (default: "
        "auto)",
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Adds --threads N to a parser.

    `args.threads` is an int from 1 to 1024, or by default None: OMP_NUM_THREADS, else one thread
    per core.
    """
    parser.add_argument(
        "--threads",
        type=number(int, min=1, max=1024),
        metavar="N",
        help="number of CPU threads (default: OMP_NUM_THREADS, else one per core)",
    )


def overrides(arguments: argparse.Namespace) -> dict[str, str]:
    """Returns the values of the flags -o as {dotted key: text}; of equal keys the last one counts.

    Args:
        arguments: Arguments of a parser that `add_config` has extended.

    Raises:
        InputError: If a value of -o has no "=".
    """
    pairs: dict[str, str] = {}
    for text in arguments.override:
        key, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"-o {text}: expected KEY=VALUE, e.g. -o train.batch_size=32")
        pairs[key.strip()] = value
    return pairs


def overrides_of(arguments: argparse.Namespace, flags: Mapping[str, str]) -> dict[str, object]:
    """Returns all changes of a config that flags request, as {dotted key: value}.

    If several flags change the same key, those of `flags` replace -o, and those of `add_data`
    replace both. Keys and values are not checked here, but where the changes are applied.

    Args:
        arguments: Arguments of a parser that `add_config` and `add_data` have extended.
        flags: {dotted key: attribute name in `arguments`} of the flags that change one value each,
            such as {"train.epochs": "epochs"}. A flag that is None changes nothing.

    Raises:
        InputError: If a value of -o has no "=", flags contradict each other, or the file of the
            skeleton is invalid.
        FileNotFoundError: If the file of --skeleton or of its annotations is missing.
    """
    given = {key: getattr(arguments, flag) for key, flag in flags.items()}
    return (
        overrides(arguments)
        | {k: v for k, v in given.items() if v is not None}
        | data_changes(arguments)
    )


def named_config(arguments: argparse.Namespace, changes: Mapping[str, object]) -> Config:
    """Returns the config that --config or --image_size names, with changed values.

    Args:
        arguments: Arguments of a parser that `add_config` has extended.
        changes: New values of the config by dotted key, such as the result of `overrides_of`.

    Raises:
        InputError: If neither flag is given, no config has the name or size, the flags contradict
            each other, or a change is invalid.
    """
    from paddle_pose.configs.registry import resolve

    return resolve(None, arguments.config, arguments.image_size, changes)


class ListConfigs(argparse.Action):
    """Action of --list_configs: prints all configs, or the one that flags select, and exits."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *ignored: object
    ) -> None:
        """Prints the listing and exits with status 0.

        Args:
            parser: Parser that found the flag.
            namespace: Values of the flags before this one; `Parser` parses it last.
            *ignored: Values and name of the flag.

        Raises:
            InputError: If --config, --image_size, --preset and -o contradict each other or are
                invalid.
            SystemExit: Otherwise.
        """
        from paddle_pose.configs import presets
        from paddle_pose.engine.list_configs import list_configs

        image_size = getattr(namespace, "image_size", None)
        if namespace.config is None and image_size is None:
            print(list_configs())
        else:
            changes: dict[str, object] = {}
            if hasattr(namespace, "override"):
                changes |= overrides(namespace)
            if getattr(namespace, "preset", None):
                config = named_config(namespace, {})
                changes = presets.changes(namespace.preset, config, changes)
            print(list_configs(named_config(namespace, changes)))
        parser.exit()

"""Flags that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paddle_pose.configs.specs import Config


def add_config(parser: argparse.ArgumentParser) -> None:
    """Adds --config, --image_size, -o and --list_configs."""
    group = parser.add_argument_group("which network")
    group.add_argument("--config", "-c", metavar="NAME", help="a named config (--list_configs)")
    group.add_argument(
        "--image_size",
        type=int,
        metavar="PX",
        help="256 or 384: Hourglass-52 on MPII, as in the original project",
    )
    group.add_argument(
        "-o",
        "--override",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change one value of the config, e.g. -o train.warmup=0 -o augment=none; may be repeated",
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
        "--images", dest="image_folder", metavar="DIR", help="where the images are that these two files name"
    )
    group.add_argument(
        "--skeleton",
        metavar="FILE",
        help="the network's joints: a JSON file (README), mpii_16 or coco_17; default: what the config, or the categories of "
        "--train_annotations, say",
    )


def data_changes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Returns what the flags of `add_data` change in a config.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If flags contradict each other, or the skeleton is not as expected.
    """
    names = {"train_annotations": "train_annotations", "val_annotations": "val_annotations", "images": "image_folder"}
    given = {key: getattr(arguments, name, None) for key, name in names.items()}
    changes: dict[str, Any] = {f"data.{key}": value for key, value in given.items() if value is not None}
    if changes and arguments.dataset_root is not None:
        raise ValueError(
            f"--dataset_root {arguments.dataset_root} and --{next(iter(changes)).removeprefix('data.')}: give either a folder "
            "in MPII's or COCO's layout, or annotation files with --images"
        )
    if changes:
        if getattr(arguments, "dataset", None) not in (None, "coco"):
            raise ValueError(
                f"--dataset {arguments.dataset}: annotation files are read in COCO's format; its layout needs "
                "--dataset_root D"
            )
        changes["data.dataset"] = "coco"
    if getattr(arguments, "skeleton", None) is not None:
        from paddle_pose.data.skeleton_file import read_skeleton

        annotations = given["train_annotations"] or given["val_annotations"]
        changes["codec.skeleton"] = read_skeleton(arguments.skeleton, annotations)
    return changes


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
        "--threads", type=int, metavar="N", help="to compute with on the CPU; default OMP_NUM_THREADS or every core"
    )


def overrides(arguments: argparse.Namespace) -> dict[str, str]:
    """Returns `-o` as {key: text}.

    Raises:
        ValueError: If one has no "=".
    """
    pairs = {}
    for text in arguments.override:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"-o {text}: expected KEY=VALUE, e.g. -o train.batch_size=32")
        pairs[key.strip()] = value
    return pairs


def config_of(weights: Path, arguments: argparse.Namespace, flags: Mapping[str, str] | None = None) -> Config:
    """Returns the config of a weights file, with the changes of flags.

    That is the one beside it, or the one that flags name, or that of the published file that it is by its checksum.

    Args:
        weights: the file.
        arguments: parsed from a parser that `add_config` has seen.
        flags: single flags by the config's dotted key that they change; one that was not given changes nothing.

    Raises:
        FileNotFoundError: If there is no such weights file.
        ValueError: If nothing says which network it is for, or flags and file disagree.
    """
    from paddle_pose.configs import registry
    from paddle_pose.weights.zoo import recognise

    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: no such weights file")
    changes: dict[str, Any] = dict(overrides(arguments))
    given = {key: getattr(arguments, flag) for key, flag in (flags or {}).items()}
    changes |= {key: value for key, value in given.items() if value is not None} | data_changes(arguments)
    beside, name = registry.read_beside(weights), arguments.config
    if beside is None and name is None and arguments.image_size is None and (known := recognise(weights)):
        name = known.config
        print(f"{weights} is the published file {known.name}, by its checksum; config {name}")
    return registry.resolve(beside, name, arguments.image_size, changes)


class ListConfigs(argparse.Action):
    """Prints every config with its source and published numbers, or the one that --config named before; then exits."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, *ignored: object) -> None:
        """Prints and exits with 0."""
        from paddle_pose.configs.overrides import values
        from paddle_pose.configs.registry import CONFIGS, find

        chosen = [find(namespace.config)] if namespace.config else list(CONFIGS.values())
        for config in chosen:
            published = ", ".join(f"{name} {value}" for name, value in config.published.items())
            print(f"{config.name}\n  {config.source}\n  {config.command}")
            print(f"  published: {published or 'nothing'}")
        print("\nkeys for -o, with the values of", chosen[0].name)
        for key, value in values(chosen[0]).items():
            if key != "codec.skeleton":
                print(f"  {key}={value}")
        parser.exit()

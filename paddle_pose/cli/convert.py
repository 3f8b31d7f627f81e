"""`python scripts/convert_weights.py`: a published weights file, once and for all under our names."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paddle_pose.commands import options
from paddle_pose.errors import InputError

if TYPE_CHECKING:
    from paddle_pose.configs.specs import Config


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        description="Reads anybody's weights file (.pdparams, .pth, .safetensors, .tflite) without executing it, makes sure "
        "that every tensor of it and of the network is used once, and writes it with config.json beside it: then "
        "val.py and predict.py need no flag that says which network it is.",
    )
    parser.add_argument("source", type=Path, metavar="IN", help="the published file")
    parser.add_argument(
        "target",
        nargs="?",
        type=Path,
        metavar="OUT",
        help="a .safetensors or .pdparams file; default output/NAME/model.pdparams with the name of IN",
    )
    options.add_config(parser)
    parser.add_argument("--force", action="store_true", help="overwrite OUT and the config.json beside it")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If IN is not there.
        InputError: If nothing says which network IN is for, it does not fit that, or something would be overwritten.
    """
    arguments = build_parser().parse_args(argv)
    from paddle_pose.environment import check_paddle

    check_paddle()
    target = arguments.target or Path("output") / arguments.source.stem / "model.pdparams"
    convert(options.config_of(arguments.source, arguments), arguments.source, target, arguments.force)
    return 0


def convert(config: Config, source: Path, target: Path, force: bool = False) -> None:
    """Writes a weights file under our names, with its config beside it, and prints what was done.

    Args:
        config: of its network.
        source: the file.
        target: a .safetensors or .pdparams file.
        force: overwrite what is there.

    Raises:
        InputError: If the file does not fit the config, or something would be overwritten.
    """
    from paddle_pose import build
    from paddle_pose.configs import registry
    from paddle_pose.weights.write import write_weights

    config, network = build.loaded(config, source, say=print)
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    beside, text = target.parent / registry.FILE_NAME, registry.to_json(config)
    taken = [target] if target.exists() else []
    if beside.exists() and beside.read_text(encoding="utf-8") != text:
        taken.append(beside)
    if taken and not force:
        raise InputError(f"{' and '.join(map(str, taken))}: already there; choose another folder, or add --force")
    write_weights(target, tensors)
    beside.write_text(text, encoding="utf-8")
    millions = sum(parameter.size for parameter in network.parameters() if parameter.trainable) / 1e6
    print(f"Written: {target}, {len(tensors)} tensors, {millions:.2f} M parameters; {beside}, config {config.name}")

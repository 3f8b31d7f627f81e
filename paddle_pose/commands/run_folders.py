"""The folders of runs: where a new one goes, which one is continued, where its weights are also left."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from paddle_pose.errors import InputError

OUTPUT = Path("output")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds --output, --resume, --force, --keep and --max_hours."""
    group = parser.add_argument_group(
        "the run",
        "Ctrl-C and SIGTERM finish the step, save and end with status 130 and 143, --max_hours with 124; --resume goes on.",
    )
    group.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder of the run; default output/<config>, with -2, -3 … when that is taken",
    )
    group.add_argument(
        "--resume",
        nargs="?",
        const="",
        metavar="DIR",
        help="continue a run from its newest whole checkpoint: the run's folder, a checkpoint's, or nothing for the newest "
        "run of this config",
    )
    group.add_argument("--force", action="store_true", help="resume although the config or the data differ")
    group.add_argument("--keep", type=int, metavar="N", help="checkpoints to keep besides the best weights; default 2")
    group.add_argument("--max_hours", type=float, metavar="H", help="save and end after so long")


def new(output: Path | None, name: str) -> Path:
    """Returns a folder that no run has used.

    Args:
        output: of `--output`.
        name: of the config.

    Raises:
        InputError: If the folder that `--output` names holds a run.
    """
    if output is not None:
        if (output / "config.json").exists():
            raise InputError(
                f"--output {output} holds a run already; continue it with --resume {output}, or name another folder"
            )
        return output
    candidate, number = OUTPUT / name, 1
    while (candidate / "config.json").exists():
        number += 1
        candidate = OUTPUT / f"{name}-{number}"
    return candidate


def to_resume(arguments: argparse.Namespace) -> tuple[Path, Path | None]:
    """Returns the run that `--resume` means and its newest whole checkpoint; None if it ended before it made one.

    Raises:
        FileNotFoundError: If there is no such run, or no checkpoint of it is whole.
        InputError: If the checkpoint that is named is damaged.
    """
    from paddle_pose.training import checkpoint, checkpoint_policy

    named = Path(arguments.resume) if arguments.resume else arguments.output
    if named is not None and (named / checkpoint.MANIFEST).is_file():
        checkpoint.check(named)
        return (named.parent.parent if named.parent.name == checkpoint_policy.EARLIER else named.parent), named
    if named is not None:
        runs = [named] if (named / "config.json").is_file() else []
    else:
        size = arguments.image_size
        name = arguments.config or (f"hourglass52_mpii_{size}" if size else "*")
        found = {path.parent for path in (*OUTPUT.glob(f"{name}/config.json"), *OUTPUT.glob(f"{name}-*/config.json"))}
        runs = sorted(found, key=_last_change, reverse=True)
    for run_dir in runs:
        whole = checkpoint_policy.newest(run_dir)
        if whole is not None:
            return run_dir, whole
    begun = [run_dir for run_dir in runs if not (run_dir / "last").exists()]
    if begun:
        print(f"=> {begun[0]} ended before its first checkpoint: it begins again")
        return begun[0], None
    raise FileNotFoundError(f"--resume: no checkpoint in {named or OUTPUT}; start without --resume")


def write(path: Path, text: str) -> None:
    """Writes a text file that is complete or as it was before.

    Raises:
        OSError: If it cannot be written.
    """
    fresh = path.with_name(path.name + ".writing")
    fresh.write_text(text, encoding="utf-8")
    os.replace(fresh, path)


def copy_to_txyugood_path(run_dir: Path, size: int, root: str | Path) -> None:
    """Copies the best weights to where the original's own validation command looks for them.

    Args:
        run_dir: of the run.
        size: of `--image_size`.
        root: of the data, for the command that is printed.
    """
    best, place = run_dir / "best_model", OUTPUT / f"{size}_best_model"
    if not best.is_dir():
        return
    place.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.pdparams"):
        shutil.copyfile(best / name, place / (name + ".part"))
        (place / (name + ".part")).replace(place / name)
    write(place / "from_run.txt", f"{run_dir}\n")
    print(
        f"Also at {place / 'model.pdparams'}. Evaluate it with\n"
        f"  python val.py --image_size {size} --pretrained_model {place / 'model.pdparams'} --dataset_root {root}"
    )


def _last_change(run_dir: Path) -> float:
    """Returns when a run was last written to."""
    return max(path.stat().st_mtime for path in (run_dir / "config.json", *run_dir.glob("metrics.jsonl")))

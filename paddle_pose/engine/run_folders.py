"""The folders of runs: for a new one, of one to continue, and for a copy of its best weights."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from paddle_pose import environment
from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.io.outputs import Outputs
from paddle_pose.training import checkpoint_policy

_log = logging.getLogger("paddle_pose")

OUTPUT = Path("output")


def new(output: Path | None, name: str) -> Path:
    """Returns a folder that no run has used.

    Args:
        output: Folder that was asked for; None for output/<name>, with -2, -3 … where that is
            taken.
        name: Name of the config.

    Raises:
        InputError: If the folder that was asked for holds a run.
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


def to_resume(
    resume: str | Path,
    output: Path | None = None,
    config_name: str | None = None,
    image_size: int | None = None,
) -> tuple[Path, Path | None]:
    """Returns the folder of the run to continue, and its newest whole checkpoint.

    There is none, None, if the run ended before it made one.

    Args:
        resume: Folder of the run or of one of its checkpoints; "" for the newest run of the config.
        output: Folder of the run where `resume` is "".
        config_name: Name of the config whose newest run is looked for; None for that of
            `image_size`, or any.
        image_size: Input size of Hourglass-52 on MPII; None for none.

    Raises:
        FileNotFoundError: If there is no such run, or no checkpoint of it is whole.
        InputError: If the checkpoint that is named is damaged.
    """
    named = Path(resume) if resume else output
    if named is not None and (named / manifest.MANIFEST).is_file():
        manifest.check(named)
        return (named.parent.parent if named.parent.name == checkpoint_policy.EARLIER else named.parent), named
    if named is not None:
        runs = [named] if (named / "config.json").is_file() else []
    else:
        name = config_name or (f"hourglass52_mpii_{image_size}" if image_size else "*")
        found = {path.parent for path in (*OUTPUT.glob(f"{name}/config.json"), *OUTPUT.glob(f"{name}-*/config.json"))}
        runs = sorted(found, key=_last_change, reverse=True)
    for run_dir in runs:
        whole = checkpoint_policy.newest(run_dir)
        if whole is not None:
            return run_dir, whole
    begun = [run_dir for run_dir in runs if not (run_dir / "last").exists()]
    if begun:
        _log.info(f"=> {begun[0]} ended before its first checkpoint: it begins again")
        return begun[0], None
    raise FileNotFoundError(f"--resume: no checkpoint in {named or OUTPUT}; start without --resume")


def copy_to_txyugood_path(run_dir: Path, size: int, root: str | Path) -> None:
    """Copies the best weights, if there are any, to where txyugood's validation command looks.

    Args:
        run_dir: Folder of the run.
        size: Input size of the network, as in `--image_size`.
        root: Folder of the data, for the command that is shown.
    """
    best, target = run_dir / "best_model", OUTPUT / f"{size}_best_model"
    if not best.is_dir():
        return
    outputs, names = Outputs(target, "train"), ("config.json", "model.pdparams")
    try:
        outputs.check(target / name for name in (*names, "from_run.txt"))
    except InputError as problem:
        _log.warning("%s: the best weights are in %s only (%s)", target, best, problem)
        return
    for name in names:
        with outputs.replacing(target / name) as draft:
            shutil.copyfile(best / name, draft)
    with outputs.replacing(target / "from_run.txt") as draft:
        draft.write_text(f"{run_dir}\n", encoding="utf-8")
    weights = target / "model.pdparams"
    _log.info(
        f"Also at {weights}. Evaluate it with\n"
        f"  {environment.command('val')} --image_size {size} "
        f"--pretrained_model {weights} --dataset_root {root}"
    )


def _last_change(run_dir: Path) -> float:
    """Returns when a run was last written to."""
    return max(path.stat().st_mtime for path in (run_dir / "config.json", *run_dir.glob("metrics.jsonl")))

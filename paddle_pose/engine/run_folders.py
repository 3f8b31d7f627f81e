"""The folders of runs: for a new one, of one to continue, and for a copy of its best weights."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from paddle_pose import environment
from paddle_pose.configs import registry
from paddle_pose.environment import argument
from paddle_pose.errors import InputError
from paddle_pose.io import manifest
from paddle_pose.io.json_files import read_json
from paddle_pose.io.locks import locked, remove_unused
from paddle_pose.io.outputs import Outputs
from paddle_pose.io.weights_files import EARLIER
from paddle_pose.training import checkpoint_policy

_log = logging.getLogger("paddle_pose")

OUTPUT = Path("output")


@contextmanager
def started(output: Path | None, name: str) -> Iterator[Path]:
    """Yields a folder for a new run, locked against other processes while the block runs.

    If `output` is None and the run has no files when the block ends, the folder is removed again.

    Args:
        output: Folder that the user named; None takes output/<name>, with a number if that folder
            exists, see `new`.
        name: Name of the config.

    Raises:
        InputError: If the folder that the user named contains a run, or another process uses it.
    """
    folder = new(None, name) if output is None else output
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _in_use(folder):
            new(folder, name)  # refuses one that holds a run
            yield folder
    finally:
        if output is None:  # nobody else was given it
            remove_unused(folder)


def _in_use(run_dir: Path) -> AbstractContextManager[None]:
    """Returns the lock of a run, which a process holds while it trains."""
    return locked(run_dir, what="this run", wait=False)


def new(output: Path | None, name: str) -> Path:
    """Returns a folder that no run has used; it is created if missing.

    Args:
        output: Folder that the user named; None takes output/<name>, with -2, -3 and so on if that
            exists, so that each of several processes gets a folder of its own.
        name: Name of the config.

    Raises:
        InputError: If the folder that the user named contains a run.
    """
    if output is not None:
        if (output / "config.json").exists():
            raise InputError(
                f"{argument('--output')} {output} holds a run already; continue it with "
                f"{argument('--resume')} {output}, or name another folder"
            )
        output.mkdir(parents=True, exist_ok=True)
        return output
    OUTPUT.mkdir(parents=True, exist_ok=True)
    candidate, number = OUTPUT / name, 1
    while not _made(candidate):
        number += 1
        candidate = OUTPUT / f"{name}-{number}"
    return candidate


def _made(folder: Path) -> bool:
    """Creates a folder; returns whether this call has created it."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    return True


@contextmanager
def resumed(
    resume: str | Path,
    output: Path | None = None,
    config_name: str | None = None,
    image_size: int | None = None,
) -> Iterator[tuple[Path, Path | None]]:
    """Yields the folder of the run to continue and its newest intact checkpoint.

    The run is locked against other processes while the block runs. The checkpoint is None if the
    run ended before its first one.

    Args:
        resume: Folder of the run or of one of its checkpoints; "" takes `output`, or the newest run
            of the config if that is None.
        output: Folder of the run if `resume` is "".
        config_name: Name of the config whose newest run is continued; None takes the config of
            `image_size`, or any config if that is None, too.
        image_size: Input size of Hourglass-52 on MPII in px, 256 or 384; None if not given.

    Yields:
        run_dir: Folder of the run.
        checkpoint: Folder of the checkpoint, or None.

    Raises:
        FileNotFoundError: If there is no such run, or it has no intact checkpoint.
        InputError: If the named checkpoint is damaged, or another process uses the run.
    """
    named = Path(resume) if resume else output
    if named is not None and (named / manifest.MANIFEST).is_file():
        run_dir = named.parent.parent if named.parent.name == EARLIER else named.parent
        with _in_use(run_dir):
            manifest.check(named)
            yield run_dir, named
        return
    candidates = runs_of(config_name, image_size) if named is None else [named]
    runs = [run_dir for run_dir in candidates if (run_dir / "config.json").is_file()]
    for run_dir in runs:
        with _in_use(run_dir):  # first: a training replaces its checkpoints
            whole = checkpoint_policy.newest(run_dir)
            if whole is not None:
                yield run_dir, whole
                return
    begun = [run_dir for run_dir in runs if not (run_dir / "last").exists()]
    if not begun:
        name = _config_name(config_name, image_size)
        of_config = f"of config {name}" if name else "of any config"
        where = f"in {named}" if named else f"of a run {of_config} in the folders of {OUTPUT}"
        flag = argument("--resume")
        raise FileNotFoundError(
            f"{flag}: no checkpoint {where}; name the run's folder, or start without {flag}"
        )
    with _in_use(begun[0]):
        whole = checkpoint_policy.newest(begun[0])  # made by another process since
        if whole is None:
            _log.info(f"=> {begun[0]} ended before its first checkpoint: it begins again")
        yield begun[0], whole


def runs_of(config_name: str | None, image_size: int | None = None) -> list[Path]:
    """Returns the folders in output/, of any name, that contain a run of a config, newest first.

    Args:
        config_name: Name of the config; None takes the config of `image_size`, or any config if
            that is None, too.
        image_size: Input size of Hourglass-52 on MPII in px, 256 or 384; None if not given.
    """
    name = _config_name(config_name, image_size)
    found = [
        path.parent
        for path in OUTPUT.glob(f"*/{registry.FILE_NAME}")
        if name in (None, _stored_name(path)) and (path.parent / "log.txt").is_file()
    ]
    return sorted(found, key=_last_change, reverse=True)


def _config_name(name: str | None, image_size: int | None) -> str | None:
    """Returns the name of the config that a name or an input size in px stands for, if any."""
    return name or (registry.for_image_size(image_size).name if image_size else None)


def _stored_name(path: Path) -> str | None:
    """Returns the config's name in a config.json; None if there is none."""
    try:
        content = read_json(path)
    except InputError:  # reported where its run is named
        return None
    return content.get("config") if isinstance(content, dict) else None


def copy_to_txyugood_path(run_dir: Path, size: int, root: str | Path, *, resumed: bool) -> None:
    """Copies the best weights, if any, to the path that txyugood's validation command reads.

    A copy of another run's best weights is replaced only if that run still has them.

    Args:
        run_dir: Folder of the run.
        size: Input size of the network in px, as in `--image_size`.
        root: Folder of the data set, for the command that is logged.
        resumed: Whether the run was resumed; the copy of a run that is new and has the same folder
            is that of a deleted run.
    """
    best = run_dir / "best_model"
    target = OUTPUT / f"{size}_best_model"
    if not best.is_dir():
        return
    target.mkdir(parents=True, exist_ok=True)
    with locked(target, what="the copy of the best weights", wait=True):
        outputs = Outputs(target, "train")
        earlier = _origin(target)
        if earlier is not None and not (resumed and earlier == run_dir):
            if earlier == run_dir or not (earlier / "best_model" / "model.pdparams").is_file():
                _log.warning(
                    f"{target}: kept, because it holds the only copy of the best weights of an "
                    f"earlier run in {earlier}, which is gone; those of this run are in {best}. "
                    f"Rename {target} if you need it, delete it if not"
                )
                return
            _log.info(f"{target}: replacing the copy of the best weights of {earlier}")
        files = {"config.json": run_dir, "model.pdparams": best}
        try:
            outputs.check(target / name for name in (*files, "from_run.txt"))
        except InputError as problem:
            _log.warning("%s: the best weights are in %s only (%s)", target, best, problem)
            return
        for name, source in files.items():
            with outputs.replacing(target / name) as draft:
                shutil.copyfile(source / name, draft)
        with outputs.replacing(target / "from_run.txt") as draft:
            draft.write_text(f"{run_dir}\n", encoding="utf-8")
    weights = target / "model.pdparams"
    _log.info(
        f"Also at {weights}. Evaluate it with\n"
        f"  {environment.command('val')} --image_size {size} "
        f"--pretrained_model {weights} --dataset_root {root}"
    )


def _origin(target: Path) -> Path | None:
    """Returns the run whose best weights a folder at txyugood's path contains; None for none."""
    record = target / "from_run.txt"
    if not (record.is_file() and (target / "model.pdparams").is_file()):
        return None
    return Path(record.read_text(encoding="utf-8").strip())


def _last_change(run_dir: Path) -> float:
    """Returns the time at which a run was last written to."""
    return max(
        path.stat().st_mtime for path in (run_dir / "config.json", *run_dir.glob("metrics.jsonl"))
    )

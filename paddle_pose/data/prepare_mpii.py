"""Makes MPII's layout from an archive of it, a folder, or the official release.

D/images/*.jpg   D/annotations/mpii_{train,val,trainval,test}.json   D/annotations/mpii_gt_val.mat
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from paddle_pose.data import mpii, mpii_release
from paddle_pose.errors import InputError
from paddle_pose.io import archives
from paddle_pose.io.locks import locked

_log = logging.getLogger("paddle_pose")

WHERE_THE_SPLIT_IS = (
    "the official release does not say who is in the validation set (2,958 people, Tompson et al.). Get mpii_val.json or\n"
    "  mpii_gt_val.mat (also named gt_valid.mat; pytorch-pose has it as evaluation/data/detections_our_format.mat),\n"
    "  e.g. from HRNet's or mmpose's MPII annotations, and repeat the command with --annotations FILE"
)
_MAT_NAMES = {
    "gt_valid.mat": "mpii_gt_val.mat",
    "mpii_gt_val.mat": "mpii_gt_val.mat",
    "detections_our_format.mat": "mpii_gt_val.mat",
}


@dataclass(frozen=True)
class PreparedMpii:
    """Result of `prepare_mpii`.

    Attributes:
        missing: What the data set still lacks, a line for each; nothing where it is complete.
        has_both: Whether there are annotations and a folder of images.
    """

    missing: tuple[str, ...]
    has_both: bool


def prepare_mpii(
    sources: Sequence[Path], output: Path, *, progress: Callable[[str], None] = lambda text: None
) -> PreparedMpii:
    """Makes a data set in MPII's layout.

    An interrupted run goes on when it is called again; called once more, it changes nothing. Two processes that prepare one
    folder do so one after the other.

    Args:
        sources: Archives, folders and files: images and annotations.
        output: Folder of the data set, made if it is missing.
        progress: Receives a line of text now and then.

    Raises:
        FileNotFoundError: If a source is missing.
        InputError: If an archive is damaged or hostile, or a file is not what it should be.
    """
    for source in sources:
        if not source.exists():
            raise FileNotFoundError(
                f"{source}: not found; give an archive, a file or a folder of MPII"
            )
    archives.make_folder(output, output)
    with locked(output, what="this data set", wait=True):
        return _prepare(sources, output, progress)


def _prepare(
    sources: Sequence[Path], output: Path, progress: Callable[[str], None]
) -> PreparedMpii:
    """Does what `prepare_mpii` says, in a folder that nobody else writes to."""
    for source in sources:
        _gather(source, output, progress)
    folder = output / "annotations"
    if not folder.is_dir() or not (output / "images").is_dir():
        what = "annotations (*.json, *.mat)" if not folder.is_dir() else "images (images/*.jpg)"
        text = f"{sources[0]} holds no {what}; give them too, e.g. with --annotations"
        return PreparedMpii((text,), has_both=False)
    missing = _from_release(folder) or _complete(folder)
    missing += _summarize(output)
    return PreparedMpii(tuple(missing), has_both=True)


def path_in_layout(name: str) -> str | None:
    """Returns where a file belongs below D; None where it is no part of the data set.

    Example:
        >>> path_in_layout("mpii/images/015601864.jpg"), path_in_layout("annot/gt_valid.mat")
        ('images/015601864.jpg', 'annotations/mpii_gt_val.mat')
        >>> path_in_layout("mpii/README.txt"), path_in_layout("mpii/images/.1.part.jpg")
        (None, None)
    """
    path = PurePosixPath(name)
    if path.name.startswith("."):  # hidden, or the draft of a run that was killed
        return None
    if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
        return f"images/{path.name}" if path.parent.name == "images" else None
    if path.name in _MAT_NAMES:
        return f"annotations/{_MAT_NAMES[path.name]}"
    if path.name.startswith("mpii_") and path.suffix in (".json", ".mat"):
        return f"annotations/{path.name}"
    if path.name in (
        "train.json",
        "valid.json",
        "val.json",
        "trainval.json",
        "test.json",
    ):  # HRNet's older names
        return f"annotations/mpii_{path.name.replace('valid', 'val')}"
    return None


def _gather(source: Path, output: Path, progress: Callable[[str], None]) -> None:
    """Unpacks an archive, or copies a folder or file, into the layout."""
    if source.is_file() and archives.is_archive(source):
        done = archives.extract(source, output, place=path_in_layout, progress=progress)
        _log.info(f"=> {source}: {done.written} files written, {done.kept} were there already")
        _log.info(
            f"=> left out: {done.macos} macOS files (._*, .DS_Store), {done.ignored} that are no part of MPII"
        )
        return
    files = list(_files(source))
    written = kept = ignored = 0
    for number, (name, path) in enumerate(files):
        target = path_in_layout(name) if not archives.is_macos_litter(name) else None
        if target is None:
            ignored += 1
            continue
        size = path.stat().st_size
        archives.make_folder((output / target).parent, output)
        if archives.holds(output / target, size):
            kept += 1
            continue
        with path.open("rb") as file:
            archives.write_whole(output / target, file, size)
        written += 1
        if number % 1000 == 999:
            progress(f"{source}: {100 * number // len(files)} %, {written} files copied")
    _log.info(f"=> {source}: {written} files copied, {kept} were there already, {ignored} left out")
    if not written + kept:
        raise InputError(
            f"{source}: holds nothing of MPII; expected images/*.jpg, mpii_*.json, mpii_*.mat, or an archive"
        )


def _files(source: Path) -> Iterator[tuple[str, Path]]:
    if source.is_file():
        yield source.name, source
        return
    for folder, names, files in os.walk(source):
        names.sort()
        for name in sorted(files):
            path = Path(folder) / name
            # "D/images" itself may be given: the name of the folder counts.
            yield (Path(source.resolve().name) / path.relative_to(source)).as_posix(), path


def _from_release(folder: Path) -> list[str]:
    """Makes from the official .mat what the folder lacks; returns what is still missing."""
    wanted = {split: folder / f"mpii_{split}.json" for split in mpii.SPLITS}
    mat = folder / "mpii_gt_val.mat"
    if mat.exists() and all(path.exists() for path in wanted.values()):
        return []
    source = next(
        (path for path in sorted(folder.glob("*.mat")) if mpii_release.is_release(path)), None
    )
    if source is None:
        return []
    release = mpii_release.read_release(source)
    people = release.trainval
    _log.info(
        f"=> {source}: {len(people)} people with joints (HRNet's json files list 25,204 of them), {release.left_out} without"
    )
    made = {"test": release.test}
    val_records = _records(wanted["val"]) if wanted["val"].exists() else None
    if mat.exists() or val_records is not None:
        truth = mpii.read_ground_truth(mat) if mat.exists() else None
        train, val = mpii_release.split(people, truth=truth, val_records=val_records)
        made["train"], made["val"] = [people[n] for n in train], [people[n] for n in val]
        made["trainval"] = [*made["train"], *made["val"]]
        if not mat.exists():
            mpii_release.write_ground_truth(mat, made["val"], release.head_boxes[val])
            _log.info(f"=> {mat}: {len(val)} people")
    else:
        made["trainval"] = people
    for split, records in made.items():
        # An earlier run that did not know the split wrote everybody.
        ours = (
            split == "trainval"
            and wanted[split].exists()
            and _records(wanted[split]) == people != records
        )
        if records and (ours or not wanted[split].exists()):
            mpii_release.write_records(wanted[split], records)
            _log.info(f"=> {wanted[split]}: {len(records)} people")
    return [] if "val" in made else [WHERE_THE_SPLIT_IS]


def _complete(folder: Path) -> list[str]:
    """Adds the json that follows from the others; returns what cannot be made."""
    train, val, both = (folder / f"mpii_{split}.json" for split in ("train", "val", "trainval"))
    if train.exists() and val.exists() and not both.exists():
        mpii_release.write_records(both, [*_records(train), *_records(val)])
        _log.info(f"=> {both}: made of the other two")
    needed = (train, val, folder / "mpii_gt_val.mat")
    return [
        f"{path}; without it nothing can be trained or measured"
        for path in needed
        if not path.exists()
    ]


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise InputError(
            f"{path}: not valid JSON ({problem}); delete it and repeat the command"
        ) from problem
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{path}: expected a list of records; is it MPII's json?")
    return records


def _summarize(output: Path) -> list[str]:
    """Logs counts beside the published ones; returns what is missing."""
    missing = []
    present = (
        {path.name for path in (output / "images").iterdir()}
        if (output / "images").is_dir()
        else set()
    )
    _log.info(f"=> {len(present)} images; {shutil.disk_usage(output).free / 1e9:.0f} GB are free")
    for split in mpii.SPLITS:
        path = output / "annotations" / f"mpii_{split}.json"
        if not path.exists():
            continue
        records = _records(path)
        names = {str(record.get("image")) for record in records}
        line = f"=> {split}: {len(records):,} samples in {len(names):,} images"
        if split in mpii.PUBLISHED_COUNTS:
            line += " (published: {:,} in {:,})".format(*mpii.PUBLISHED_COUNTS[split])
        absent = sorted(names - present)
        if absent:
            line += f"; {len(absent):,} images missing"
            if split != "test":
                missing.append(
                    f"{len(absent)} images of {path}, e.g. {absent[0]}; is the archive complete?"
                )
        _log.info(line)
    return missing

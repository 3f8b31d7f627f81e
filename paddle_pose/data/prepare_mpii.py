"""Preparation of MPII: archives, folders and the official release become the layout of `mpii.py`.

D/images/*.jpg
D/annotations/mpii_{train,val,trainval,test}.json
D/annotations/mpii_gt_val.mat

D is the folder of the data set.
"""

from __future__ import annotations

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
from paddle_pose.io.json_files import read_json
from paddle_pose.io.locks import locked

_log = logging.getLogger("paddle_pose")

SPLIT_HINT = (
    "the list of the validation people (2,958 people, Tompson et al.), which the official release\n"
    "  does not contain. Get mpii_val.json or mpii_gt_val.mat (also named gt_valid.mat;\n"
    "  pytorch-pose has it as evaluation/data/detections_our_format.mat), e.g. from HRNet's or\n"
    "  mmpose's MPII annotations, and repeat the command with --annotations FILE"
)
_MAT_NAMES = {
    "gt_valid.mat": "mpii_gt_val.mat",
    "mpii_gt_val.mat": "mpii_gt_val.mat",
    "detections_our_format.mat": "mpii_gt_val.mat",
}
# Names of HRNet's older releases.
_OLDER_JSON_NAMES = ("train.json", "valid.json", "val.json", "trainval.json", "test.json")


@dataclass(frozen=True)
class PreparedMpii:
    """Result of `prepare_mpii`.

    Attributes:
        missing: One text for each file or group of images that the data set still lacks, which
            states where to get it; empty if the data set is complete.
        has_both: Whether the data set has a folder of annotations and one of images. If not,
            `missing` names the other one only, and nothing was checked.
    """

    missing: tuple[str, ...]
    has_both: bool


def prepare_mpii(
    sources: Sequence[Path], output: Path, *, progress: Callable[[str], None] = lambda text: None
) -> PreparedMpii:
    """Creates a data set in the layout that `read_mpii` reads.

    The layout is "images/*.jpg", "annotations/mpii_{train,val,trainval,test}.json" and
    "annotations/mpii_gt_val.mat". Archives are unpacked and files are copied; the sources are not
    changed. Annotation files that are missing are made from the official release, if it is among
    the sources. A call after an interrupted one continues it; a call after a complete one changes
    nothing. If two processes prepare the same folder, the second one waits for the first.

    Args:
        sources: Paths of archives, folders and files with images and annotations of MPII, at least
            one; files of other names are left out.
        output: Folder of the data set, created if it is missing.
        progress: Function that receives a line of text on the progress from time to time.

    Returns:
        What the data set still lacks.

    Raises:
        FileNotFoundError: If a source is missing.
        InputError: If an archive is damaged or would write outside `output`, a source contains no
            file of MPII, an annotation file is invalid, or `output` is a link or a file.
        MissingDependencyError: If SciPy is not installed, which .mat files need.
        OSError: If a file cannot be written, for example because the disk is full.
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
    """Prepares a data set while no other process writes to `output`; see `prepare_mpii`."""
    for source in sources:
        _add_source(source, output, progress)
    folder = output / "annotations"
    if not folder.is_dir() or not (output / "images").is_dir():
        what = "annotations (*.json, *.mat)" if not folder.is_dir() else "images (images/*.jpg)"
        text = (
            f"{what}, which {sources[0]} does not contain; give them too, e.g. --annotations FILE"
        )
        return PreparedMpii((text,), has_both=False)
    missing = _convert_release(folder) or _complete(folder)
    missing += _summarize(output)
    return PreparedMpii(tuple(missing), has_both=True)


def path_in_layout(name: str) -> str | None:
    """Returns where a file belongs in the data set's folder; None if it is not part of MPII.

    Args:
        name: Path of the file in an archive or below a folder, with "/" between its parts. Images
            must be directly in a folder "images"; annotation files are recognised by their names.

    Returns:
        Path relative to the data set's folder, with "/" between its parts.

    Example:
        >>> path_in_layout("mpii/images/015601864.jpg"), path_in_layout("annot/gt_valid.mat")
        ('images/015601864.jpg', 'annotations/mpii_gt_val.mat')
        >>> path_in_layout("mpii/README.txt"), path_in_layout("mpii/images/.1.part.jpg")
        (None, None)
    """
    path = PurePosixPath(name)
    if path.name.startswith("."):  # hidden, or an unfinished file of a run that was killed
        return None
    if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
        return f"images/{path.name}" if path.parent.name == "images" else None
    if path.name in _MAT_NAMES:
        return f"annotations/{_MAT_NAMES[path.name]}"
    if path.name.startswith("mpii_") and path.suffix in (".json", ".mat"):
        return f"annotations/{path.name}"
    if path.name in _OLDER_JSON_NAMES:
        return f"annotations/mpii_{path.name.replace('valid', 'val')}"
    return None


def _add_source(source: Path, output: Path, progress: Callable[[str], None]) -> None:
    """Unpacks an archive, or copies a folder or a file, into the layout.

    Raises:
        InputError: If the source contains no file of MPII, or an archive is damaged or unsafe.
    """
    if source.is_file() and archives.is_archive(source):
        done = archives.extract(source, output, place=path_in_layout, progress=progress)
        _log.info(f"=> {source}: {done.written} files written, {done.kept} already existed")
        _log.info(
            f"=> left out: {done.macos} macOS files (._*, .DS_Store), {done.ignored} files that "
            "are not part of MPII"
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
    _log.info(f"=> {source}: {written} files copied, {kept} already existed, {ignored} left out")
    if not written + kept:
        raise InputError(
            f"{source}: contains no file of MPII; expected images/*.jpg, mpii_*.json, mpii_*.mat, "
            "or an archive of them"
        )


def _files(source: Path) -> Iterator[tuple[str, Path]]:
    """Yields (name for `path_in_layout`, path) of a file, or of all files of a folder, sorted."""
    if source.is_file():
        yield source.name, source
        return
    for folder, names, files in os.walk(source):
        names.sort()
        for name in sorted(files):
            path = Path(folder) / name
            # The folder's own name is part of the path, because D/images itself may be given.
            yield (Path(source.resolve().name) / path.relative_to(source)).as_posix(), path


def _convert_release(folder: Path) -> list[str]:
    """Creates missing annotation files from the official release, if `folder` contains it.

    Returns:
        A text on what is missing for the conversion; empty if nothing is.
    """
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
        f"=> {source}: {len(people)} people with joints (HRNet's JSON files list 25,204 of them), "
        f"{release.left_out} without"
    )
    converted = {"test": release.test}
    val_records = _records(wanted["val"]) if wanted["val"].exists() else None
    if mat.exists() or val_records is not None:
        truth = mpii.read_ground_truth(mat) if mat.exists() else None
        train, val = mpii_release.split(people, truth=truth, val_records=val_records)
        converted["train"] = [people[n] for n in train]
        converted["val"] = [people[n] for n in val]
        converted["trainval"] = [*converted["train"], *converted["val"]]
        if not mat.exists():
            mpii_release.write_ground_truth(mat, converted["val"], release.head_boxes[val])
            _log.info(f"=> {mat}: {len(val)} people")
    else:
        converted["trainval"] = people
    for split, records in converted.items():
        # An earlier run without the list of the validation people wrote all people to trainval.
        is_outdated = (
            split == "trainval"
            and wanted[split].exists()
            and _records(wanted[split]) == people != records
        )
        if records and (is_outdated or not wanted[split].exists()):
            mpii_release.write_records(wanted[split], records)
            _log.info(f"=> {wanted[split]}: {len(records)} people")
    return [] if "val" in converted else [SPLIT_HINT]


def _complete(folder: Path) -> list[str]:
    """Creates trainval from train and val if it is missing.

    Returns:
        A text for each required annotation file that is missing.
    """
    train, val, both = (folder / f"mpii_{split}.json" for split in ("train", "val", "trainval"))
    if train.exists() and val.exists() and not both.exists():
        mpii_release.write_records(both, [*_records(train), *_records(val)])
        _log.info(f"=> {both}: created from train and val")
    needed = (train, val, folder / "mpii_gt_val.mat")
    return [f"{path}, which training and evaluation need" for path in needed if not path.exists()]


def _records(path: Path) -> list[dict[str, Any]]:
    """Returns the records of a JSON file.

    Raises:
        InputError: If the file is not a list of records.
    """
    records = read_json(path, "delete it and repeat the command")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(
            f"{path}: expected a list of records, as in MPII's JSON files, got "
            f"{type(records).__name__}"
        )
    return records


def _summarize(output: Path) -> list[str]:
    """Logs the counts of each split beside the published ones.

    Returns:
        A text for each split, except "test", of which images are missing.
    """
    missing = []
    folder = output / "images"
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
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
                    f"{len(absent)} images of {path}, e.g. {absent[0]}; unpack or download the "
                    "archive again"
                )
        _log.info(line)
    return missing

"""`python scripts/prepare_mpii.py`: an archive of MPII, or its official release, into the layout that training reads."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from paddle_pose.errors import InputError

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


def build_parser() -> argparse.ArgumentParser:
    """Returns the command's flags."""
    parser = argparse.ArgumentParser(
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Makes D/images/*.jpg, D/annotations/mpii_{train,val,trainval,test}.json and mpii_gt_val.mat from\n"
        "  - the AI Studio archive mpii.tar.gz, or a folder of it, or\n"
        "  - the official mpii_human_pose_v1.tar.gz (images), with --annotations mpii_human_pose_v1_u12_2.zip (or\n"
        "    the .mat in it), and --annotations mpii_gt_val.mat or mpii_val.json for the split.\n"
        "Interrupted, it goes on when it is called again; called once more, it changes nothing.",
        epilog="Exit codes: 0 complete; 1 written, but something is missing (it says what); 2 an error.",
    )
    parser.add_argument(
        "source", type=Path, metavar="ARCHIVE_OR_FOLDER", help="tar, tar.gz or zip, or an unpacked folder"
    )
    parser.add_argument(
        "--annotations",
        type=Path,
        action="append",
        default=[],
        metavar="X",
        help="more annotations: a .mat, .json, folder or archive; may be repeated",
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="D", help="the data set's folder, made if missing"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Raises:
        FileNotFoundError: If a file is missing.
        InputError: If an archive is damaged or hostile, or a file is not what it should be.
    """
    arguments = build_parser().parse_args(argv)
    output = arguments.output
    for source in (arguments.source, *arguments.annotations):
        if not source.exists():
            raise FileNotFoundError(f"{source}: not found; give an archive, a file or a folder of MPII")
    for source in (arguments.source, *arguments.annotations):
        _gather(source, output)
    folder = output / "annotations"
    if not folder.is_dir() or not (output / "images").is_dir():
        what = "annotations (*.json, *.mat)" if not folder.is_dir() else "images (images/*.jpg)"
        print(f"Missing: {arguments.source} holds no {what}; give them too, e.g. with --annotations", file=sys.stderr)
        return 1
    missing = _from_release(folder) or _complete(folder)
    missing += _summary(output)
    for text in missing:
        print(f"Missing: {text}", file=sys.stderr)
    print(f"Next: python scripts/check_dataset.py --dataset_root {shlex.quote(str(output))}")
    if not missing:
        print(f"Then: python train.py --dataset_root {shlex.quote(str(output))} --image_size 256")
    return 1 if missing else 0


def place(name: str) -> str | None:
    """Returns where a file of an archive belongs below D, or None where it is no part of the data set.

    Example:
        >>> place("mpii/images/015601864.jpg"), place("annot/gt_valid.mat"), place("mpii/README.txt")
        ('images/015601864.jpg', 'annotations/mpii_gt_val.mat', None)
    """
    path = PurePosixPath(name)
    if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
        return f"images/{path.name}" if path.parent.name == "images" else None
    if path.name in _MAT_NAMES:
        return f"annotations/{_MAT_NAMES[path.name]}"
    if path.name.startswith("mpii_") and path.suffix in (".json", ".mat"):
        return f"annotations/{path.name}"
    if path.name in ("train.json", "valid.json", "val.json", "trainval.json", "test.json"):  # HRNet's older names
        return f"annotations/mpii_{path.name.replace('valid', 'val')}"
    return None


def _gather(source: Path, output: Path) -> None:
    """Puts what an archive, folder or file holds in its place."""
    from paddle_pose.io import archives

    if source.is_file() and archives.is_archive(source):
        done = archives.extract(source, output, place=place, progress=_progress)
        print(f"=> {source}: {done.written} files written, {done.kept} were there already")
        print(f"=> left out: {done.macos} macOS files (._*, .DS_Store), {done.ignored} that are no part of MPII")
        return
    files = list(_files(source))
    written = kept = ignored = 0
    for number, (name, path) in enumerate(files):
        target = place(name) if not archives.is_macos_litter(name) else None
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
            _progress(f"{source}: {100 * number // len(files)} %, {written} files copied")
    print(f"=> {source}: {written} files copied, {kept} were there already, {ignored} left out")
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


def _progress(text: str) -> None:
    print(f"=> {text}", file=sys.stderr, flush=True)


def _from_release(folder: Path) -> list[str]:
    """Makes from the official .mat what the folder lacks; returns what is still missing."""
    from paddle_pose.data import mpii, mpii_release

    wanted = {split: folder / f"mpii_{split}.json" for split in mpii.SPLITS}
    mat = folder / "mpii_gt_val.mat"
    if mat.exists() and all(path.exists() for path in wanted.values()):
        return []
    source = next((path for path in sorted(folder.glob("*.mat")) if mpii_release.is_release(path)), None)
    if source is None:
        return []
    release = mpii_release.read_release(source)
    people = release.trainval
    print(
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
            print(f"=> {mat}: {len(val)} people")
    else:
        made["trainval"] = people
    for split, records in made.items():
        # An earlier run that did not know the split wrote everybody.
        ours = split == "trainval" and wanted[split].exists() and _records(wanted[split]) == people != records
        if records and (ours or not wanted[split].exists()):
            mpii_release.write_records(wanted[split], records)
            print(f"=> {wanted[split]}: {len(records)} people")
    return [] if "val" in made else [WHERE_THE_SPLIT_IS]


def _complete(folder: Path) -> list[str]:
    """Adds the json that follows from the others; returns what cannot be made."""
    from paddle_pose.data import mpii_release

    train, val, both = (folder / f"mpii_{split}.json" for split in ("train", "val", "trainval"))
    if train.exists() and val.exists() and not both.exists():
        mpii_release.write_records(both, [*_records(train), *_records(val)])
        print(f"=> {both}: made of the other two")
    needed = (train, val, folder / "mpii_gt_val.mat")
    return [f"{path}; without it nothing can be trained or measured" for path in needed if not path.exists()]


def _records(path: Path) -> list[dict[str, Any]]:
    try:
        records = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise InputError(f"{path}: not valid JSON ({problem}); delete it and repeat the command") from problem
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"{path}: expected a list of records; is it MPII's json?")
    return records


def _summary(output: Path) -> list[str]:
    """Prints counts beside the published ones; returns what is missing."""
    from paddle_pose.data.check.findings import KNOWN

    missing = []
    there = {path.name for path in (output / "images").iterdir()} if (output / "images").is_dir() else set()
    print(f"=> {len(there)} images; {shutil.disk_usage(output).free / 1e9:.0f} GB are free")
    for split in ("train", "val", "trainval", "test"):
        path = output / "annotations" / f"mpii_{split}.json"
        if not path.exists():
            continue
        records = _records(path)
        names = {str(record.get("image")) for record in records}
        line = f"=> {split}: {len(records):,} samples in {len(names):,} images"
        if split in KNOWN:
            line += " (published: {:,} in {:,})".format(*KNOWN[split])
        absent = sorted(names - there)
        if absent:
            line += f"; {len(absent):,} images missing"
            if split != "test":
                missing.append(f"{len(absent)} images of {path}, e.g. {absent[0]}; is the archive complete?")
        print(line)
    return missing

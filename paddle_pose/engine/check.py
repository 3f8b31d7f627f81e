"""Checks a data set before a training finds out what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from paddle_pose.data.check.coco import check_coco
from paddle_pose.data.check.findings import Report
from paddle_pose.data.check.mpii import check_mpii
from paddle_pose.progress import ProgressFactory, no_progress
from paddle_pose.skeletons import Skeleton

Layout = Literal["mpii", "coco"]


def layout_of(root: Path) -> Layout:
    """Returns the layout that a folder has by its files; "mpii" where they do not tell."""
    coco_files = [path for path, _ in _coco_files(root).values() if path.exists()]
    return "coco" if coco_files and not any(root.glob("annotations/mpii_*.json")) else "mpii"


def check_dataset(
    root: Path,
    layout: Layout | None = None,
    *,
    skeleton: Skeleton | None = None,
    decode: str = "all",
    progress: ProgressFactory = no_progress,
) -> Report:
    """Checks a data set in MPII's or COCO's layout; damage is reported, never raised.

    Args:
        root: Folder of the data set.
        layout: Layout of the folder; None takes what its files tell.
        skeleton: Skeleton of the network to train, for COCO's layout; None takes the joints that
            the files name, or COCO's.
        decode: Images whose pixels are decoded: "all", "sample" (200 of them) or "none".
        progress: Makes the progress over the images.

    Raises:
        FileNotFoundError: If there is no such folder.
        InputError: If `decode` is unknown.
    """
    if (layout or layout_of(root)) == "mpii":
        return check_mpii(root, decode, progress)
    return check_coco(_coco_files(root), skeleton, decode, progress)


def check_annotations(
    annotations: Mapping[str, Path],
    image_folder: Path,
    *,
    skeleton: Skeleton | None = None,
    decode: str = "all",
    progress: ProgressFactory = no_progress,
) -> Report:
    """Checks annotation files in COCO's format; damage is reported, never raised.

    Args:
        annotations: Annotation file of "train", "val" or both.
        image_folder: Folder of the images that the files name.
        skeleton: Skeleton of the network to train; None takes the joints that the files name,
            or COCO's.
        decode: Images whose pixels are decoded: "all", "sample" (200 of them) or "none".
        progress: Makes the progress over the images.

    Raises:
        InputError: If `decode` is unknown.
    """
    files = {split: (path, image_folder) for split, path in annotations.items()}
    return check_coco(files, skeleton, decode, progress)


def _coco_files(root: Path) -> dict[str, tuple[Path, Path]]:
    """Returns the annotation file and the folder of images of each split in COCO's layout."""
    return {
        split: (root / "annotations" / f"person_keypoints_{split}2017.json", root / f"{split}2017")
        for split in ("train", "val")
    }

"""Check of a data set before training: counts, images, joints, boxes and ids."""

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
    """Returns the layout of a data set's folder, recognised by the names of its annotation files.

    Args:
        root: Folder of the data set.

    Returns:
        "coco" if the folder has COCO's annotation files and none of MPII's, else "mpii", also for a
        folder that is missing or empty.
    """
    coco_files = [path for path, _ in _coco_files(root).values() if path.exists()]
    return "coco" if coco_files and not any(root.glob("annotations/mpii_*.json")) else "mpii"


def check_dataset(
    root: Path,
    layout: Layout | None = None,
    *,
    skeleton: Skeleton | None = None,
    decode: str = "all",
    boxes_from_keypoints: bool = False,
    progress: ProgressFactory = no_progress,
) -> Report:
    """Returns the findings of a check of a data set in MPII's or COCO's layout.

    Missing and damaged files are findings of the report, not exceptions. No file is changed.

    Args:
        root: Folder of the data set.
        layout: Layout of the folder; None recognises it by the files, see `layout_of`.
        skeleton: Skeleton of the network to train, for COCO's layout; None takes COCO's 17 joints.
        decode: Images whose pixels are decoded: "all", "sample" (200 of them) or "none".
        boxes_from_keypoints: Whether people without a box or an area get those round their labelled
            joints, for COCO's layout; see `data.boxes_from_keypoints`.
        progress: Function that returns a progress callback, given the number of images and their
            unit; see `progress.ProgressFactory`.

    Raises:
        FileNotFoundError: If the folder does not exist.
        InputError: If `decode` is none of the three values.
    """
    if (layout or layout_of(root)) == "mpii":
        return check_mpii(root, decode, progress)
    return check_coco(
        _coco_files(root), skeleton, decode, progress, boxes_from_keypoints=boxes_from_keypoints
    )


def check_annotations(
    annotations: Mapping[str, Path],
    image_folder: Path,
    *,
    skeleton: Skeleton | None = None,
    decode: str = "all",
    boxes_from_keypoints: bool = False,
    progress: ProgressFactory = no_progress,
) -> Report:
    """Returns the findings of a check of annotation files in COCO's format, anywhere on disk.

    Missing and damaged files are findings of the report, not exceptions. No file is changed.

    Args:
        annotations: Path of the annotation file by split: "train", "val" or both.
        image_folder: Folder with the images of all splits.
        skeleton: Skeleton of the network to train; None takes the joints that the training file
            names.
        decode: Images whose pixels are decoded: "all", "sample" (200 of them) or "none".
        boxes_from_keypoints: Whether people without a box or an area get those round their labelled
            joints; see `data.boxes_from_keypoints`.
        progress: Function that returns a progress callback, given the number of images and their
            unit; see `progress.ProgressFactory`.

    Raises:
        InputError: If `decode` is none of the three values.
    """
    files = {split: (path, image_folder) for split, path in annotations.items()}
    return check_coco(
        files,
        skeleton,
        decode,
        progress,
        names_skeleton=True,
        boxes_from_keypoints=boxes_from_keypoints,
    )


def _coco_files(root: Path) -> dict[str, tuple[Path, Path]]:
    """Returns (annotation file, image folder) of each split of a folder in COCO's layout."""
    return {
        split: (root / "annotations" / f"person_keypoints_{split}2017.json", root / f"{split}2017")
        for split in ("train", "val")
    }

"""Data sets of synthetic people in the published MPII and COCO layouts: for tests and a first run.

Source: MPII as distributed for HRNet (`mpii_{train,val,trainval}.json`, `mpii_gt_val.mat`), COCO
    person keypoints 2017.
Checked against: keys, shapes and types of the published files and their conventions: 1-based
    joints, -1 (json) or 0 (mat) when missing; the centre before the shift by +15 x scale; the head
    box with 0.6 x diagonal = 0.75 x the distance from neck to head top.
Differs: `scale` is the longer side of the painted person / 200 (MPII's is a rough standing height),
    so that the window of 1.25 x 200 x scale px holds the whole person.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.scene import SyntheticPerson, draw_scene
from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import atomic
from paddle_pose.io.locks import locked

_log = logging.getLogger("paddle_pose")

VERSION = 1  # raise it whenever the same arguments draw another image
STAMP = "synthetic.json"  # written last: the folder is complete
_BEGUN = "synthetic.begun.json"  # written first: the folder is ours
_SPLITS = {"train": 0, "val": 1}
_MPII_JOINTS = (
    *("rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor"),
    *("neck", "head", "rwri", "relb", "rsho", "lsho", "lelb", "lwri"),
)
_COCO_JOINTS = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
_COCO_LIMBS = (
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9)),
    *((8, 10), (9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)


@dataclass(frozen=True)
class _Request:
    """The arguments of a data set; its JSON is the stamp."""

    layout: str
    num_train: int
    num_val: int
    seed: int
    size: tuple[int, int]
    persons: tuple[int, int]
    style: Style

    def __post_init__(self) -> None:
        min_persons, max_persons = self.persons
        persons_fit = 1 <= min_persons <= max_persons
        if (
            min(self.num_train, self.num_val, self.seed) < 0
            or min(self.size) < 32
            or not persons_fit
        ):
            raise InputError(
                f"cannot draw {self}: counts and seed must be >= 0, sides >= 32 px, "
                "persons (least, most) with 1 <= least <= most"
            )

    def stamp(self) -> dict[str, Any]:
        stamp: dict[str, Any] = json.loads(json.dumps({"version": VERSION, **asdict(self)}))
        return stamp


def write_mpii(
    folder: Path,
    *,
    num_train: int,
    num_val: int,
    seed: int = 0,
    size: tuple[int, int] = (256, 256),
    persons: tuple[int, int] = (1, 1),
    style: Style = Style(),  # noqa: B008 (frozen)
) -> Path:
    """Draw a data set in the MPII layout: `images/*.jpg` and `annotations/mpii_*`, 1-based.

    A folder complete for the same arguments is left alone; an interrupted one is drawn again; one that another process is
    drawing is waited for.

    Args:
        folder: Made if absent; may hold nothing else.
        num_train: Images (not people) for training.
        num_val: Images for validation.
        seed: The same seed draws the same bytes.
        size: (width, height) of every image, px.
        persons: Least and most people in an image.
        style: How hard the images are.

    Returns:
        `folder`.

    Raises:
        InputError: `folder` holds something else, or an argument is out of range.
    """
    request = _Request("mpii", num_train, num_val, seed, size, persons, style)
    return _write(Path(folder), request, _draw_mpii)


def write_coco(
    folder: Path,
    *,
    num_train: int,
    num_val: int,
    seed: int = 0,
    size: tuple[int, int] = (256, 256),
    persons: tuple[int, int] = (1, 1),
    style: Style = Style(),  # noqa: B008 (frozen)
) -> Path:
    """Draw a data set in the COCO layout; the images of `write_mpii`, keypoints 0-based.

    Writes `train2017/`, `val2017/` and `annotations/person_keypoints_{train,val}2017.json`. `area`
    counts painted pixels; eyes, ears and noses turned away from the viewer are not labelled.
    Arguments, result and errors as for `write_mpii`. Groups that touch each other at times:
    `persons=(2, 4), style=Style(overlap=0.4)`.
    """
    request = _Request("coco", num_train, num_val, seed, size, persons, style)
    return _write(Path(folder), request, _draw_coco)


def _draw_mpii(root: Path, request: _Request) -> None:
    records: dict[str, list[dict[str, Any]]] = {}
    persons: dict[str, list[SyntheticPerson]] = {}
    for split, count in (("train", request.num_train), ("val", request.num_val)):
        names = [f"{_SPLITS[split]}{index + 1:08d}.jpg" for index in range(count)]
        records[split], persons[split] = [], []
        for index, people in _images(root / "images", names, split, request):
            records[split] += [_mpii_record(person, names[index]) for person in people]
            persons[split] += people
    for split, listed in (*records.items(), ("trainval", records["train"] + records["val"])):
        _write_json(root / f"annotations/mpii_{split}.json", listed)
    labelled = np.array([record["joints_vis"] for record in records["val"]]).reshape(-1, 16)
    joints = np.array([record["joints"] for record in records["val"]], float).reshape(-1, 16, 2)
    boxes = np.array([person.head_box for person in persons["val"]], float).reshape(-1, 2, 2) + 1
    truth = {
        "dataset_joints": np.array([_MPII_JOINTS], object),
        "jnt_missing": (1 - labelled.T).astype(np.uint8),
        "pos_gt_src": np.where(labelled[..., None] > 0, joints, 0.0).transpose(1, 2, 0),
        "headboxes_src": boxes.transpose(1, 2, 0),
    }
    content = io.BytesIO()
    needed("scipy.io", "scipy>=1.10", "train").savemat(content, truth)
    # the first 116 bytes are free text, where SciPy writes the time: the same seed, the same bytes
    free_text = b"MATLAB 5.0 MAT-file, synthetic people".ljust(116)
    atomic.write_bytes(root / "annotations/mpii_gt_val.mat", free_text + content.getvalue()[116:])


def _mpii_record(person: SyntheticPerson, name: str) -> dict[str, Any]:
    x, y, width, height = person.box
    scale = max(width, height) / 200
    labelled = person.mpii_visible > 0
    joints = np.where(labelled[:, None], person.mpii + 1, -1.0)
    # the readers' window stands round (center_x, center_y + 15 * scale) - 1
    center = (x + width / 2 + 1, y + height / 2 + 1 - 15 * scale)
    return {
        "joints_vis": labelled.astype(int).tolist(),
        "joints": np.round(joints, 4).tolist(),
        "image": name,
        "scale": round(scale, 6),
        "center": [round(value, 4) for value in center],
    }


def _draw_coco(root: Path, request: _Request) -> None:
    category = {
        "supercategory": "person",
        "id": 1,
        "name": "person",
        "keypoints": _COCO_JOINTS,
        "skeleton": _COCO_LIMBS,
    }
    for split, count in (("train", request.num_train), ("val", request.num_val)):
        ids = [_SPLITS[split] * 1_000_000 + index + 1 for index in range(count)]
        names = [f"{image_id:012d}.jpg" for image_id in ids]
        annotations = []
        for index, people in _images(root / f"{split}2017", names, split, request):
            for number, person in enumerate(people):
                labelled = person.coco_visible > 0
                points = np.column_stack([np.round(person.coco, 4), person.coco_visible])
                points[~labelled] = 0
                annotations.append(
                    {
                        "id": ids[index] * 100 + number,
                        "image_id": ids[index],
                        "category_id": 1,
                        "iscrowd": 0,
                        "area": person.area,
                        "bbox": [round(value, 4) for value in person.box],
                        "num_keypoints": int(labelled.sum()),
                        "keypoints": points.ravel().tolist(),
                    }
                )
        images = [
            {"id": i, "file_name": name, "width": request.size[0], "height": request.size[1]}
            for i, name in zip(ids, names, strict=True)
        ]
        content = {
            "info": {"description": f"synthetic people, seed {request.seed}, version {VERSION}"},
            "licenses": [],
            "images": images,
            "annotations": annotations,
            "categories": [category],
        }
        _write_json(root / f"annotations/person_keypoints_{split}2017.json", content)


def _images(
    folder: Path, names: list[str], split: str, request: _Request
) -> Iterator[tuple[int, list[SyntheticPerson]]]:
    """Draw and store the images of one split; yield (index, people)."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        rng = np.random.default_rng((request.seed, _SPLITS[split], index))
        drawing = draw_scene(rng, request.size, request.persons, request.style)
        _, jpeg = cv2.imencode(".jpg", drawing.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])
        atomic.write_bytes(folder / name, jpeg.tobytes())
        if (index + 1) * 5 // len(names) > index * 5 // len(names):
            _log.info(f"=> drew {index + 1}/{len(names)} {split} images in {folder}")
        yield index, list(drawing.persons)


def is_synthetic(folder: str | Path | None) -> bool:
    """Returns whether a folder holds synthetic people, completely written."""
    return folder is not None and (Path(folder) / STAMP).is_file()


def _write(folder: Path, request: _Request, draw: Callable[[Path, _Request], None]) -> Path:
    """Run `draw` between the two stamps, unless `folder` is complete already."""
    if _is_complete(folder, request):
        return folder
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder that is empty or does not exist yet")
    _check_ours(folder, request)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, what="this data set", wait=True):
        if not _is_complete(folder, request):  # another process may have drawn it
            _check_ours(folder, request)
            _write_json(folder / _BEGUN, request.stamp())
            (folder / "annotations").mkdir(exist_ok=True)
            draw(folder, request)
            _write_json(folder / STAMP, request.stamp())
            (folder / _BEGUN).unlink(missing_ok=True)
    return folder


def _is_complete(folder: Path, request: _Request) -> bool:
    """Tells whether a folder holds what is asked for.

    Raises:
        InputError: If it is complete for other arguments.
    """
    if not (folder / STAMP).is_file():
        return False
    found, arguments = json.loads((folder / STAMP).read_text("utf-8")), request.stamp()
    # A part of the style that an older version did not know had its default.
    found["style"] = {**asdict(Style()), **found.get("style", {})}
    changed = [key for key in arguments if found.get(key) != arguments[key]]
    if found != arguments:
        raise InputError(
            f"{folder} was drawn with {[(key, found.get(key)) for key in changed]}, asked for are "
            f"{[(key, arguments[key]) for key in changed]}: choose another folder or delete it"
        )
    return True


def _check_ours(folder: Path, request: _Request) -> None:
    """Refuses a folder that holds anything but a drawing with the same arguments, begun or (by another process) complete."""
    try:
        ours = json.loads((folder / _BEGUN).read_text("utf-8")) == request.stamp()
    except FileNotFoundError:  # looked for first: it goes when the other one is there
        ours = (folder / STAMP).is_file()
    # hidden files are drafts and locks
    if (
        not ours
        and folder.exists()
        and any(not path.name.startswith(".") for path in folder.iterdir())
    ):
        raise InputError(
            f"{folder} holds other files (or an unfinished drawing with other arguments): "
            "choose an empty folder, or delete this one"
        )


def _write_json(path: Path, content: Any) -> None:
    atomic.write_text(path, json.dumps(content))

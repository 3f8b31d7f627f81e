"""Data sets of synthetic people in the layouts of MPII and COCO, for tests and a first run.

Source: MPII as distributed for HRNet (`mpii_{train,val,trainval}.json`, `mpii_gt_val.mat`); COCO
    person keypoints 2017.
Checked against: Keys, shapes and types of the published files, and their conventions: 1-based
    joints, which are -1 (JSON) or 0 (.mat) if missing; the centre before the shift by +15 x scale;
    head boxes with 0.6 x diagonal = 0.75 x the distance from neck to head top.
Differs: `scale` is the longer side of the visible person / 200 (in MPII a rough standing height /
    200), so that the window of 1.25 x 200 x scale px contains the whole person.
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

from paddle_pose.data.mpii_release import MAT_JOINTS
from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.scene import SyntheticPerson, draw_scene
from paddle_pose.environment import needed
from paddle_pose.errors import InputError
from paddle_pose.io import atomic
from paddle_pose.io.json_files import read_json
from paddle_pose.io.locks import locked
from paddle_pose.skeletons import COCO_17

_log = logging.getLogger("paddle_pose")

VERSION = 1  # to be increased whenever the same arguments give other images
STAMP = "synthetic.json"  # written last; the folder is complete
_STARTED = "synthetic.begun.json"  # written first; the folder was created by this module
_SPLITS = {"train": 0, "val": 1}
# Pairs of positions in `COCO_17.joints`, counted from 1, as in COCO.
_COCO_LIMBS = (
    (16, 14),
    (14, 12),
    (17, 15),
    (15, 13),
    (12, 13),
    (6, 12),
    (7, 13),
    (6, 7),
    (6, 8),
    (7, 9),
    (8, 10),
    (9, 11),
    (2, 3),
    (1, 2),
    (1, 3),
    (2, 4),
    (3, 5),
    (4, 6),
    (5, 7),
)


@dataclass(frozen=True)
class _Request:
    """Arguments of a data set; their JSON is stored in the data set's folder, in the file `STAMP`.

    Attributes:
        layout: "mpii" or "coco".
        num_train: Number of training images.
        num_val: Number of validation images.
        seed: Seed of all random numbers.
        size: (width, height) of each image in px.
        persons: Smallest and largest number of people in an image.
        style: Difficulty of the images.
    """

    layout: str
    num_train: int
    num_val: int
    seed: int
    size: tuple[int, int]
    persons: tuple[int, int]
    style: Style

    def __post_init__(self) -> None:
        min_persons, max_persons = self.persons
        requirements = {
            "num_train": (self.num_train >= 0, "a number >= 0"),
            "num_val": (self.num_val >= 0, "a number >= 0"),
            "seed": (self.seed >= 0, "a number >= 0"),
            "size": (min(self.size) >= 32, "(width, height), both >= 32 px"),
            "persons": (1 <= min_persons <= max_persons, "(min, max) with 1 <= min <= max"),
        }
        for name, (is_valid, expected) in requirements.items():
            if not is_valid:
                raise InputError(
                    f"synthetic data set: {name} is {getattr(self, name)}; expected {expected}"
                )

    def stamp(self) -> dict[str, Any]:
        """Returns the content of the data set's stamp, as read from JSON."""
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
    """Writes a data set of synthetic people in MPII's layout and returns its folder.

    The layout is "images/*.jpg", "annotations/mpii_{train,val,trainval}.json" with 1-based joints,
    and "annotations/mpii_gt_val.mat", which `data.mpii.read_mpii` reads. A folder that is complete
    for the same arguments is not changed, and an interrupted one is written again. If another
    process is writing the folder, this call waits.

    Args:
        folder: Folder of the data set, created if it is missing; it must not contain other files.
        num_train: Number of images (not of people) for training, 0 or more.
        num_val: Number of images (not of people) for validation, 0 or more.
        seed: Seed of all random numbers, 0 or more; the same arguments give the same bytes.
        size: (width, height) of each image in px, both at least 32.
        persons: Smallest (at least 1) and largest number of people in an image.
        style: Difficulty of the images.

    Raises:
        InputError: If the folder contains something else, such as a data set with other arguments,
            or an argument is out of range.
        MissingDependencyError: If SciPy is not installed.
        OSError: If a file cannot be written.
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
    """Writes a data set of synthetic people in COCO's layout and returns its folder.

    The images are those of `write_mpii` for the same arguments, and so are the rules for folders
    that are complete, interrupted or in use. The layout is "train2017/*.jpg", "val2017/*.jpg" and
    "annotations/person_keypoints_{train,val}2017.json" with 0-based keypoints, which
    `data.coco.read_coco` reads. "area" is the number of pixels of a person; eyes, ears and noses
    that are turned away from the viewer are not labelled. `persons=(2, 4),
    style=Style(overlap=0.4)` gives groups whose people sometimes overlap.

    Args:
        folder: Folder of the data set, created if it is missing; it must not contain other files.
        num_train: Number of images (not of people) for training, 0 or more.
        num_val: Number of images (not of people) for validation, 0 or more.
        seed: Seed of all random numbers, 0 or more; the same arguments give the same bytes.
        size: (width, height) of each image in px, both at least 32.
        persons: Smallest (at least 1) and largest number of people in an image.
        style: Difficulty of the images.

    Raises:
        InputError: If the folder contains something else, such as a data set with other arguments,
            or an argument is out of range.
        OSError: If a file cannot be written.
    """
    request = _Request("coco", num_train, num_val, seed, size, persons, style)
    return _write(Path(folder), request, _draw_coco)


def _draw_mpii(root: Path, request: _Request) -> None:
    """Writes the images and annotations of a data set in MPII's layout."""
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
        "dataset_joints": np.array([MAT_JOINTS], object),
        "jnt_missing": (1 - labelled.T).astype(np.uint8),
        "pos_gt_src": np.where(labelled[..., None] > 0, joints, 0.0).transpose(1, 2, 0),
        "headboxes_src": boxes.transpose(1, 2, 0),
    }
    content = io.BytesIO()
    needed("scipy.io", "scipy>=1.10", "train").savemat(content, truth)
    # The first 116 bytes are free text, in which SciPy writes the time. They are replaced so that
    # the same seed gives the same bytes.
    free_text = b"MATLAB 5.0 MAT-file, synthetic people".ljust(116)
    atomic.write_bytes(root / "annotations/mpii_gt_val.mat", free_text + content.getvalue()[116:])


def _mpii_record(person: SyntheticPerson, name: str) -> dict[str, Any]:
    """Returns MPII's record of a person in the image `name`."""
    x, y, width, height = person.box
    scale = max(width, height) / 200
    labelled = person.mpii_visible > 0
    joints = np.where(labelled[:, None], person.mpii + 1, -1.0)
    # Readers place the window around (center_x, center_y + 15 * scale) - 1.
    center = (x + width / 2 + 1, y + height / 2 + 1 - 15 * scale)
    return {
        "joints_vis": labelled.astype(int).tolist(),
        "joints": np.round(joints, 4).tolist(),
        "image": name,
        "scale": round(scale, 6),
        "center": [round(value, 4) for value in center],
    }


def _draw_coco(root: Path, request: _Request) -> None:
    """Writes the images and annotations of a data set in COCO's layout."""
    category = {
        "supercategory": "person",
        "id": 1,
        "name": "person",
        "keypoints": COCO_17.joints,
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
    """Writes the images of one split and yields the index and the people of each."""
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
    """Writes a data set with `draw`, unless the folder is complete, and returns the folder.

    Raises:
        InputError: If the folder contains something else.
    """
    if _is_complete(folder, request):
        return folder
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: give a folder that is empty or does not exist yet")
    _check_owned(folder, request)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, what="this data set", wait=True):
        if not _is_complete(folder, request):  # another process may have completed it
            _check_owned(folder, request)
            _write_json(folder / _STARTED, request.stamp())
            (folder / "annotations").mkdir(exist_ok=True)
            draw(folder, request)
            _write_json(folder / STAMP, request.stamp())
            (folder / _STARTED).unlink(missing_ok=True)
    return folder


def _is_complete(folder: Path, request: _Request) -> bool:
    """Returns whether a folder contains the complete data set of these arguments.

    Raises:
        InputError: If the folder is complete for other arguments.
    """
    if not (folder / STAMP).is_file():
        return False
    stored = read_json(folder / STAMP)
    requested = request.stamp()
    # Fields of the style that an older version did not have had their defaults.
    stored["style"] = {**asdict(Style()), **stored.get("style", {})}
    if stored != requested:
        old, new = _flat(stored), _flat(requested)
        changed = [key for key in new if old.get(key) != new[key]]
        got = ", ".join(f"{key}={old.get(key)!r}" for key in changed)
        expected = ", ".join(f"{key}={new[key]!r}" for key in changed)
        raise InputError(
            f"{folder} contains a synthetic data set with other arguments: {got}; requested: "
            f"{expected}. Choose another folder, or delete this one"
        )
    return True


def _flat(stamp: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of a stamp, with the fields of its style as "style.NAME"."""
    style = {f"style.{key}": value for key, value in stamp["style"].items()}
    return {**{key: value for key, value in stamp.items() if key != "style"}, **style}


def _check_owned(folder: Path, request: _Request) -> None:
    """Checks that a folder is empty, or contains this data set, incomplete or complete.

    Raises:
        InputError: If the folder contains something else.
    """
    # Hidden files are unfinished files and locks. The folder is listed first: another process that
    # writes this data set makes `_STARTED` before the other files, and deletes it after `STAMP`.
    if not folder.exists() or all(path.name.startswith(".") for path in folder.iterdir()):
        return
    try:
        owned = read_json(folder / _STARTED) == request.stamp()
    except FileNotFoundError:
        owned = (folder / STAMP).is_file()
    if not owned:
        raise InputError(
            f"{folder} contains other files, or an incomplete synthetic data set with other "
            "arguments: choose an empty folder, or delete this one"
        )


def _write_json(path: Path, content: Any) -> None:
    """Writes a JSON file atomically."""
    atomic.write_text(path, json.dumps(content))

"""Makes the images of README: a photograph and a film of synthetic people, with predicted poses.

    python -m scripts.build_docs_images
    python -m scripts.build_docs_images --from_file FOLDER

docs/people_poses.jpg is what `predict.py docs/people.jpg` draws. docs/film.webp is what
`predict.py film.mp4 --track --smooth` draws into a film in which one synthetic person squats and
two walk. Both are predictions of the default networks, not retouched.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from paddle_pose.cli import predict
from paddle_pose.data.synthetic.body import SIDES, Body, Style, rotation, sample_appearance
from paddle_pose.data.synthetic.figure import Figure, fill, person_parts
from paddle_pose.data.synthetic.motion import squats, walk
from paddle_pose.io.videos import VideoWriter, read_video
from paddle_pose.skeletons import COCO_17

ROOT = Path(__file__).resolve().parents[1]
SIZE = (640, 360)  # (width, height) of the film in px
SECONDS, RATE = 5.0, 25.0
SHOWN_SIZE, EVERY = (480, 270), 2  # of the animation: size in px, and every which frame it shows
HEIGHT = 250.0  # of the people in px
HEAD_LENGTH = 0.17  # in heights of the body
# Distance of the joints of a side from the middle, in heights of the body.
WIDTHS = {
    "shoulder": 0.07,
    "elbow": 0.08,
    "wrist": 0.08,
    "hip": 0.035,
    "knee": 0.035,
    "ankle": 0.03,
}


def film(seed: int) -> list[np.ndarray]:
    """Returns the frames of a film of three synthetic people, uint8 RGB [H, W, 3].

    Args:
        seed: Seed of the clothes.
    """
    rng = np.random.default_rng(seed)
    width, height = SIZE
    wall = np.array([206.0, 214.0, 222.0])
    empty = np.empty((height, width, 3), np.uint8)
    empty[:] = wall
    empty[int(0.72 * height) :] = (150, 138, 126)
    style = Style(odd_sides=0.0, thickness=(1.1, 1.3), contrast=120.0)
    seconds = np.arange(round(SECONDS * RATE)) / RATE
    floor = 0.92 * height
    tracks = [
        squats(seconds, 2.5, height=HEIGHT) + np.array([-0.02 * width, floor - HEIGHT]),
        walk(seconds, 0.13 * width, HEIGHT) + np.array([0.42 * width, floor]),
        walk(seconds, 0.13 * width, HEIGHT) + np.array([0.74 * width, floor]),
    ]
    clothes = [sample_appearance(rng, style, wall) for _ in tracks]
    frames = []
    for number in range(len(seconds)):
        image = empty.copy()
        for track, appearance in zip(tracks, clothes, strict=True):
            joints = track[number]
            figure = Figure(body(joints), appearance, joints[11:13].mean(axis=0), HEIGHT)
            for part in person_parts(figure):
                for layer in part.layers:
                    fill(image, layer.polygon, layer.color)
        frames.append(image)
    return frames


def body(keypoints: np.ndarray) -> Body:
    """Returns the body with these joints, turned half to the viewer.

    Args:
        keypoints: Joints in COCO's order of a person seen from the side, [17, 2] (x, y) in px.
    """
    joints = dict(zip(COCO_17.joints, keypoints / HEIGHT, strict=True))
    hips = (joints["left_hip"] + joints["right_hip"]) / 2
    forward = float(np.sign(joints["nose"][0] - joints["left_shoulder"][0]))
    torso, head = rotation(y=50 * forward), rotation(y=35 * forward)
    points = {"pelvis": np.zeros(3)}
    for side, sign in SIDES.items():
        for name, width in WIDTHS.items():
            point = joints[f"{'left' if side == 'l' else 'right'}_{name}"] - hips
            points[f"{side}_{name}"] = np.append(point, 0) + torso @ (sign * width, 0, 0)
        forearm = points[f"{side}_wrist"] - points[f"{side}_elbow"]
        points[f"{side}_hand"] = points[f"{side}_wrist"] + 0.3 * forearm
        points[f"{side}_toe"] = points[f"{side}_ankle"] + (0.075 * forward, 0.02, 0.02)
    points["thorax"] = (points["l_shoulder"] + points["r_shoulder"]) / 2
    points["neck"] = points["thorax"] + (0.01 * forward, -0.045, 0)

    def on_head(x: float, up: float, out: float) -> np.ndarray:
        """Returns a point of the head from its offset to the neck, in head lengths."""
        point: np.ndarray = points["neck"] + HEAD_LENGTH * (head @ (x, -up, out))
        return point

    points["head_top"] = on_head(0, 1, 0)
    points["nose"] = on_head(0, 0.36, 0.40)
    for side, sign in SIDES.items():
        points[f"{side}_eye"] = on_head(0.14 * sign, 0.50, 0.34)
        points[f"{side}_ear"] = on_head(0.36 * sign, 0.45, 0)
    return Body(points, torso, head, HEAD_LENGTH, "walking")


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(description="Makes the images of README.")
    parser.add_argument(
        "--from_file", nargs="+", metavar="F", help="local copies of the default networks"
    )
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs", help="folder of the images (default: docs)"
    )
    parser.add_argument("--seed", type=int, default=5, help="seed of the clothes (default: 5)")
    return parser


def main() -> int:
    """Makes both images; returns the exit status."""
    arguments = build_parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        clip = work / "film.mp4"
        writer = VideoWriter(clip, SIZE, RATE)
        for frame in film(arguments.seed):
            writer.write(frame)
        writer.close()
        copies = ["--from_file", *arguments.from_file] if arguments.from_file else []
        photo = ROOT / "docs" / "people.jpg"
        for place, flags in ((photo, []), (clip, ["--track", "--smooth"])):
            output = ["--output", str(work / place.stem), "--save", "drawing", *copies]
            if status := predict.main([str(place), *flags, *output]):
                return status
        drawing = Image.open(work / "people" / "people.png").convert("RGB")
        drawing.save(arguments.output / "people_poses.jpg", quality=88, optimize=True)
        frames = [pixels for pixels, *_ in read_video(work / "film" / "film.mp4")]
    shown = [Image.fromarray(frame).resize(SHOWN_SIZE) for frame in frames[::EVERY]]
    shown[0].save(
        arguments.output / "film.webp",
        save_all=True,
        append_images=shown[1:],
        duration=round(1000 * EVERY / RATE),
        loop=0,
        quality=70,
        method=6,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The page's modules, run in Node, against the package: windows, maps, crop region and texts."""

import json
import shutil
import subprocess
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest

from paddle_pose import geometry
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.inference.predictor import Predictor
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses
from paddle_pose.tracking import crop_region
from paddle_pose.tracking.pose_tracker import SinglePersonVideo
from paddle_pose.web_demo.server import STATIC

CODEC = MoveNetCodec(input_size=(96, 64))
MAPS = """
const floats = (maps) =>
  Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, Float32Array.from(map)]));
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """Returns a function that runs the body of a JavaScript function in Node.

    `node(imports, body, given)` returns the result of the body; it can use the variable `given` and
    import the page's modules.
    """
    program = shutil.which("node")
    if program is None:
        pytest.skip("needs Node")
    folder = tmp_path_factory.mktemp("page")
    for module in STATIC.glob("*.js"):
        shutil.copy(module, folder)
    (folder / "package.json").write_text('{"type": "module"}')

    def run(imports, body, given=None):
        script = (
            f"{imports}\nimport {{ readFileSync }} from 'fs';\n"
            f"const given = JSON.parse(readFileSync(0));\n{MAPS}\n"
            f"console.log(JSON.stringify(await (async () => {{ {body} }})()));"
        )
        (folder / "script.js").write_text(script)
        done = subprocess.run(
            [program, "script.js"],
            cwd=folder,
            input=json.dumps(given),
            text=True,
            capture_output=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def random_maps(seed, codec=CODEC, highest=1.0):
    """Returns random maps; the heatmaps have values from 0 to `highest`."""
    rng = np.random.default_rng(seed)
    width, height = codec.map_size
    joints = codec.skeleton.num_joints
    unit = codec.map_size if codec.regression_unit == "map" else (1, 1)
    shifts = rng.normal(0, 3, (joints, 2, height, width)) / np.array(unit)[:, None, None]
    maps = {
        "centers": rng.uniform(0, 1, (1, height, width)),
        "heatmaps": rng.uniform(0, highest, (joints, height, width)),
        "regressions": shifts.reshape(2 * joints, height, width),
        "offsets": rng.uniform(-1, 2, (2 * joints, height, width)),
    }
    return {name: values.astype(np.float32) for name, values in maps.items()}


def listed(maps):
    return {name: values.ravel().tolist() for name, values in maps.items()}


@pytest.mark.parametrize("unit", ["cell", "map"])
@pytest.mark.parametrize("max_people", [1, 6])
def test_the_page_and_the_codec_decode_the_same_people(node, unit, max_people):
    codec = replace(CODEC, regression_unit=unit, max_persons=max_people)
    maps = [random_maps(seed, codec) for seed in range(5)]
    maps[3]["centers"][:] = 0.3  # equal neighbours
    maps[4]["centers"][:] = 0.01  # no person above the threshold
    found = node(
        'import { decode } from "./decode.js";',
        "return given.maps.map((maps) => decode(floats(maps), given.codec, given.maxPeople));",
        {
            "maps": [listed(image_maps) for image_maps in maps],
            "codec": asdict(codec),
            "maxPeople": max_people,
        },
    )
    expected = codec.decode(
        {name: np.stack([image_maps[name] for image_maps in maps]) for name in codec.outputs}
    )
    assert [len(people) for people in found] == [len(poses.scores) for poses in expected]
    assert len(found[0]) == max_people
    for people, poses in zip(found, expected, strict=True):
        for n, person in enumerate(people):
            np.testing.assert_allclose(person["keypoints"], poses.keypoints[n], atol=1e-4)
            np.testing.assert_allclose(person["scores"], poses.scores[n])
            assert person["score"] == pytest.approx(poses.person_scores[n])


@pytest.mark.parametrize("box", [(0, 0, 90, 70), (-20, 11.3, 61.7, 40), (30.2, 20.1, 15, 22.2)])
def test_the_page_and_the_package_warp_to_the_same_pixels(node, box):
    noise = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    image = cv2.GaussianBlur(noise, (0, 0), 4)
    size = CODEC.input_size
    window = geometry.box_window(box, size, context=1.0)
    rgba = np.dstack([image, np.full(image.shape[:2], 255)]).ravel().tolist()
    found = node(
        'import { boxWindow, toImage, warp } from "./geometry.js";',
        "const window = boxWindow(given.box, given.size);"
        "const input = warp(given.pixels, window, given.size);"
        "return [[...input], toImage([10, 20], window, given.size)];",
        {"box": box, "size": size, "pixels": {"data": rgba, "width": 90, "height": 70}},
    )
    expected = geometry.warp(image, window.to_input(size), size)
    difference = np.abs(np.reshape(found[0], expected.shape) - expected.astype(int))
    assert difference.max() <= 1, "greater than the difference between versions of OpenCV"
    assert difference.mean() < 0.05
    np.testing.assert_allclose(
        found[1], geometry.move(np.array([10.0, 20.0]), window.to_image(size))
    )


def test_the_page_and_the_package_choose_the_same_crop_region(node):
    rng = np.random.default_rng(0)
    size = (640, 480)
    keypoints = rng.uniform(0, 1, (30, 17, 2)) * rng.uniform(50, 400, (30, 1, 1)) + rng.uniform(
        0, 200, (30, 1, 2)
    )
    scores = rng.uniform(0, 1, (30, 17)) * rng.choice([0.25, 1.0], (30, 17))
    scores[:3] *= 0.2  # too low for tracking
    previous = geometry.Window((200.0, 150.0), (300.0, 300.0))
    found = node(
        'import { isTracked, nextWindow, wholeSquare } from "./crop_region.js";',
        "return given.people.map((person, n) => isTracked(person)"
        " ? nextWindow(person, given.size, n % 2 ? given.previous : null, given.joints)"
        " : wholeSquare(given.size));",
        {
            "people": [
                {"keypoints": k, "scores": s}
                for k, s in zip(keypoints.tolist(), scores.tolist(), strict=True)
            ],
            "size": size,
            "previous": asdict(previous),
            "joints": COCO_17.joints,
        },
    )
    for n, window in enumerate(found):
        poses = Poses(keypoints[n : n + 1], scores[n : n + 1], np.ones(1))
        expected = crop_region.next_window(poses, size, previous if n % 2 else None)
        np.testing.assert_allclose(
            [window["center"], window["size"]], [expected.center, expected.size]
        )
    assert len({tuple(window["size"]) for window in found}) > 10


def test_the_page_and_the_package_track_the_same_person(node):
    heights = [1.0, 1.0, 0.1, 1.0, 0.9]  # the person is lost in the third frame
    maps = [random_maps(seed, highest=height) for seed, height in enumerate(heights)]
    found = node(
        'import { Predictor } from "./predictor.js";',
        "const predictor = new Predictor(async () => floats(given.maps.shift()), given.metadata);"
        "const people = [], pixels = { data: [], width: 120, height: 160 };"
        "while (given.maps.length) people.push(await predictor.track(pixels));"
        "return people;",
        {
            "maps": [listed(frame_maps) for frame_maps in maps],
            "metadata": {"codec": asdict(CODEC), "skeleton": asdict(COCO_17)},
        },
    )
    remaining = iter(maps)
    predictor = Predictor(
        lambda images: {name: values[None] for name, values in next(remaining).items()}, CODEC
    )
    video = SinglePersonVideo(predictor, smoother=None)
    expected = [video(n / 10, np.zeros((160, 120, 3), np.uint8)) for n in range(len(maps))]
    assert [len(people) for people in found] == [1, 1, 0, 1, 1]
    for people, poses in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            [p["keypoints"] for p in people], poses.keypoints.reshape(-1, 17, 2).tolist(), atol=1e-4
        )


def test_both_languages_have_all_texts(node):
    words, people = node(
        'import { WORDS } from "./words.js";',
        "return [Object.fromEntries(Object.entries(WORDS).map(([k, v]) => [k, Object.keys(v)])),"
        " [0, 1, 2].map((n) => WORDS.en.found(n))];",
    )
    assert words["en"] == words["zh"]
    assert people == ["no person found", "1 person", "2 people"]

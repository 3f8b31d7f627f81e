"""The page's modules, run in Node, against the package: windows, maps, crop region and texts."""

import json
import shutil
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from paddle_pose import geometry
from paddle_pose.codecs.movenet import MoveNetCodec
from paddle_pose.codecs.movenet_multipose import PEOPLE, MultiPoseCodec
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.inference.predictor import Predictor
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses, joints_box
from paddle_pose.tracking import crop_region
from paddle_pose.tracking.one_euro import OneEuro
from paddle_pose.tracking.pose_tracker import SinglePersonVideo
from paddle_pose.tracking.tracker import Tracker
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
            timeout=200,
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
def test_the_page_and_the_codec_decode_the_same_person(node, unit):
    codec = replace(CODEC, regression_unit=unit, max_persons=1)
    maps = [random_maps(seed, codec) for seed in range(5)]
    maps[3]["centers"][:] = 0.3  # equal neighbours
    maps[4]["centers"][:] = 0.01  # a person is returned however low the centres are
    found = node(
        'import { decodePerson } from "./decode.js";',
        "return given.maps.map((maps) => decodePerson(floats(maps), given.codec));",
        {"maps": [listed(image_maps) for image_maps in maps], "codec": asdict(codec)},
    )
    expected = codec.decode(
        {name: np.stack([image_maps[name] for image_maps in maps]) for name in codec.outputs}
    )
    for person, poses in zip(found, expected, strict=True):
        np.testing.assert_allclose(person["keypoints"], poses.keypoints[0], atol=1e-4)
        np.testing.assert_allclose(person["scores"], poses.scores[0])
        assert person["score"] == pytest.approx(poses.person_scores[0])


def random_rows(seed):
    """Returns the output of a graph of MultiPose with random people, [6, 56]."""
    rng = np.random.default_rng(seed)
    rows = rng.uniform(-0.1, 1.1, (6, 56)).astype(np.float32)
    rows[:, 51:55] = np.sort(rng.uniform(0, 1, (6, 2, 2)), axis=1).reshape(6, 4)
    rows[:, 55] = rng.uniform(0, 0.6, 6)
    return rows


@pytest.mark.parametrize("image_size", [(640, 427), (200, 301), (64, 64)])
def test_the_page_and_the_package_find_the_same_people_in_a_decoded_output(node, image_size):
    codec = MultiPoseCodec(input_size=(96, 64), fixed_size=True, outputs=(PEOPLE,), max_persons=4)
    rows = [random_rows(seed) for seed in range(4)]
    rows[3][:, 55] = 0.05  # below the lowest score
    metadata = {
        "codec": asdict(codec),
        "skeleton": asdict(COCO_17),
        "outputs": [{"name": PEOPLE}],
    }
    found = node(
        'import { Predictor } from "./predictor.js";',
        "const run = async () => ({ people: Float32Array.from(given.rows.shift()) });"
        "const network = { run, metadata: given.metadata };"
        "const predictor = new Predictor(network, network);"
        "const [width, height] = given.size, people = [];"
        "const pixels = { data: [], width, height };"
        "while (given.rows.length) people.push(await predictor.predictSeveral(pixels));"
        "return people;",
        {
            "rows": [one.ravel().tolist() for one in rows],
            "metadata": metadata,
            "size": image_size,
        },
    )
    remaining = iter(rows)
    predictor = Predictor(lambda images: {PEOPLE: next(remaining)[None]}, codec)
    image = np.zeros((image_size[1], image_size[0], 3), np.uint8)
    expected = [predictor(image) for _ in rows]
    assert [len(people) for people in found] == [len(poses.scores) for poses in expected]
    assert (len(found[0]), len(found[3])) == (4, 0)
    for people, poses in zip(found, expected, strict=True):
        for n, person in enumerate(people):
            np.testing.assert_allclose(person["keypoints"], poses.keypoints[n], atol=1e-3)
            np.testing.assert_allclose(person["scores"], poses.scores[n], rtol=1e-6)
            np.testing.assert_allclose(person["box"], poses.boxes[n], atol=1e-3)
            np.testing.assert_allclose(person["window"], poses.windows[n], atol=1e-9)
            assert person["score"] == pytest.approx(poses.person_scores[n])


def test_the_page_and_the_package_smooth_alike(node):
    rng = np.random.default_rng(0)
    points = np.cumsum(rng.normal(0, 0.01, (30, 17, 2)), axis=0) + 0.5
    points[20:] += 0.4  # a jump
    seconds = np.cumsum(rng.uniform(0.02, 0.2, 30))
    seconds[10] = seconds[9]  # a repeated time
    found = node(
        'import { OneEuro } from "./one_euro.js";',
        "const filter = new OneEuro();"
        "return given.points.map((frame, n) => filter.smooth(frame, given.seconds[n]));",
        {"points": points.tolist(), "seconds": seconds.tolist()},
    )
    smooth = OneEuro()
    expected = [smooth(frame, time) for frame, time in zip(points, seconds, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.abs(np.array(found) - points).max() > 0.001


@pytest.mark.parametrize("interval", [0.1, 0.6, 1.5])
def test_the_page_and_the_package_give_people_the_same_ids(node, interval):
    rng = np.random.default_rng(0)
    shape = rng.uniform(0, 90, (17, 2))
    frames = []
    for n in range(12):
        walkers = np.array([(40 * n, 10 * n), (600 - 30 * n, 20), (300, 300)], float)
        keypoints = shape + walkers[:, None] + rng.normal(0, 2, (3, 17, 2))
        scores = np.full((3, 17), 0.9)
        scores[2, : 2 * n] = 0.2  # too few joints to compare in the end
        people_scores = np.array([0.8, 0.7, 0.3 if n < 3 else 0.15])
        chosen = [0, 1, 2] if n % 4 != 3 else [1, 2]  # the first person is hidden now and then
        order = rng.permutation(chosen)
        frames.append(Poses(keypoints[order], scores[order], people_scores[order]))
    frames.append(Poses(frames[0].keypoints, frames[0].scores, np.full(3, 0.05)))
    found = node(
        'import { Tracker } from "./tracker.js";',
        "const tracker = new Tracker(given.sigmas);"
        "return given.frames.map((people, n) => tracker.update(people, n * given.interval));",
        {
            "interval": interval,
            "sigmas": COCO_17.sigmas,
            "frames": [
                [
                    {"keypoints": k.tolist(), "scores": s.tolist(), "score": float(score)}
                    for k, s, score in zip(p.keypoints, p.scores, p.person_scores, strict=True)
                ]
                for p in frames
            ],
        },
    )
    tracker = Tracker(min_hits=1, motion=False)
    expected = [tracker(n * interval, poses).ids.tolist() for n, poses in enumerate(frames)]
    assert found == expected
    assert {1, 2, 3} <= {number for ids in found for number in ids}
    assert found[-1] == [-1, -1, -1]


def test_saved_people_have_the_fields_and_digits_of_the_package(node):
    rng = np.random.default_rng(0)
    poses = Poses(
        rng.uniform(0, 100, (2, 17, 2)),
        rng.uniform(0, 1, (2, 17)),
        rng.uniform(0, 1, 2),
        boxes=rng.uniform(0, 100, (2, 4)),
        windows=rng.uniform(0, 100, (2, 4)),
        ids=np.array([1, -1]),
    )
    image = np.zeros((30, 40, 3), np.uint8)
    expected = PoseResult(
        image=image,
        poses=poses,
        skeleton=COCO_17,
        path=Path("a.b.jpg"),
        frame=3,
        seconds=1.23456,
    ).to_dict()
    people = [
        {
            "id": int(poses.ids[n]),
            "score": float(poses.person_scores[n]),
            "box": poses.boxes[n].tolist(),
            "window": poses.windows[n].tolist(),
            "keypoints": poses.keypoints[n].tolist(),
            "scores": poses.scores[n].tolist(),
        }
        for n in range(2)
    ]
    found, names = node(
        'import { fileName, record } from "./results.js";',
        "return [record(given.shown, given.joints), [fileName(given.shown.name, 'json'),"
        " fileName(null, 'png')]];",
        {
            "shown": {
                "bitmap": {"width": 40, "height": 30},
                "people": people,
                "name": "a.b.jpg",
                "frame": 3,
                "seconds": 1.23456,
            },
            "joints": COCO_17.joints,
        },
    )
    assert found == json.loads(json.dumps(expected))
    assert list(found) == list(expected)
    assert names == ["a.b_poses.json", "camera_poses.png"]


def test_frames_of_a_video_are_read_as_they_are_stored(node):
    options, seconds, end = node(
        'import { openFile } from "./sources.js";',
        "const removed = [];"
        "globalThis.URL.createObjectURL = () => 'blob:a';"
        "globalThis.URL.revokeObjectURL = (address) => removed.push(address);"
        "globalThis.document = { createElement: () => ({ videoWidth: 8, currentTime: 2.5,"
        " play: async () => {}, pause() {}, remove: () => removed.push('video'),"
        " requestVideoFrameCallback: (callback) => setTimeout(callback) }),"
        " body: { append() {} } };"
        "globalThis.createImageBitmap = async (video, options) => options;"
        "const source = await openFile({ type: 'video/mp4', name: 'a.mp4' });"
        "const options = await source.frame();"
        "source.stop();"
        "return [options, source.seconds(), removed];",
    )
    assert options["colorSpaceConversion"] == "none"
    assert options["premultiplyAlpha"] == "none"
    assert (seconds, end) == (2.5, ["video", "blob:a"])


def test_lone_joints_are_no_people(node):
    found = node(
        'import { isDrawn } from "./draw.js";',
        "return given.map((scores) => isDrawn({ scores }, 0.2));",
        [[0.9, 0.9, 0.9, 0.1, 0.1], [0.2, 0.2, 0.2, 0.2, 0.1], [0.3, 0.3], [0.3, 0.1]],
    )
    assert found == [False, True, True, False]


@pytest.mark.parametrize("scores", [[0.9] * 17, [0.9, 0.2] + [0.1] * 15, [0.9] + [0.1] * 16])
def test_the_page_and_the_package_enclose_a_person_alike(node, scores):
    keypoints = np.random.default_rng(0).uniform(-10, 120, (17, 2))
    found = node(
        'import { jointsBox } from "./geometry.js";',
        "return jointsBox(given.keypoints, given.scores, [100, 90]);",
        {"keypoints": keypoints.tolist(), "scores": scores},
    )
    np.testing.assert_allclose(found, joints_box(keypoints, np.array(scores), (100, 90)))


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


@pytest.mark.parametrize("image_size", [(150, 90), (97, 203), (60, 40)])
def test_the_page_and_the_package_scale_a_whole_image_alike(node, image_size):
    noise = np.random.default_rng(0).integers(0, 256, (*image_size[::-1], 3)).astype(np.uint8)
    codec = MultiPoseCodec(input_size=(64, 64), fixed_size=True)
    size = codec.input_size
    window = codec.image_window(image_size)
    rgba = np.dstack([noise, np.full(noise.shape[:2], 255)]).ravel().tolist()
    found = node(
        'import { topLeftWindow, warpByArea } from "./geometry.js";',
        "const { width, height } = given.pixels;"
        "const window = topLeftWindow([width, height], given.size);"
        "return [[...warpByArea(given.pixels, window, given.size)], window];",
        {
            "pixels": {"data": rgba, "width": image_size[0], "height": image_size[1]},
            "size": size,
        },
    )
    expected = geometry.warp(noise, window.to_input(size), size, by_area=codec.by_area)
    difference = np.abs(np.reshape(found[0], expected.shape) - expected.astype(int))
    assert difference.max() <= 1
    assert difference.mean() < 0.01
    assert found[1] == {"center": list(window.center), "size": list(window.size)}


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


@pytest.mark.parametrize("smooth", [False, True])
def test_the_page_and_the_package_track_the_same_person(node, smooth):
    heights = [1.0, 1.0, 0.1, 1.0, 0.9]  # the person is lost in the third frame
    maps = [random_maps(seed, highest=height) for seed, height in enumerate(heights)]
    found = node(
        'import { Predictor } from "./predictor.js";',
        "const run = async () => floats(given.maps.shift());"
        "const predictor = new Predictor({ run, metadata: given.metadata });"
        "const people = [], pixels = { data: [], width: 120, height: 160 };"
        "let n = 0; while (given.maps.length)"
        " people.push(await predictor.track(pixels, n++ / 10, given.smooth));"
        "return people;",
        {
            "maps": [listed(frame_maps) for frame_maps in maps],
            "smooth": smooth,
            "metadata": {"codec": asdict(CODEC), "skeleton": asdict(COCO_17)},
        },
    )
    remaining = iter(maps)
    predictor = Predictor(
        lambda images: {name: values[None] for name, values in next(remaining).items()}, CODEC
    )
    video = SinglePersonVideo(predictor, smoother=OneEuro if smooth else None)
    expected = [video(n / 10, np.zeros((160, 120, 3), np.uint8)) for n in range(len(maps))]
    assert [len(people) for people in found] == [1, 1, 0, 1, 1]
    for people, poses in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            [p["keypoints"] for p in people], poses.keypoints.reshape(-1, 17, 2).tolist(), atol=1e-4
        )
        for name, expected_values in (("box", poses.boxes), ("window", poses.windows)):
            values = np.array([p[name] for p in people]).reshape(-1, 4)
            np.testing.assert_allclose(values, expected_values, atol=1e-3)
        assert [p["id"] for p in people] == poses.ids.tolist()


def test_both_languages_have_all_texts(node):
    words, people, names = node(
        'import { jointName, WORDS } from "./words.js";',
        "return [Object.fromEntries(Object.entries(WORDS).map(([k, v]) => [k, Object.keys(v)])),"
        " [0, 1, 2].map((n) => WORDS.en.found(n)),"
        " given.map((joint) => [jointName('en', joint), jointName('zh', joint)])];",
        [*COCO_17.joints, "tail_tip"],
    )
    assert words["en"] == words["zh"]
    assert people == ["no person found", "1 person", "2 people"]
    assert names[9:11] == [["left wrist", "左腕"], ["right wrist", "右腕"]]
    assert names[-1] == ["tail tip", "tail tip"]
    assert all(not name.isascii() for _, name in names[:-1])

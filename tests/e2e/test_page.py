"""The browser page in Chromium predicts like Python, and reports errors."""

import json
import threading
import warnings
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest
from e2e.chromium import Chromium, program

from paddle_pose.backends.onnx import OnnxBackend
from paddle_pose.configs import registry
from paddle_pose.environment import ignore_paddle_warnings
from paddle_pose.inference.pose_result import PoseResult
from paddle_pose.inference.predictor import Predictor
from paddle_pose.io.images import read_upright
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses
from paddle_pose.visualize import LEFT, draw_poses
from paddle_pose.web_demo.page import (
    SEVERAL,
    multipose_model,
    onnx_model,
    page_settings,
    sample_image,
)
from paddle_pose.web_demo.server import (
    RUNTIME,
    SAMPLE,
    open_server,
    page_files,
    runtime_files,
)

ROOT = Path(__file__).resolve().parents[2]
LIGHTNING = "data/movenet/movenet_single_pose_lightning_ptq.tflite"
# Images in which a difference of one grey level, as between versions of OpenCV, moves no joint to
# another cell.
IMAGES = (
    "movenet/squat.bmp",
    "coco_mini/val2017/000000000139.jpg",
    "coco_mini/val2017/000000217285.jpg",
    "coco_mini/val2017/000000350679.jpg",
    "coco_mini/train2017/000000227000.jpg",
    "coco_mini/train2017/000000463557.jpg",
)
SAID = "document.getElementById('status').textContent"
ERROR = "document.getElementById('error').textContent"


@pytest.fixture(scope="module")
def models(shared, tmp_path_factory):
    """Returns the ONNX files of Google's Lightning and of MultiPose."""
    program()
    if find_spec("paddle2onnx") is None:
        pytest.skip("needs paddle2onnx (requirements/export.txt)")
    folder = tmp_path_factory.mktemp("page")
    copies = [shared / "data/movenet_tfjs" / f"movenet-multipose.{end}" for end in ("json", "bin")]
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        ignore_paddle_warnings()
        patch.chdir(folder)
        one = onnx_model(str(shared / LIGHTNING), Path("cache")).resolve()
        several = multipose_model(SEVERAL, folder / "cache", copies=copies).resolve()
    return one, several


@pytest.fixture(scope="module")
def files(models):
    """Returns the files of a server with both networks."""
    package = ROOT / "output/published" / RUNTIME
    if not package.is_file():
        pytest.skip(f"needs {package.relative_to(ROOT)}, which serve_demo downloads")
    one, several = models
    settings = page_settings(one, several)
    served = page_files() | runtime_files(package.parent)
    return served | {
        "settings.json": json.dumps(settings).encode(),
        settings["one"]["file"]: one.read_bytes(),
        settings["several"]["file"]: several.read_bytes(),
        SAMPLE: sample_image(),
    }


@contextmanager
def serving(files):
    """Yields the address of a server with these files."""
    with open_server(files) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join(5)


@pytest.fixture(scope="module")
def address(files):
    with serving(files) as place:
        yield place


@pytest.fixture(scope="module")
def browser(files, tmp_path_factory):
    """Yields a browser whose camera shows a synthetic image."""
    with Chromium(
        tmp_path_factory.mktemp("profile"), "--use-fake-device-for-media-stream"
    ) as chromium:
        yield chromium


@pytest.fixture(scope="module")
def opened(browser, address):
    """Returns the loaded page in English; it keeps its poses in the variable `seen`."""
    browser.open(address)
    browser.wait(f"{SAID} === 'Ready.'")
    browser.run(
        "document.addEventListener('poses', (event) => seen.push(event.detail)), globalThis.seen ="
        " [], 0"
    )
    return browser


@pytest.fixture
def page(opened):
    """Returns the loaded page with the mode for one person and without saved files."""
    opened.run("document.querySelector('[value=single]').click(), seen.length = 0")
    return opened


CATCH = """(() => {
    const { createObjectURL } = URL, { click } = HTMLAnchorElement.prototype;
    globalThis.saved = [];
    URL.createObjectURL = (blob) => (saved.push(blob), "data:,");
    HTMLAnchorElement.prototype.click = function () {
        saved.push(this.download);
        URL.createObjectURL = createObjectURL;
        HTMLAnchorElement.prototype.click = click;
    };
})(), 0"""
BASE64 = """(async () => {
    const bytes = new Uint8Array(await saved[0].arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
})()"""


def saved(page, button):
    """Returns (name, content) of the file that a button of the page saves."""
    page.run(CATCH)
    page.run(f"document.getElementById('{button}').click()")
    page.wait("saved.length === 2")
    return page.run("saved[1]"), b64decode(page.run(BASE64))


def look(page, path):
    """Returns the poses that the page finds in an image."""
    page.wait(f"{SAID} !== 'Running…'")  # the previous image, with another number of people
    page.run("seen.length = 0")
    page.choose(path, "#file")
    page.wait(f"seen.length > 0 || {ERROR}")
    assert page.run(ERROR) == ""
    return page.run("seen[0]")


@pytest.mark.parametrize("mode", ["single", "several"])
def test_page_predicts_like_python(page, models, shared, tmp_path, mode):
    turned = tmp_path / "turned.jpg"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees
    with PIL.Image.open(shared / "data" / IMAGES[1]) as picture:
        picture.save(turned, exif=exif, quality=95)
    model = models[mode == "several"]
    codec = registry.read_beside(model).codec
    if mode == "single":
        codec = replace(codec, max_persons=1)
    predictor = Predictor(OnnxBackend(model, "cpu", 1), codec)
    page.run(f"document.querySelector('[value={mode}]').click()")
    people = 0
    for path in [*(shared / "data" / name for name in IMAGES), turned]:
        image = read_upright(path)
        expected, found = predictor(image), look(page, path)
        assert found["size"] == [image.shape[1], image.shape[0]]
        assert len(found["people"]) == len(expected.scores), path
        for name, values in (
            ("keypoints", expected.keypoints),
            ("box", expected.boxes),
            ("window", expected.windows),
        ):
            shown = np.array([person[name] for person in found["people"]]).reshape(values.shape)
            assert np.abs(shown - values).max(initial=0) <= 1, (path, name)
        scores = np.array([person["scores"] for person in found["people"]])
        scores = scores.reshape(expected.scores.shape)
        assert np.abs(scores - expected.scores).max(initial=0) <= 1e-2, path
        people += len(scores)
    assert people == len(IMAGES) + 1 if mode == "single" else people > len(IMAGES) + 5


@pytest.mark.parametrize("mode", ["single", "several"])
def test_page_saves_the_picture_and_the_people_as_python_does(page, models, shared, mode):
    page.run(f"document.querySelector('[value={mode}]').click()")
    path = shared / "data" / IMAGES[3]
    look(page, path)
    name, content = saved(page, "json")
    assert name == f"{path.stem}_poses.json"
    record = json.loads(content)
    image = read_upright(path)
    persons = record["persons"]
    people = Poses(
        np.array([person["keypoints"] for person in persons]),
        np.array([person["scores"] for person in persons]),
        np.array([person["score"] for person in persons]),
        boxes=np.array([person["box"] for person in persons]),
        windows=np.array([person["window"] for person in persons]),
    )
    expected = PoseResult(image=image, skeleton=COCO_17, poses=people, path=Path(path.name))
    assert record == json.loads(json.dumps(expected.to_dict()))
    name, content = saved(page, "png")
    assert name == f"{path.stem}_poses.png"
    shown = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    counted = (people.scores >= 0.2).sum(axis=1) >= 4
    drawn = Poses(people.keypoints[counted], people.scores[counted], people.person_scores[counted])
    color = "side" if mode == "single" else "person"
    if mode == "several":
        assert len(drawn.scores) > 1
    drawing = draw_poses(image, drawn, COCO_17, color=color)
    changed = (drawing != image).any(axis=-1)
    assert changed.mean() > 0.005
    difference = np.abs(shown.astype(int) - drawing).max(axis=-1)
    # Browser and OpenCV smooth edges in different ways.
    assert (difference > 60).mean() < 0.02 * changed.mean()
    assert difference[~changed].mean() < 1
    name, content = saved(page, "jpeg")
    assert (name, content[:2]) == (f"{path.stem}_poses.jpg", b"\xff\xd8")


def test_page_offers_an_example_and_says_that_there_are_more_people(page):
    page.run("document.getElementById('sample').click()")
    page.wait(f"seen.length > 0 && {SAID}.startsWith('1 person · ')")
    page.wait("!document.getElementById('crowd').hidden")
    assert page.run("document.querySelector('#crowd span').textContent").startswith("3 people ")
    assert page.run("document.getElementById('announcement').textContent") == "1 person"
    page.run("document.getElementById('all').click()")
    page.wait(f"{SAID}.startsWith('3 people · ')")
    assert page.run("document.getElementById('crowd').hidden")
    canvas = "document.getElementById('canvas')"
    assert page.run(f"{canvas}.getAttribute('aria-label')") == "Image with skeletons: 3 people"
    legend = page.run("document.getElementById('legend').textContent")
    assert "person 3" in legend
    page.run(
        f"""(() => {{
        const {{ left, top, width }} = {canvas}.getBoundingClientRect();
        const scale = width / {canvas}.width;
        const [x, y] = seen.at(-1).people[0].keypoints[9];
        const place = {{ clientX: left + x * scale, clientY: top + y * scale }};
        {canvas}.dispatchEvent(new PointerEvent("pointermove", place));
        }})(), 0"""
    )
    assert page.run("document.getElementById('tip').textContent").startswith("left wrist 0.")


def test_page_draws_and_mirrors_the_skeleton(page, shared):
    look(page, shared / "data/movenet/squat.bmp")
    blue = f"""(() => {{
        const canvas = document.getElementById("canvas"), color = {list(LEFT)};
        const {{ data }} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const isBlue = (_, i) => i % 4 === 0 && color.every((value, c) => data[i + c] === value);
        return data.filter(isBlue).length;
    }})()"""
    drag = (
        "document.getElementById('threshold').value = {},"
        " document.getElementById('threshold').oninput()"
    )
    assert page.run(blue) > 100
    page.run(drag.format(1))
    assert page.run(blue) == 0
    page.run(drag.format(0.2))
    assert page.run(blue) > 100
    page.run("document.getElementById('mirror').click()")
    assert (
        page.run("getComputedStyle(document.getElementById('canvas')).transform")
        == "matrix(-1, 0, 0, 1, 0, 0)"
    )


def test_page_plays_and_stops_a_video(page, shared):
    page.choose(shared / "data/video/pose_squats.mp4", "#file")
    page.wait(f"seen.length > 3 || {ERROR}")
    if page.run(ERROR).startswith("This browser cannot play"):
        pytest.skip("needs a Chromium that plays H.264")
    assert page.run(f"{SAID}.startsWith('1 person · ')")
    assert " frames/s · " in page.run(SAID)
    assert page.run("seen[3].size") == [720, 1280]
    assert page.run("seen[3].people[0].id") == 1
    page.run("document.querySelector('[value=several]').click()")
    page.wait("seen.at(-1).people.some((person) => person.id > 0)")
    page.wait("document.getElementById('legend').textContent.includes('person 1')")
    page.run("document.getElementById('stop').click()")
    assert page.run("document.querySelector('video') === null")
    page.wait(f"{SAID}.startsWith('Stopped')")
    # The last frame is an image now.
    page.run("seen.length = 0, document.querySelector('[value=single]').click()")
    page.wait("seen.length === 1")


def test_page_keeps_its_picture_when_nothing_else_can_be_opened(page, shared, tmp_path):
    look(page, shared / "data/movenet/squat.bmp")
    before = page.run(SAID)
    page.run(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('',"
        " 'NotFoundError'))"
    )
    page.run("document.getElementById('camera').click()")
    page.wait(f"{ERROR} === 'No camera was found.'")
    assert not page.run("document.getElementById('mirror').checked")
    style = "getComputedStyle(document.getElementById('canvas')).transform"
    assert page.run(style) == "none"
    assert page.run(SAID) == before
    page.run("seen.length = 0, document.querySelector('[value=several]').click()")
    page.wait("seen.length === 1")
    (tmp_path / "a.jpg").write_bytes(b"no image")
    page.choose(tmp_path / "a.jpg", "#file")
    page.wait(f"{ERROR}.startsWith('This file is neither')")
    page.run("seen.length = 0, document.querySelector('[value=single]').click()")
    page.wait("seen.length === 1")
    page.run("delete navigator.mediaDevices.getUserMedia, 0")


def test_page_announces_only_other_numbers_of_people(page, shared):
    page.run(
        "globalThis.announced = 0, new MutationObserver(() => announced++).observe("
        "document.getElementById('announcement'), { childList: true, characterData: true,"
        " subtree: true })"
    )
    page.choose(shared / "data/video/pose_squats.mp4", "#file")
    page.wait(f"seen.length > 6 || {ERROR}")
    if page.run(ERROR).startswith("This browser cannot play"):
        pytest.skip("needs a Chromium that plays H.264")
    page.run("document.getElementById('stop').click()")
    counts = page.run("seen.map(({ people }) => people.length)")
    changes = sum(one != other for one, other in pairwise(counts))
    assert page.run("announced") <= changes + 1


def test_page_reads_the_camera(page, address):
    page.tell("Browser.grantPermissions", permissions=["videoCapture"])
    page.run("document.getElementById('camera').click()")
    page.wait(f"seen.length > 3 || {ERROR}")
    assert page.run(f"{ERROR} + {SAID}").startswith("no person found · ")
    assert page.run("document.getElementById('mirror').checked")
    page.run("document.getElementById('stop').click()")
    page.tell(
        "Browser.setPermission", permission={"name": "camera"}, setting="denied", origin=address
    )
    page.run("document.getElementById('camera').click()")
    page.wait(f"{ERROR}.startsWith('Camera access was denied')")
    page.tell("Browser.resetPermissions")
    page.run(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('',"
        " 'NotFoundError'))"
    )
    page.run("document.getElementById('camera').click()")
    page.wait(f"{ERROR} === 'No camera was found.'")


def test_page_reports_files_that_cannot_be_shown(page, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no image")
    (tmp_path / "a.mp4").write_bytes(b"no video")
    page.choose(tmp_path / "a.jpg", "#file")
    page.wait(
        f"{ERROR} === 'This file is neither an image nor a video that this browser can read."
        " (a.jpg)'"
    )
    drop = "new DragEvent('drop', { bubbles: true, dataTransfer: new DataTransfer() })"
    page.run(
        f"(() => {{ const e = {drop}; e.dataTransfer.items.add(new File(['x'], 'b.txt'));"
        f" stage.dispatchEvent(e); }})()"
    )
    page.wait(f"{ERROR}.endsWith('(b.txt)')")
    page.choose(tmp_path / "a.mp4", "#file")
    page.wait(f"{ERROR}.startsWith('This browser cannot play this video.')")
    page.run("document.getElementById('language').click()")
    assert page.run(ERROR) == "浏览器无法播放这个视频。H.264 编码的 MP4 或 WebM 通常可用。 (a.mp4)"
    assert page.run("document.documentElement.lang + document.title") == "zh浏览器里的姿态估计"
    page.run("document.getElementById('language').click()")


def test_page_without_multipose_offers_one_person(browser, files):
    settings = json.loads(files["settings.json"]) | {"several": None}
    with serving(files | {"settings.json": json.dumps(settings).encode()}) as place:
        browser.open(place)
        browser.wait(f"{SAID} === 'Ready.'")
        assert browser.run("document.getElementById('several').disabled")
        assert not browser.run("document.getElementById('only').hidden")
        browser.run("document.getElementById('sample').click()")
        browser.wait(f"{SAID}.startsWith('1 person · ')")


def test_page_reports_a_missing_model(browser, files):
    with serving({name: content for name, content in files.items() if name != "one.onnx"}) as place:
        browser.open(place)
        browser.wait(
            f"{ERROR} === 'The model could not be loaded. Is serve_demo still running? (one.onnx:"
            " 404 Not Found)'"
        )


def test_page_reports_missing_webassembly_in_chinese(browser, address):
    agent = browser.run("navigator.userAgent")
    browser.tell("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="zh-CN")
    browser.tell("Page.enable")
    browser.tell("Page.addScriptToEvaluateOnNewDocument", source="delete globalThis.WebAssembly")
    browser.open(address)
    browser.wait(f"{ERROR}.startsWith('浏览器不支持 WebAssembly')")

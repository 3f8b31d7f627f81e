"""The browser page in Chromium predicts like Python, and reports errors."""

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from e2e.chromium import Chromium, program

from paddle_pose.backends.onnx import OnnxBackend
from paddle_pose.configs import registry
from paddle_pose.inference.predictor import Predictor
from paddle_pose.io.images import read_upright
from paddle_pose.visualize import LEFT
from paddle_pose.web_demo.page import onnx_model, page_settings
from paddle_pose.web_demo.server import RUNTIME, open_server, page_files, runtime_files

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
def files(shared, tmp_path_factory):
    """Returns the files of a server with Google's Lightning, and the ONNX file."""
    package = ROOT / "output/published" / RUNTIME
    if not package.is_file():
        pytest.skip(f"needs {package.relative_to(ROOT)}, which serve_demo downloads")
    program()
    if find_spec("paddle2onnx") is None:
        pytest.skip("needs paddle2onnx (requirements/export.txt)")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("page"))
        model = onnx_model(str(shared / LIGHTNING), Path("cache")).resolve()
    said = json.dumps(page_settings(model)).encode()
    served = page_files() | runtime_files(package.parent)
    return served | {"model.onnx": model.read_bytes(), "settings.json": said}, model


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
    with serving(files[0]) as place:
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
    """Returns the loaded page with the mode for one person."""
    opened.run("document.querySelector('[value=single]').click(), seen.length = 0")
    return opened


def look(page, path):
    """Returns the poses that the page finds in an image."""
    page.wait(f"{SAID} !== 'Looking…'")  # the previous image, with another number of people
    page.run("seen.length = 0")
    page.choose(path, "#file")
    page.wait(f"seen.length > 0 || {ERROR}")
    assert page.run(ERROR) == ""
    return page.run("seen[0]")


@pytest.mark.parametrize(("mode", "most"), [("single", 1), ("several", 6)])
def test_page_predicts_like_python(page, files, shared, tmp_path, mode, most):
    turned = tmp_path / "turned.jpg"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees
    with PIL.Image.open(shared / "data" / IMAGES[1]) as picture:
        picture.save(turned, exif=exif, quality=95)
    model = files[1]
    codec = replace(registry.read_beside(model).codec, max_persons=most)
    predictor = Predictor(OnnxBackend(model, "cpu", 1), codec)
    page.run(f"document.querySelector('[value={mode}]').click()")
    people = 0
    for path in [*(shared / "data" / name for name in IMAGES), turned]:
        image = read_upright(path)
        expected, found = predictor(image), look(page, path)
        assert found["size"] == [image.shape[1], image.shape[0]]
        assert len(found["people"]) == len(expected.scores), path
        keypoints = np.array([person["keypoints"] for person in found["people"]])
        scores = np.array([person["scores"] for person in found["people"]])
        assert np.abs(keypoints - expected.keypoints).max() <= 1, path
        assert np.abs(scores - expected.scores).max() <= 1e-2, path
        people += len(keypoints)
    assert people == len(IMAGES) + 1 if most == 1 else people > len(IMAGES) + 5


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
    page.run("document.getElementById('stop').click()")
    assert page.run("document.querySelector('video') === null")
    assert page.run(SAID) == "Ready."


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


def test_page_reports_a_missing_model(browser, files):
    with serving(
        {name: content for name, content in files[0].items() if name != "model.onnx"}
    ) as place:
        browser.open(place)
        browser.wait(
            f"{ERROR} === 'The model could not be loaded. Is serve_demo still running? (model.onnx:"
            " 404 Not Found)'"
        )


def test_page_reports_missing_webassembly_in_chinese(browser, address):
    agent = browser.run("navigator.userAgent")
    browser.tell("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage="zh-CN")
    browser.tell("Page.enable")
    browser.tell("Page.addScriptToEvaluateOnNewDocument", source="delete globalThis.WebAssembly")
    browser.open(address)
    browser.wait(f"{ERROR}.startsWith('浏览器不支持 WebAssembly')")

from pathlib import Path

import numpy as np
import pytest

from paddle_pose.errors import InputError, Interrupted
from paddle_pose.inference import renderers
from paddle_pose.io import images
from paddle_pose.io.frames import Frame, Source
from paddle_pose.io.outputs import Outputs
from paddle_pose.io.videos import read_video
from paddle_pose.structures import Poses

PIXELS = np.full((48, 64, 3), 90, np.uint8)
IMAGE = Source("image", Path("a/x.jpg"), Path("x"))
VIDEO = Source("video", Path("b/x.mp4"), Path("x"))
CAMERA = Source("camera", Path("0"), Path("camera_0"))
NO_PEOPLE = Poses(np.zeros((0, 2, 2)), np.zeros((0, 2)), np.zeros(0))


def test_drawings_never_replace_each_other_or_a_source(tmp_path):
    places = [
        ("image", "out/x.png"),
        ("image", "a/x.jpg"),
        ("video", "b/x.mp4"),
        ("image", "c/x.png"),
    ]
    named = [Source(kind, tmp_path / path, Path("x")) for kind, path in places]
    images.write(tmp_path / "out/x.png", PIXELS)
    outputs = Outputs(tmp_path / "out", "predict", keep=[source.path for source in named])
    found = renderers.drawing_places(tmp_path / "out", named, outputs)
    assert [found[source].name for source in named] == [
        "x_2.png",
        "x_3.png",
        "x.mp4",
        "x_4.png",
    ]
    below = Source("image", tmp_path / "f/day/x.jpg", Path("day/x"))
    assert (
        renderers.drawing_places(tmp_path / "out", [below], outputs)[below]
        == tmp_path / "out/day/x.png"
    )


def test_a_cameras_video_lasts_as_long_as_it_took(tmp_path):
    sink = renderers.Drawings({CAMERA: tmp_path / "c.mp4", VIDEO: tmp_path / "v.mp4"})
    for index, seconds in enumerate((0.0, 0.05, 0.5, 1.0)):
        sink.write(Frame(CAMERA, PIXELS, index, seconds, 10), NO_PEOPLE, PIXELS)
    for index, seconds in enumerate((0.0, 0.05, 0.5, 1.0)):
        sink.write(Frame(VIDEO, PIXELS, index, seconds, 4), NO_PEOPLE, PIXELS)
    sink.close()
    assert len(list(read_video(tmp_path / "c.mp4"))) == 10
    assert len(list(read_video(tmp_path / "v.mp4"))) == 4


def test_maps_are_kept_until_their_frame_is_written(tmp_path):
    sink = renderers.MapImages(
        {IMAGE: tmp_path / "x.png", VIDEO: tmp_path / "v.mp4"},
        lambda maps: {"all": maps["heatmaps"]},
        Outputs(tmp_path, "predict"),
    )
    image, frame = Frame(IMAGE, PIXELS), Frame(VIDEO, PIXELS, 7)
    for each in (image, image, frame):
        sink.see(each, (PIXELS, {"heatmaps": np.zeros((12, 16))}))
    assert list(tmp_path.iterdir()) == []
    for each in (frame, image):
        sink.write(each, NO_PEOPLE, PIXELS)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [
        "v_7_maps_1.png",
        "x_maps_1.png",
        "x_maps_2.png",
    ]
    assert images.read_upright(tmp_path / "x_maps_1.png").ndim == 3
    sink.write(image, NO_PEOPLE, PIXELS)
    assert len(list(tmp_path.glob("*.png"))) == 3, "nothing is written twice"


def test_without_a_screen_the_package_is_named(monkeypatch):
    monkeypatch.setattr(renderers.sys, "executable", "false")
    with pytest.raises(InputError, match="--show needs a screen, and the package opencv-python"):
        renderers.ScreenRenderer()


def test_a_key_in_the_window_ends_the_run(monkeypatch):
    monkeypatch.setattr(renderers.sys, "executable", "true")
    shown, keys = [], [-1, ord("q")]
    monkeypatch.setattr(renderers.cv2, "imshow", lambda title, pixels: shown.append(pixels))
    monkeypatch.setattr(renderers.cv2, "waitKey", lambda milliseconds: keys.pop(0))
    window = renderers.ScreenRenderer()
    window.write(Frame(VIDEO, PIXELS), NO_PEOPLE, PIXELS)
    with pytest.raises(Interrupted) as ended:
        window.write(Frame(VIDEO, PIXELS, 1), NO_PEOPLE, PIXELS)
    assert (len(shown), ended.value.status) == (2, 0)

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import animations, movies
from PIL import Image

from paddle_pose.io import frames, images


@pytest.fixture
def holiday(tmp_path):
    """Returns a folder of images, a video and other files."""
    folder = tmp_path / "holiday"
    for name in ("b.png", "a.JPG", "day/c.png", "._a.png", ".a.1f2e3d4c.part.png"):
        images.write(folder / name.lower(), np.zeros((6, 8, 3), np.uint8))
    (folder / "a.jpg").rename(folder / "a.JPG")
    movies.write(folder / "day" / "d.mp4", count=3)
    (folder / "notes.txt").write_text("no image")
    (folder / "drawn").mkdir()
    images.write(folder / "drawn" / "old.png", np.zeros((6, 8, 3), np.uint8))
    return folder


def read(found):
    failures = []
    return list(frames.frames(found, failures.append)), failures


def test_folders_are_searched_recursively_without_earlier_drawings(holiday):
    found = frames.find([str(holiday)], leave_out=holiday / "drawn")
    assert [
        (source.kind, source.path.relative_to(holiday).as_posix(), source.name.as_posix())
        for source in found
    ] == [
        ("image", "a.JPG", "a"),
        ("image", "b.png", "b"),
        ("image", "day/c.png", "day/c"),
        ("video", "day/d.mp4", "day/d"),
    ]
    assert frames.count(found) == 6
    read_frames, failures = read(found)
    assert [
        (frame.source.path.name, frame.index, frame.seconds, frame.rate) for frame in read_frames
    ] == [
        ("a.JPG", 0, 0, 0),
        ("b.png", 0, 0, 0),
        ("c.png", 0, 0, 0),
        ("d.mp4", 0, 0, 10),
        ("d.mp4", 1, 0.1, 10),
        ("d.mp4", 2, 0.2, 10),
    ]
    assert [frame.size for frame in read_frames[2:4]] == [(8, 6), (64, 48)]
    assert failures == []


def test_patterns_files_and_cameras_are_found_once(holiday):
    places = [str(holiday / "b.png"), str(holiday / "**/*.png"), "0"]
    found = frames.find(places, leave_out=None)
    assert [source.path.name for source in found] == ["b.png", "c.png", "old.png", "0"]
    assert found[-1].kind == "camera"
    assert frames.count(found) is None


def test_number_that_is_an_existing_file_is_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images.write(tmp_path / "0.png", np.zeros((6, 8, 3), np.uint8))
    Path("0.png").rename("0")
    assert [source.kind for source in frames.find(["0"])] == ["image"]


def test_unreadable_files_are_reported_and_the_others_read(holiday):
    (holiday / "a.JPG").write_bytes(b"no image")
    (holiday / "day" / "d.mp4").write_bytes(b"no video")
    read_frames, failures = read(frames.find([str(holiday)]))
    assert [frame.source.path.name for frame in read_frames] == ["b.png", "c.png", "old.png"]
    assert [failure.split(": ")[0] for failure in failures] == [
        str(holiday / "a.JPG"),
        str(holiday / "day" / "d.mp4"),
    ]


def test_image_is_rotated_by_its_exif_data(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # upright after a clockwise rotation by 90 degrees
    Image.fromarray(np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    ((frame,), _) = read(frames.find([str(tmp_path / "a.jpg")]))
    assert frame.size == (6, 8)
    assert cv2.imread(
        str(tmp_path / "a.jpg"), cv2.IMREAD_IGNORE_ORIENTATION | cv2.IMREAD_COLOR
    ).shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (
            "nowhere.jpg",
            "not found; expected an image, video, folder, pattern or a camera's number",
        ),
        ("*.jpg", "no file fits this pattern"),
        ("", "no image or video in this folder"),
    ],
)
def test_place_without_images_is_an_error(tmp_path, place, message):
    with pytest.raises(FileNotFoundError, match=message):
        frames.find([str(tmp_path / place)])


SIZE = (64, 48)


def drawn(count):
    return [Image.new("RGB", SIZE, (40 * n + 20, 100, 60)) for n in range(count)]


def save(path, frames, **options):
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".avif"])
def test_animated_image_is_a_video(tmp_path, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    path = save(tmp_path / f"a{suffix}", drawn(4), duration=[100, 300, 100, 300], **options)
    found = frames.find([str(tmp_path)])
    assert [(source.kind, source.path, source.name) for source in found] == [
        ("video", path, Path("a"))
    ]
    assert frames.count(found) == 4
    read_frames, failures = read(found)
    assert failures == []
    assert [frame.index for frame in read_frames] == [0, 1, 2, 3]
    assert [round(frame.seconds, 4) for frame in read_frames] == [0, 0.1, 0.4, 0.5]
    for n, frame in enumerate(read_frames):
        assert np.abs(frame.pixels.astype(int) - (40 * n + 20, 100, 60)).max() < 6


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp"])
def test_image_without_animation_is_an_image(tmp_path, suffix):
    options = {"lossless": True} if suffix == ".webp" else {}
    drawn(1)[0].save(tmp_path / f"a{suffix}", **options)
    found = frames.find([str(tmp_path / f"a{suffix}")])
    assert [source.kind for source in found] == ["image"]
    ((frame,), _) = read(found)
    assert frame.pixels[0, 0].tolist() == [20, 100, 60]


def test_frames_of_a_gif_are_composed_by_their_disposal(tmp_path):
    red = (200, 0, 0, 255)
    blue = (0, 0, 200, 255)
    green = (0, 200, 0, 255)
    transparent = (0, 0, 0, 0)
    # Values of the disposal in a GIF.
    unspecified = 0
    keep = 1
    restore = 3
    (tmp_path / "a.gif").write_bytes(
        animations.gif(
            SIZE,
            (red, 0, 0, *SIZE, unspecified),
            (blue, 10, 10, 10, 10, restore),
            (green, 30, 10, 10, 10, unspecified),
            (blue, 10, 10, 10, 10, restore),
            (transparent, 0, 0, *SIZE, keep),
        )
    )
    read_frames, _ = read(frames.find([str(tmp_path / "a.gif")]))
    left = [(*frame.pixels[15, 15].tolist(), 255) for frame in read_frames]
    right = [(*frame.pixels[15, 35].tolist(), 255) for frame in read_frames]
    assert left == [red, blue, red, blue, red]
    assert right == [red, red, green, green, green]


def test_every_page_of_a_tiff_is_an_image(tmp_path):
    pages = [Image.new("RGB", (20 + n, 10), (n, 0, 0)) for n in range(3)]
    (tmp_path / "day").mkdir()
    path = save(tmp_path / "day" / "scan.tif", pages)
    found = frames.find([str(tmp_path), str(path)])
    assert [(source.kind, source.name.as_posix(), source.page) for source in found] == [
        ("image", "day/scan_1", 0),
        ("image", "day/scan_2", 1),
        ("image", "day/scan_3", 2),
    ]
    assert frames.count(found) == 3
    read_frames, _ = read(found)
    assert [(frame.index, frame.size) for frame in read_frames] == [
        (0, (20, 10)),
        (1, (21, 10)),
        (2, (22, 10)),
    ]


def test_skipped_files_are_listed_by_kind(holiday, monkeypatch, caplog):
    monkeypatch.setattr(frames.image_kinds, "can_read_heic", lambda: False)
    images.suffixes.cache_clear()
    for name in ("a.heic", "b.HEIC", "c.psd", "d.txt", "e.csv", ".hidden.txt", ".git/f.png", "raw"):
        (holiday / name).parent.mkdir(exist_ok=True)
        (holiday / name).write_text("no image")
    (holiday / "drawn" / "predictions.json").write_text("{}")
    with caplog.at_level(logging.INFO, "paddle_pose"):
        found = frames.find([str(holiday)], leave_out=holiday / "drawn")
    images.suffixes.cache_clear()
    assert [source.path.name for source in found] == ["a.JPG", "b.png", "c.png", "d.mp4"]
    (record,) = caplog.records
    listed = record.getMessage().partition(": not looked at: ")[2]
    remedies = frames.image_kinds.REMEDIES
    assert listed == (
        f"2 .heic (HEIC image: {remedies['HEIC image']}), "
        f"1 .psd (Photoshop file: {remedies['Photoshop file']}), "
        "2 .txt, 1 without a suffix, 1 .csv"
    )
    assert record.levelno == logging.WARNING, "images that are left out are worth a warning"


def test_long_list_of_kinds_is_shortened(tmp_path, caplog):
    for n in range(20):
        (tmp_path / f"a.{n}").touch()
    images.write(tmp_path / "a.png", np.zeros((6, 8, 3), np.uint8))
    with caplog.at_level(logging.INFO, "paddle_pose"):
        frames.find([str(tmp_path)])
    (record,) = caplog.records
    assert record.levelno == logging.INFO
    assert f"{20 - frames.MAX_KINDS_LISTED} of other kinds" in record.getMessage()


def test_error_for_a_folder_without_images_lists_its_content(tmp_path):
    (tmp_path / "a.cr2").touch()
    with pytest.raises(FileNotFoundError, match=r"1 \.cr2 \(camera raw file: "):
        frames.find([str(tmp_path)])


def test_folder_with_files_of_all_kinds_is_read(shared):
    folder = shared / "cases" / "heic_avif_in_a_folder"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    names = ["drawn.avif", "drawn.heic", "drawn.jp2", "drawn.jpg"]
    expected = [name for name in names if Path(name).suffix in images.suffixes()]
    read_frames, failures = read(frames.find([str(folder)]))
    assert failures == []
    assert [frame.source.path.name for frame in read_frames] == expected
    assert {frame.size for frame in read_frames} == {(240, 200)}

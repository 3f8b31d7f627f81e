import logging

import cv2
import numpy as np
import pytest
from PIL import Image

from paddle_pose.io import images


@pytest.fixture
def pixels():
    y, x = np.mgrid[:40, :60]
    return np.stack([4 * x, 6 * y, 255 - 4 * x], axis=-1).astype(np.uint8)


def save(path, pixels, orientation=None):
    image, exif = Image.fromarray(pixels), Image.Exif()
    if orientation is not None:
        exif[274] = orientation
    image.save(path, quality=98, subsampling=0, exif=exif)
    return path


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".jpg"])
def test_what_is_written_is_read_as_rgb(tmp_path, pixels, suffix):
    path = tmp_path / "deeper" / f"image{suffix}"
    images.write(path, pixels)
    got, image_to_pixels = images.read(path)
    assert got.dtype == np.uint8
    assert np.abs(got.astype(int) - pixels).max() <= (25 if suffix == ".jpg" else 0)
    assert np.array_equal(image_to_pixels, np.eye(2, 3))
    assert np.array_equal(images.read_upright(path), got)


def test_grey_images_and_those_with_transparency_have_three_channels(tmp_path, pixels):
    Image.fromarray(pixels[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(np.dstack([pixels, pixels[..., :1]])).save(tmp_path / "clear.png")
    assert np.array_equal(
        images.read(tmp_path / "grey.png")[0], np.repeat(pixels[..., :1], 3, axis=2)
    )
    assert images.read(tmp_path / "clear.png")[0].shape == (40, 60, 3)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_exif_turns_anybodys_image_and_no_data_sets(tmp_path, pixels, caplog, orientation):
    path = save(tmp_path / "turned.jpg", pixels, orientation)
    plain = images.read(save(tmp_path / "plain.jpg", pixels))[0]
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        stored = images.read(path)[0]
        again = images.read(path)[0]
    assert np.array_equal(stored, plain)
    assert np.array_equal(again, plain)
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 1, "a file is named once, and one without a rotation never"
    assert str(path) in told[0]
    assert f"orientation {orientation}" in told[0]
    # what the numbers mean, by the first row and column of the stored image (EXIF 2.3, tag 274)
    upright = {
        2: plain[:, ::-1],
        3: plain[::-1, ::-1],
        4: plain[::-1],
        5: plain.transpose(1, 0, 2),
        6: np.rot90(plain, -1),
        7: plain[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(plain),
    }[orientation]
    assert np.array_equal(images.read_upright(path), upright)


def test_exif_without_a_rotation_says_nothing(tmp_path, pixels, caplog, monkeypatch):
    path = save(tmp_path / "a.jpg", pixels, 1)
    images.read(path)
    assert not caplog.records
    assert images.exif_orientation(b"Exif but no image") == 1
    turned = save(tmp_path / "b.jpg", pixels, 6)
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", 100
    )  # an image far beyond Pillow's limit is read all the same
    assert images.read(turned)[0].shape == (40, 60, 3)


@pytest.mark.parametrize("read", [images.read, images.read_upright])
def test_what_cannot_be_read_is_named(tmp_path, pixels, read):
    with pytest.raises(FileNotFoundError, match=r"none.jpg: not found"):
        read(tmp_path / "none.jpg")
    with pytest.raises(FileNotFoundError, match="not found"):
        read(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match=r"empty.jpg: the file is empty"):
        read(tmp_path / "empty.jpg")
    (tmp_path / "text.jpg").write_text("not an image")
    with pytest.raises(ValueError, match=r"text.jpg: not an image that can be decoded"):
        read(tmp_path / "text.jpg")
    images.write(tmp_path / "whole.png", pixels)
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:30])
    with pytest.raises(ValueError, match=r"half.png: "):
        read(tmp_path / "half.png")


def test_what_cannot_be_written_is_named(tmp_path, pixels):
    with pytest.raises((OSError, cv2.error), match=r"image|extension"):
        images.write(tmp_path / "a.unknown", pixels)


def test_an_error_names_the_image_and_leaves_nothing(tmp_path, pixels):
    path = tmp_path / "a.png"
    path.mkdir()
    with pytest.raises(OSError, match=r"a\.png") as caught:
        images.write(path, pixels)
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]


def test_missing_images_are_counted_before_a_run(tmp_path, pixels):
    there = tmp_path / "a.png"
    images.write(there, pixels)
    images.check_present([there, there])
    images.check_present([])
    missing = [tmp_path / "b.png", tmp_path / "nowhere" / "c.png"]
    with pytest.raises(FileNotFoundError, match=r"b.png: not found \(2 of 3 images are missing\)"):
        images.check_present([there, *missing])

import itertools

import cv2
import numpy as np
import pytest
from helpers import animations
from PIL import Image, TiffImagePlugin

from paddle_pose.errors import InputError
from paddle_pose.io import image_sequences, images

SIZE = (60, 40)
FORMS = {"GIF": {}, "PNG": {}, "WEBP": {"lossless": True}, "AVIF": {"quality": 100}}


def drawn(count):
    """Returns frames of one colour each, with a moving square."""
    frames = []
    for n in range(count):
        pixels = np.full((SIZE[1], SIZE[0], 3), (30 * n + 20, 200 - 20 * n, 90), np.uint8)
        pixels[10:20, 8 * n : 8 * n + 8] = (250, 250, 0)
        frames.append(Image.fromarray(pixels))
    return frames


def save(path, frames, **options):
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_animation_is_read_completely_with_its_times(tmp_path, form):
    frames = drawn(4)
    path = tmp_path / "a"  # no suffix: the content decides
    save(path, frames, format=form, duration=[50, 100, 0, 250], **FORMS[form])
    assert image_sequences.contents(path) == ("animation", [0, 1, 2, 3])
    seen = list(image_sequences.read_animation(path))
    times = [round(seconds, 4) for _, seconds, _ in seen]
    # A frame of 0 s is shown for 0.1 s.
    assert times == [0, 0.05, 0.15, 0.25]
    assert {round(rate, 6) for _, _, rate in seen} == {8}  # 4 frames in 0.5 s
    for (pixels, _, _), frame in zip(seen, frames, strict=True):
        assert pixels.dtype == np.uint8
        assert np.abs(pixels.astype(int) - np.asarray(frame)).mean() < 4


def test_frames_are_composed_by_their_disposal(tmp_path):
    red = (200, 0, 0, 255)
    blue = (0, 0, 200, 255)
    green = (0, 200, 0, 255)
    transparent = (0, 0, 0, 0)
    # Values of the disposal in an animated PNG.
    keep = 0
    clear = 1
    restore = 2
    (tmp_path / "a.png").write_bytes(
        animations.apng(
            SIZE,
            (red, 0, 0, *SIZE, keep),
            (blue, 10, 10, 10, 10, restore),
            (green, 30, 10, 10, 10, keep),
            (blue, 10, 10, 10, 10, restore),
            (transparent, 0, 0, *SIZE, keep),
            (blue, 20, 10, 20, 10, clear),
            (transparent, 0, 0, 1, 1, keep),
        )
    )
    seen = [pixels for pixels, _, _ in image_sequences.read_animation(tmp_path / "a.png")]
    left = [tuple(pixels[15, 15].tolist()) for pixels in seen]
    right = [tuple(pixels[15, 35].tolist()) for pixels in seen]
    assert left == [color[:3] for color in (red, blue, red, blue, red, red, red)]
    assert right == [color[:3] for color in (red, red, green, green, green, blue, transparent)]


def test_still_image_beside_an_animation_is_left_out(tmp_path):
    frames = drawn(3)
    path = save(tmp_path / "a.png", frames, default_image=True, duration=[100, 300])
    assert image_sequences.contents(path) == ("animation", [1, 2])
    seen = list(image_sequences.read_animation(path))
    assert [seconds for _, seconds, _ in seen] == [0, 0.1]
    assert np.array_equal(seen[0][0], np.asarray(frames[1]))
    path = save(tmp_path / "b.png", frames[:2], default_image=True, duration=[100])
    assert image_sequences.contents(path)[0] == "image"


def test_animation_that_ends_early_is_an_error_after_its_frames(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (6, 40, 60, 3), np.uint8)
    path = save(tmp_path / "a.png", [Image.fromarray(frame) for frame in noise], duration=100)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 6 // 10])
    stream = image_sequences.read_animation(path)
    seen = [next(stream)[0] for _ in range(3)]
    assert np.array_equal(seen, noise[:3])
    with pytest.raises(InputError, match=rf"{path}: ends after 3 of 6 frames"):
        next(stream)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".jpg", ".tiff", ".bmp"])
def test_file_of_one_image_is_an_image(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    drawn(1)[0].save(path)
    assert image_sequences.contents(path) == ("image", [0])
    with pytest.raises(InputError, match="not an animation"):
        next(image_sequences.read_animation(path))


def test_unreadable_files_are_an_image(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7")
    for name in ("a.png", "b.pdf"):
        assert image_sequences.contents(tmp_path / name) == ("image", [0])
    with pytest.raises(FileNotFoundError):
        next(image_sequences.read_animation(tmp_path / "c.gif"))
    with pytest.raises(FileNotFoundError):
        image_sequences.read_page(tmp_path / "c.tif", 0)


def test_every_page_of_a_tiff_is_read(tmp_path):
    values = np.arange(1200, dtype=np.uint16).reshape(30, 40) * 54
    pages = [
        Image.fromarray(np.full((20, 50, 3), (10, 20, 30), np.uint8)),
        Image.fromarray(values),
        Image.new("1", (8, 9), 1),
    ]
    path = save(tmp_path / "a.tif", pages)
    assert image_sequences.contents(path) == ("pages", [0, 1, 2])
    first, second, third = (image_sequences.read_page(path, n) for n in range(3))
    assert (first.shape, first[0, 0].tolist()) == ((20, 50, 3), [10, 20, 30])
    assert np.array_equal(second[..., 1], np.rint(values / 257))
    assert (third.shape, third.min()) == ((9, 8, 3), 255)


def test_previews_and_masks_are_not_pages(tmp_path):
    path = tmp_path / "a.tif"
    with TiffImagePlugin.AppendingTiffWriter(str(path), new=True) as file:
        for kind in (0, 1, 0, 4):
            Image.new("RGB", SIZE).save(file, "TIFF", tiffinfo={254: kind})
            file.newFrame()
    with Image.open(path) as image:
        kinds = [(image.seek(n), image.tag_v2.get(254, 0))[1] for n in range(image.n_frames)]
    assert kinds == [0, 1, 0, 4]
    assert image_sequences.contents(path) == ("pages", [0, 2])


def test_pages_that_pillow_cannot_read_are_read_by_opencv(tmp_path, monkeypatch):
    rgb = np.linspace(0, 1, 3600, dtype=np.float32).reshape(20, 60, 3)
    path = tmp_path / "a.tif"
    cv2.imwritemulti(str(path), [rgb[..., ::-1], rgb[::-1, :, ::-1]])
    assert np.array_equal(image_sequences.read_page(path, 1), np.rint(rgb[::-1] * 255))
    path = save(tmp_path / "b.tif", drawn(2))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert np.array_equal(image_sequences.read_page(path, 1), np.asarray(drawn(2)[1]))


def test_truncated_or_too_large_page_is_named(tmp_path, monkeypatch):
    path = save(tmp_path / "a.tif", [Image.new("RGB", (8, 9)), Image.new("RGB", SIZE)])
    with pytest.raises(InputError, match=r"a\.tif: page 3 "):
        image_sequences.read_page(path, 2)
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    assert image_sequences.read_page(path, 0).shape == (9, 8, 3)
    with pytest.raises(InputError, match=r"page 2: 60 x 40 px"):
        image_sequences.read_page(path, 1)


def test_only_one_frame_is_in_memory(tmp_path):
    path = save(tmp_path / "a.webp", drawn(6), duration=100, lossless=True)
    stream = image_sequences.read_animation(path)
    firsts = [pixels[0, 0, 0] for pixels, _, _ in itertools.islice(stream, 2)]
    assert firsts == [20, 50]
    stream.close()
    path.unlink()  # the file is closed

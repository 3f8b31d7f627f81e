"""Readers of images: all show a window at the same place; the crop cache stores valid crops."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from paddle_pose import geometry
from paddle_pose.codecs.heatmap import HeatmapCodec
from paddle_pose.data.augment import Augment
from paddle_pose.data.crop_cache import CropCache, ReducedReader, read_whole
from paddle_pose.data.dataset import crop
from paddle_pose.geometry import Window
from paddle_pose.io import images
from paddle_pose.structures import Sample

INPUT = (64, 64)
CODEC = HeatmapCodec(input_size=INPUT)
PERIOD = 160.0


def ripples(x, y):
    """Returns grey values [..., 2] of red and green, which encode x and y in image px."""
    across, down = 2 * np.pi * x / PERIOD, 2 * np.pi * y / PERIOD
    return np.stack([128 + 100 * np.sin(across), 128 + 100 * np.sin(down)], axis=-1)


@pytest.fixture
def image(tmp_path):
    y, x = np.mgrid[:480, :640]
    pixels = np.concatenate([ripples(x, y), np.zeros((480, 640, 1))], axis=-1)
    path = tmp_path / "ripples.jpg"
    Image.fromarray(pixels.round().astype(np.uint8)).save(path, quality=98, subsampling=0)
    return path


def displacement(sample, window, reader):
    """Returns the shift (x, y) of a reader's crop against the analytic image, in image px.

    It is estimated by least squares.
    """
    shown = crop(sample, window, CODEC, reader)[..., :2].astype(float)
    row, column = np.mgrid[: INPUT[1], : INPUT[0]]
    place = geometry.move(np.stack([column, row], axis=-1), window.to_image(INPUT))
    inside = ((place > 12) & (place < (627, 467))).all(axis=-1)
    assert inside.sum() > 100
    slope = 100 * 2 * np.pi / PERIOD * np.cos(2 * np.pi * place / PERIOD)
    error = shown - ripples(place[..., 0], place[..., 1])
    assert np.abs(error[inside]).mean() < 4
    return [
        (error[..., i] * slope[..., i])[inside].sum() / (slope[..., i] ** 2)[inside].sum()
        for i in (0, 1)
    ]


def readers(tmp_path):
    return read_whole, ReducedReader(INPUT), CropCache(tmp_path / "cache", INPUT, 1e9)


@pytest.mark.parametrize("side", [60.0, 150.0, 290.0, 601.0])
def test_all_readers_show_a_window_at_the_same_place(tmp_path, image, side):
    sample = Sample(0, image, Window((300.3, 222.7), (side, side)), ())
    rng = np.random.default_rng(0)
    tolerance = max(0.06, 0.02 * side / INPUT[0])  # image px: 0.02 input px, at least 0.06
    for reader in readers(tmp_path):
        for window in (
            sample.window,
            *(Augment(scale=0.25).window(sample, CODEC.skeleton, rng) for _ in range(6)),
        ):
            assert displacement(sample, window, reader) == pytest.approx([0, 0], abs=tolerance)


def test_reduced_image_keeps_one_pixel_per_input_pixel(image):
    reader = ReducedReader(INPUT)
    for side, reduction in ((30, 1), (64, 1), (127, 1), (128, 2), (255, 2), (256, 4), (4000, 8)):
        window = Window((300.0, 200.0), (side, side))
        assert reader.reduction(window) == reduction
        pixels, _ = reader(Sample(0, image, window, ()), window)
        assert pixels.shape == (480 // reduction, 640 // reduction, 3)


def test_only_jpeg_files_are_reduced(tmp_path):
    images.write(tmp_path / "a.png", np.zeros((101, 77, 3), np.uint8))
    pixels, matrix = images.read(tmp_path / "a.png", 4)
    assert pixels.shape == (101, 77, 3)
    assert np.array_equal(matrix, np.eye(2, 3))


def test_first_access_equals_later_ones(tmp_path, image):
    sample = Sample(0, image, Window((300.0, 200.0), (200.0, 200.0)), ())
    first, again = (
        CropCache(tmp_path / "cache", INPUT, 1e9)(sample, sample.window) for _ in range(2)
    )
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert len(list(tmp_path.glob("cache/*/*"))) == 1


def test_the_shown_part_of_a_crop_is_warped_like_the_whole_crop(tmp_path, image):
    """Moving the origin changes the rounding of OpenCV's warp by one grey level at most."""
    sample = Sample(0, image, Window((300.3, 222.7), (200.0, 200.0)), ())
    cache = CropCache(tmp_path / "cache", INPUT, 1e9)
    whole = cache(sample, sample.window.scaled(1.98))
    rng = np.random.default_rng(0)
    differing = 0
    for _ in range(40):
        window = Augment(scale=0.25).window(sample, CODEC.skeleton, rng)
        part, _ = cache(sample, window)
        assert part.size < 0.9 * whole[0].size
        shown, expected = (
            crop(sample, window, CODEC, reader).astype(int)
            for reader in (cache, lambda sample, window: whole)
        )
        assert np.abs(shown - expected).max() <= 1
        differing += (shown != expected).sum()
    assert differing < 1e-3 * 40 * shown.size


def test_window_beyond_the_crop_is_read_from_the_image(tmp_path, image):
    sample = Sample(0, image, Window((300.0, 200.0), (100.0, 100.0)), ())
    cache = CropCache(tmp_path / "cache", INPUT, 1e9)
    for window in (sample.window.scaled(2.5), Window((380.0, 200.0), (100.0, 100.0))):
        pixels, matrix = cache(sample, window)
        expected = ReducedReader(INPUT)(sample, window)
        assert np.array_equal(pixels, expected[0])
        assert np.array_equal(matrix, expected[1])


def test_region_outside_the_image_is_black(tmp_path, image):
    sample = Sample(0, image, Window((-900.0, 200.0), (100.0, 100.0)), ())
    assert not crop(sample, sample.window, CODEC, CropCache(tmp_path / "cache", INPUT, 1e9)).any()


def test_full_cache_warns_once_and_reads_the_images(tmp_path, image, caplog):
    cache = CropCache(tmp_path / "cache", INPUT, max_bytes=1)
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        for x in (100.0, 200.0, 300.0, 400.0):
            sample = Sample(0, image, Window((x, 200.0), (100.0, 100.0)), ())
            cache(sample, sample.window)
    assert len(list(tmp_path.glob("cache/*/*.crop"))) == 1
    assert len(caplog.records) == 1
    assert str(tmp_path / "cache") in caplog.text


def test_unfinished_files_of_other_processes_are_not_counted(tmp_path, image):
    (tmp_path / "cache" / "ab").mkdir(parents=True)
    (tmp_path / "cache" / "ab" / ".abc.1f2e3d4c.part.crop").write_bytes(bytes(100))
    sample = Sample(0, image, Window((300.0, 200.0), (100.0, 100.0)), ())
    CropCache(tmp_path / "cache", INPUT, max_bytes=1)(sample, sample.window)
    assert len(list(tmp_path.glob("cache/*/[!.]*.crop"))) == 1


@pytest.mark.parametrize(
    "damage",
    [b"", b"PPC1", b"PPC1" + b"\0" * 60, b"other" * 40],
    ids=["empty", "cut off", "no pixels", "another format"],
)
def test_damaged_crop_is_created_again(tmp_path, image, caplog, damage):
    sample = Sample(0, image, Window((300.0, 200.0), (200.0, 200.0)), ())
    cache = CropCache(tmp_path / "cache", INPUT, 1e9)
    expected = cache(sample, sample.window)[0]
    (file,) = tmp_path.glob("cache/*/*.crop")
    file.write_bytes(damage)
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        assert np.array_equal(cache(sample, sample.window)[0], expected)
    assert str(file) in caplog.text
    assert file.read_bytes() != damage


@pytest.mark.parametrize("place", [4, 20, 58, 64, 1000, -5, -1], ids=str)
def test_crop_with_one_flipped_bit_is_created_again(tmp_path, image, caplog, place):
    sample = Sample(0, image, Window((300.0, 200.0), (200.0, 200.0)), ())
    cache = CropCache(tmp_path / "cache", INPUT, 1e9)
    expected = cache(sample, sample.window)
    (file,) = tmp_path.glob("cache/*/*.crop")
    whole = file.read_bytes()
    content = bytearray(whole)
    content[place] ^= 1
    file.write_bytes(content)
    again = cache(sample, sample.window)
    assert all(np.array_equal(a, b) for a, b in zip(again, expected, strict=True))
    assert str(file) in caplog.text
    assert file.read_bytes() == whole


def test_changed_image_is_read_again(tmp_path, image):
    sample = Sample(0, image, Window((300.0, 200.0), (200.0, 200.0)), ())
    cache = CropCache(tmp_path / "cache", INPUT, 1e9)
    cache(sample, sample.window)
    Image.new("RGB", (640, 480), (255, 0, 0)).save(image)
    os.utime(image, (1, 1))
    assert cache(sample, sample.window)[0][..., 0].min() > 250
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg: not found"):
        cache(Sample(0, tmp_path / "gone.jpg", sample.window, ()), sample.window)


def test_threads_share_a_cache(tmp_path, image):
    cache = CropCache(tmp_path / "cache", INPUT, 1e9)
    samples = [
        Sample(0, image, Window((300.0, 200.0), (100.0 + i % 3, 100.0)), ()) for i in range(24)
    ]
    with ThreadPoolExecutor(8) as pool:
        shown = list(pool.map(lambda sample: cache(sample, sample.window)[0], samples))
    assert all(np.array_equal(shown[i], shown[i % 3]) for i in range(24))
    assert len(list(tmp_path.glob("cache/*/*"))) == 3

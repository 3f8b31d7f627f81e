import io
import logging
import struct
import sys
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from paddle_pose.errors import InputError
from paddle_pose.io import image_kinds, images


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


def encoded(image, form, **options):
    """Returns an image as the content of a file."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def jpeg(pixels, **options):
    return encoded(Image.fromarray(pixels), "JPEG", quality=98, subsampling=0, **options)


def upright(pixels, orientation):
    """Returns the upright image of an EXIF orientation.

    Source: EXIF 2.3, tag 274: the sides of the stored image's first row and column.
    """
    return {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, -1),
        7: pixels[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(pixels),
    }[orientation]


@pytest.fixture
def said(caplog):
    """Returns a function for the lines that have been logged since its last call."""

    def take():
        messages = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return messages

    with caplog.at_level(logging.INFO, "paddle_pose"):
        yield take


@pytest.fixture
def noise():
    """Returns an image of noise, whose file loses rows when it is truncated."""
    return np.random.default_rng(0).integers(1, 255, (96, 120, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".jpg"])
def test_written_image_is_read_as_rgb(tmp_path, pixels, suffix):
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
def test_exif_rotates_images_of_users_but_not_of_data_sets(tmp_path, pixels, caplog, orientation):
    path = save(tmp_path / "turned.jpg", pixels, orientation)
    plain = images.read(save(tmp_path / "plain.jpg", pixels))[0]
    with caplog.at_level(logging.WARNING, "paddle_pose"):
        stored = images.read(path)[0]
        again = images.read(path)[0]
    assert np.array_equal(stored, plain)
    assert np.array_equal(again, plain)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1, "a file is named once, and one without a rotation never"
    assert str(path) in messages[0]
    assert f"orientation {orientation}" in messages[0]
    assert np.array_equal(images.read_upright(path), upright(plain, orientation))


def test_exif_without_a_rotation_logs_nothing(tmp_path, pixels, caplog, monkeypatch):
    path = save(tmp_path / "a.jpg", pixels, 1)
    images.read(path)
    assert not caplog.records
    assert images.exif_orientation(b"Exif but no image") == 1
    turned = save(tmp_path / "b.jpg", pixels, 6)
    monkeypatch.setattr(
        Image, "MAX_IMAGE_PIXELS", 100
    )  # an image far beyond Pillow's limit is read nevertheless
    assert images.read(turned)[0].shape == (40, 60, 3)


@pytest.mark.parametrize("read", [images.read, images.read_upright])
def test_unreadable_file_is_named(tmp_path, pixels, read):
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
    (tmp_path / "head.jpg").write_bytes(jpeg(pixels)[:200])
    with pytest.raises(ValueError, match=r"head.jpg: not an image that can be decoded"):
        read(tmp_path / "head.jpg")


def test_unwritable_file_is_named(tmp_path, pixels):
    with pytest.raises((OSError, cv2.error), match=r"image|extension"):
        images.write(tmp_path / "a.unknown", pixels)


def test_error_names_the_image_and_leaves_no_draft(tmp_path, pixels):
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


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_every_kind_of_image_is_rotated_once(tmp_path, pixels, form, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"quality": 100, "subsampling": "4:4:4"} if form == "AVIF" else {"lossless": True}
    options = options if form in ("AVIF", "WEBP") else {}
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(encoded(Image.fromarray(pixels), form, exif=exif, **options))
    expected = upright(pixels, orientation)
    got = images.read_upright(path)
    assert got.shape == expected.shape
    assert np.abs(got.astype(int) - expected).mean() < 5
    with Image.open(path) as image:
        assert np.abs(images.as_pixels(image).astype(int) - expected).mean() < 5
    as_stored = images.read(path)[0]
    assert as_stored.shape == pixels.shape
    assert np.abs(as_stored.astype(int) - pixels).mean() < 5
    assert images.stored_form(path) == (pixels.shape[1::-1], orientation)


def test_exif_data_after_the_pixels_of_a_png_are_applied(tmp_path, pixels):
    exif = Image.Exif()
    exif[274] = 6
    content = encoded(Image.fromarray(pixels), "PNG", exif=exif)
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    last = content.index(b"IEND") - 4
    moved = content[:start] + content[end:last] + content[start:end] + content[last:]
    (tmp_path / "a.png").write_bytes(moved)
    assert np.array_equal(images.read_upright(tmp_path / "a.png"), np.rot90(pixels, -1))


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_without_its_last_two_bytes_is_read_completely(tmp_path, noise, said, progressive):
    content = jpeg(noise, progressive=progressive)
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "cut.jpg").write_bytes(content[:-2])
    whole = images.read_upright(tmp_path / "whole.jpg")
    assert said() == []
    assert np.array_equal(images.read_upright(tmp_path / "cut.jpg"), whole)
    (message,) = said()
    assert message.startswith(f"{tmp_path / 'cut.jpg'}: ")
    assert np.array_equal(images.read(tmp_path / "cut.jpg")[0], whole)
    assert said() == [], "once for each file"


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_truncated_jpeg_is_read_up_to_its_end(tmp_path, noise, said, reduction):
    exif = Image.Exif()
    exif[274] = 6
    content = jpeg(cv2.blur(noise, (9, 9)), exif=exif)
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) * 6 // 10])
    whole, whole_matrix = images.read(tmp_path / "whole.jpg", reduction)
    said()
    cut, matrix = images.read(tmp_path / "cut.jpg", reduction)
    rotated, incomplete = said()
    assert "orientation 6" in rotated
    empty = int((cut == 128).all(axis=(1, 2)).sum()) * reduction
    assert 16 <= empty <= 48
    if reduction == 1:
        assert f"{empty} of its 96 rows are empty" in incomplete
    assert np.array_equal(matrix, whole_matrix)
    assert cut.shape == whole.shape
    seen = (96 - empty - 8) // reduction  # the last row of blocks is incomplete
    assert np.abs(cut[:seen].astype(int) - whole[:seen]).mean() < 3
    stored = images.read(tmp_path / "cut.jpg")[0]
    assert np.array_equal(images.read_upright(tmp_path / "cut.jpg"), np.rot90(stored, -1))


def test_end_of_a_preview_is_not_the_end_of_a_jpeg(tmp_path, noise, said):
    preview = b"Exif\0\0" + jpeg(noise[:16, :16])
    segment = b"\xff\xe1" + struct.pack(">H", len(preview) + 2) + preview
    content = jpeg(noise)
    content = content[:2] + segment + content[2:]
    (tmp_path / "whole.jpg").write_bytes(content + b"\xff\xdafilm of the moment")
    whole = images.read(tmp_path / "whole.jpg")[0]
    assert said() == [], "what follows the end is not looked at"
    (tmp_path / "cut.jpg").write_bytes(content[:-2])
    assert np.array_equal(images.read(tmp_path / "cut.jpg")[0], whole)
    assert len(said()) == 1


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF", "GIF"])
def test_truncated_images_of_other_kinds_are_read_up_to_their_end(tmp_path, noise, said, form):
    grey = np.repeat(noise[..., :1], 3, axis=2)
    options = {"interlace": 0} if form == "GIF" else {}
    content = encoded(Image.fromarray(noise[..., 0]), form, **options)
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(content[: len(content) * 7 // 10])
    got = images.read_upright(path)
    (message,) = said()
    empty = int((got == got[0 if form == "BMP" else -1, -1]).all(axis=(1, 2)).sum())
    assert 15 <= empty <= 45
    assert f"{empty} of its 96 rows are empty" in message
    rows = slice(empty + 1, None) if form == "BMP" else slice(95 - empty)
    assert np.array_equal(got[rows], grey[rows])


def test_truncated_pil_image_is_read_up_to_its_end(tmp_path, noise, said):
    content = encoded(Image.fromarray(noise), "PNG")
    (tmp_path / "a.png").write_bytes(content[: len(content) * 7 // 10])
    with Image.open(tmp_path / "a.png") as image:
        got = images.as_pixels(image)
    assert np.array_equal(got[:50], noise[:50])
    assert len(said()) == 1
    with Image.open(io.BytesIO(content[:60])) as image, pytest.raises(InputError):
        images.as_pixels(image)


def kinds_of_pixels():
    """Returns contents of files by name, and their expected pixels."""
    y, x = np.mgrid[:40, :60]
    fine = (x * 1000 + y * 100).astype(np.uint16)
    colours = np.stack([fine, fine[:, ::-1], fine[::-1]], axis=-1)
    eight = np.rint(colours / 257).astype(np.uint8)
    grey = np.repeat(eight[..., :1], 3, axis=2)
    image = Image.fromarray(eight)
    alpha = Image.fromarray(np.where(x < 30, 0, 200).astype(np.uint8))
    clear = image.copy()
    clear.putalpha(alpha)
    palette = image.quantize(64)
    shown = np.asarray(palette.convert("RGB"))
    veiled = Image.merge("LA", (Image.fromarray(grey[..., 0]), alpha))
    share = (fine / 65535).astype(np.float32)

    def by_opencv(suffix, values):
        return cv2.imencode(suffix, values[..., ::-1] if values.ndim == 3 else values)[1].tobytes()

    rgb_16 = ("rgb-16", by_opencv(".png", colours), eight)
    return [
        rgb_16,
        ("grey-16", by_opencv(".png", fine), grey),
        ("rgb-16-tiff", by_opencv(".tiff", colours), eight),
        ("grey-16-tiff", by_opencv(".tiff", fine), grey),
        ("grey-16-jp2", encoded(Image.fromarray(fine), "JPEG2000"), grey),
        ("grey-32-tiff", encoded(Image.fromarray(fine.astype(np.int32)), "TIFF"), grey),
        ("float-tiff", encoded(Image.fromarray(share), "TIFF"), grey),
        ("float-255-tiff", encoded(Image.fromarray(share * 255), "TIFF"), grey),
        ("float-rgb-tiff", by_opencv(".tiff", (colours / 65535).astype(np.float32)), eight),
        ("palette", encoded(palette, "PNG"), shown),
        ("palette-clear", encoded(palette, "PNG", transparency=bytes([0] * 9)), shown),
        ("palette-gif", encoded(palette, "GIF", transparency=3), shown),
        ("palette-tiff", encoded(palette, "TIFF"), shown),
        ("alpha", encoded(clear, "PNG"), eight),
        ("alpha-tiff", encoded(clear, "TIFF"), eight),
        ("alpha-webp", encoded(clear, "WEBP", lossless=True, exact=True), eight),
        ("grey-alpha", encoded(veiled, "PNG"), grey),
        ("cmyk", encoded(image.convert("CMYK"), "JPEG", quality=99, subsampling=0), eight),
        ("cmyk-tiff", encoded(image.convert("CMYK"), "TIFF"), eight),
        ("bits", encoded(image.convert("1"), "PNG"), np.asarray(image.convert("1").convert("RGB"))),
    ]


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [pytest.param(*kind, id=kind[0]) for kind in kinds_of_pixels()],
)
def test_every_kind_of_pixels_becomes_8_bit_rgb(tmp_path, name, content, shown):
    path = tmp_path / "a"
    path.write_bytes(content)
    allowed = 3 if name == "cmyk" else 1  # JPEG; OpenCV truncates 16 bits to 8 without rounding
    difference = np.abs(images.read_upright(path).astype(int) - shown)
    assert difference.max() <= allowed
    assert np.array_equal(images.read(path)[0], images.read_upright(path))
    if name != "float-rgb-tiff":  # Pillow has no such mode
        with Image.open(path) as image:
            assert np.abs(images.as_pixels(image).astype(int) - shown).max() <= allowed


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", image_kinds.HEIC, id="heic"),
        pytest.param(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", image_kinds.AVIF, id="avif"),
        pytest.param(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", image_kinds.RAW, id="cr3"),
        pytest.param(b"\0\0\0\x18ftypisom\0\0\0\1isommp41", "MP4 video", id="mp4"),
        pytest.param(b"II*\0\x10\0\0\0CR\2\0", image_kinds.RAW, id="cr2"),
        pytest.param(b"FUJIFILMCCD-RAW 0201", image_kinds.RAW, id="raf"),
        pytest.param(b"\xff\x0a\xfa\x7f", "JPEG XL image", id="jxl"),
        pytest.param(b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL image", id="jxl-box"),
        pytest.param(b"8BPS\0\1", "Photoshop file", id="psd"),
        pytest.param(b"%PDF-1.7", "PDF document", id="pdf"),
        pytest.param(b'<?xml version="1.0"?>\n<svg width="9">', "SVG drawing", id="svg"),
        pytest.param(b"\xef\xbb\xbf <!DOCTYPE HTML><title>404", "web page", id="html"),
    ],
)
def test_kind_of_an_unreadable_image_is_named(tmp_path, monkeypatch, content, kind):
    monkeypatch.setitem(sys.modules, "pi_heif", None)  # not installed
    assert image_kinds.recognize(content) == kind
    path = tmp_path / "a.jpg"
    path.write_bytes(content + bytes(100))
    for read in (images.read, images.read_upright):
        with pytest.raises(InputError) as caught:
            read(path)
        assert f"{path}: a {kind}" in str(caught.value)
        assert image_kinds.REMEDIES[kind] in str(caught.value)


@pytest.mark.parametrize("tags", [{50706: b"\1\4\0\0"}, {254: 1, 330: 8}], ids=["dng", "nef"])
def test_raw_file_is_not_read_as_its_preview(tmp_path, pixels, tags):
    path = tmp_path / "a.tif"
    path.write_bytes(encoded(Image.fromarray(pixels), "TIFF", tiffinfo=tags))
    with pytest.raises(InputError, match=image_kinds.RAW):
        images.read_upright(path)


@pytest.fixture
def case(shared):
    folder = shared / "cases" / "heic_avif_in_a_folder"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    return folder


def test_heic_equals_the_same_avif_and_jpeg_2000(case, tmp_path):
    pytest.importorskip("pi_heif")
    heic = images.read_upright(case / "drawn.heic")
    assert images.stored_size(case / "drawn.heic") == (240, 200)
    for name in ("drawn.avif", "drawn.jp2"):
        other = images.read_upright(case / name)
        assert np.abs(heic.astype(int) - other).mean() < 4
    (tmp_path / "a.heic").write_bytes((case / "drawn.heic").read_bytes()[:2000])
    with pytest.raises(InputError, match=image_kinds.HEIC):
        images.read(tmp_path / "a.heic")


def test_rotation_of_heic_is_applied_once(case, tmp_path):
    pytest.importorskip("pi_heif")
    turned = tmp_path / "turned.heic"
    turned.write_bytes(with_rotation((case / "drawn.heic").read_bytes(), quarters=1))
    expected = np.rot90(images.read_upright(case / "drawn.heic"))
    assert np.array_equal(images.read_upright(turned), expected)
    assert np.array_equal(images.read(turned)[0], expected)


def with_rotation(heic, quarters):
    """Returns a HEIC file of one image with a counter-clockwise rotation by 90 degrees * `quarters`.

    The rotation is stored as a property of the format, not in EXIF data.
    """
    content = bytearray(heic)
    rotation = struct.pack(">I4sB", 9, b"irot", quarters)
    place = content.index(b"ipma") + 4 + 4 + 4 + 2  # version and flags, number of items, item
    number = content[place]
    content[place] += 1
    content.insert(place + 1 + number, 0x80 | (number + 1))  # essential; properties count from 1
    end = content.index(b"ipco") - 4
    end += int.from_bytes(content[end : end + 4], "big")
    content[end:end] = rotation
    for box, more in (("ipco", 9), ("ipma", 1), ("iprp", 10), ("meta", 10)):
        start = content.index(box.encode()) - 4
        size = int.from_bytes(content[start : start + 4], "big") + more
        content[start : start + 4] = size.to_bytes(4, "big")
    offset = heic.index(b"mdat") + 4  # start of the pixels, which `iloc` states
    where = content.index(offset.to_bytes(4, "big"), content.index(b"iloc"))
    content[where : where + 4] = (offset + 10).to_bytes(4, "big")
    return bytes(content)


def test_case_of_a_jpeg_without_an_end_is_read(shared, said):
    path = shared / "cases" / "jpeg_without_end" / "no_end.jpg"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    assert np.array_equal(images.read_upright(path), cv2.imread(str(path))[..., ::-1])
    assert [message.split(": ")[0] for message in said()] == [str(path)]


def test_size_is_checked_before_decoding(tmp_path):
    content = bytearray(encoded(Image.new("L", (8, 8)), "PNG"))
    content[16:24] = struct.pack(">II", 40_000, 30_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "a.png").write_bytes(content)
    for read in (images.read, images.read_upright):
        with pytest.raises(InputError, match=r"a\.png: 40000 x 30000 px; at most 715,827,882 px"):
            read(tmp_path / "a.png")
    assert images.stored_size(tmp_path / "a.png") == (40_000, 30_000)
    for pixels in (2**31 // 3, 2**31 // 3 + 1):
        array = np.broadcast_to(np.zeros(1, np.uint8), (1, pixels, 3))
        if array.nbytes < 2**31:
            assert images.as_pixels(array) is array
        else:
            with pytest.raises(InputError, match=rf"{pixels} x 1 px"):
                images.as_pixels(array)


def test_size_limit_applies_to_late_sizes_and_pil_images(tmp_path, pixels, monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    (tmp_path / "a.hdr").write_bytes(cv2.imencode(".hdr", pixels.astype(np.float32))[1].tobytes())
    with pytest.raises(InputError, match=r"a\.hdr: 60 x 40 px"):
        images.read_upright(tmp_path / "a.hdr")
    with pytest.raises(InputError, match="60 x 40 px"):
        images.as_pixels(Image.fromarray(pixels))


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP", "TIFF", "JPEG"])
def test_limits_of_pillow_do_not_apply(tmp_path, pixels, monkeypatch, form):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1300)  # warns above, refuses above twice that
    path = tmp_path / "a"
    path.write_bytes(encoded(Image.fromarray(pixels), form))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert images.read_upright(path).shape == (40, 60, 3)
        assert images.stored_size(path) == (60, 40)


def test_data_set_reads_the_first_of_several_images(tmp_path, pixels, said):
    frames = [Image.fromarray(pixels // n) for n in (1, 2, 3)]
    for form in ("TIFF", "WEBP"):
        path = tmp_path / f"a.{form.lower()}"
        options = {"lossless": True} if form == "WEBP" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
        assert np.array_equal(images.read(path)[0], pixels)
        assert np.array_equal(images.read(path)[0], pixels)
        (message,) = said()
        assert message.startswith(f"{path}: it holds 3 images")


def test_values_of_other_types_are_an_error_with_a_hint(pixels):
    fine = pixels.astype(np.uint16) * 257
    with pytest.raises(InputError, match="257"):
        images.as_pixels(fine)
    assert np.array_equal(images.as_pixels((fine // 257).astype("uint8")), pixels)


def test_jpeg_whose_decoder_stops_at_once_is_an_error(tmp_path, noise):
    content = jpeg(noise)
    table = content.index(b"\xff\xc4") + 5  # the 16 counts of Huffman codes
    (tmp_path / "a.jpg").write_bytes(content[:table] + b"\xff" * 16 + content[table + 16 :])
    with pytest.raises(InputError, match=r"a\.jpg: not an image that can be decoded"):
        images.read(tmp_path / "a.jpg")


@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_unknown_orientations_are_none(tmp_path, pixels, said, form, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    path = tmp_path / f"a.{form.lower()}"
    path.write_bytes(encoded(Image.fromarray(pixels), form, exif=exif, **options))
    assert images.stored_form(path) == ((60, 40), 1)
    assert images.read(path)[0].shape == (40, 60, 3)
    assert np.array_equal(images.read_upright(path), images.read(path)[0])
    assert said() == []


class Always:
    """A rule by which every rotation counts."""

    def __call__(self, path, stored, orientation):
        return True

    def annotated_size(self, path):
        return None


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_a_rule_decides_whether_an_image_is_read_upright(
    tmp_path, pixels, said, suffix, orientation
):
    path = save(tmp_path / f"a{suffix}", pixels, orientation)
    got, image_to_pixels = images.read(path, upright_rule=Always())
    assert np.array_equal(got, images.read_upright(path))
    assert np.abs(got.astype(int) - upright(pixels, orientation)).mean() < 6
    assert np.array_equal(image_to_pixels, np.eye(2, 3))
    assert said() == []


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("reduction", [2, 4, 8])
def test_a_reduced_upright_image_has_its_pixels_at_the_right_place(
    tmp_path, orientation, reduction
):
    y, x = np.mgrid[:43, :61]  # no multiples of the reductions
    stored = np.stack([4 * x, 5 * y, 0 * x], axis=-1).astype(np.uint8)
    path = save(tmp_path / "a.jpg", stored, orientation)
    whole, _ = images.read(path, upright_rule=Always())
    reduced, image_to_pixels = images.read(path, reduction, upright_rule=Always())
    assert reduced.shape[0] == -(-whole.shape[0] // reduction)
    # The ramps of the whole image at the places of the reduced image's inner pixels.
    row, column = np.mgrid[1 : reduced.shape[0] - 1, 1 : reduced.shape[1] - 1]
    place = (np.stack([column, row], axis=-1) - image_to_pixels[:, 2]) / image_to_pixels[0, 0]
    low = np.floor(place).astype(int)
    expected = (
        whole[low[..., 1], low[..., 0]].astype(float)
        + whole[np.ceil(place[..., 1]).astype(int), np.ceil(place[..., 0]).astype(int)]
    ) / 2
    difference = reduced[1:-1, 1:-1, :2] - expected[..., :2]
    assert np.abs(difference.mean(axis=(0, 1))).max() < 1.0  # a quarter of a pixel


def test_a_png_whose_chunk_states_gigabytes_is_read_without_them(tmp_path):
    done, content = cv2.imencode(".png", np.random.default_rng(0).integers(0, 255, (48, 64, 3)))
    assert done
    forged = bytearray(content.tobytes())
    start = forged.index(b"IDAT") - 4
    forged[start : start + 4] = (2**31 - 1).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(forged)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "imdecode", lambda *arguments: pytest.fail("OpenCV allocates 2 GB"))
        assert images.read_upright(tmp_path / "a.png").shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"subsampling": 2}),
        ("RGB", {"subsampling": 1, "progressive": True}),
        ("RGB", {"subsampling": 0, "restart_marker_rows": 1}),
        ("L", {}),
        ("CMYK", {}),
    ],
)
def test_simplejpeg_and_opencv_decode_to_the_same_bytes(tmp_path, monkeypatch, mode, options):
    pytest.importorskip("simplejpeg")
    noise = np.random.default_rng(0).integers(0, 256, (83, 61, 3)).astype(np.uint8)
    path = tmp_path / "noise.jpg"
    Image.fromarray(noise).convert(mode).save(path, **options)
    reductions = (1, 2, 4, 8)
    package = images._simplejpeg()
    assert package is not None
    decoded = {}
    for used in (package, None):
        monkeypatch.setattr(images, "_simplejpeg", lambda used=used: used)
        decoded[used] = [images.read(path, reduction) for reduction in reductions]
    for (a, first), (b, second) in zip(decoded[package], decoded[None], strict=True):
        assert np.array_equal(a, b)
        assert np.array_equal(first, second)

"""Whether annotations refer to images that are rotated as their EXIF data ask."""

import logging

import numpy as np
import pytest
from PIL import Image

from paddle_pose.io import images
from paddle_pose.io.annotated_sizes import AnnotatedSizes, decided_by_sides, majority


def save(path, size, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    shade = np.linspace(0, 255, size[0] * size[1], dtype=np.uint8).reshape(size[::-1])
    Image.fromarray(shade).convert("RGB").save(path, exif=exif)
    return path


def test_sides_tell_whether_a_quarter_turn_counts():
    assert decided_by_sides((30, 40), (40, 30), 6) is True
    assert decided_by_sides((40, 30), (40, 30), 8) is False
    assert decided_by_sides((299, 400), (40, 30), 5) is True  # of another scale
    for annotated, stored, orientation in [
        (None, (40, 30), 6),
        ((40, 40), (40, 40), 6),
        ((40, 30), (40, 30), 3),
    ]:
        assert decided_by_sides(annotated, stored, orientation) is None


def test_a_tie_is_read_as_stored():
    assert majority([]) == (False, 0, 0)
    assert majority([True, False, None]) == (False, 1, 2)
    assert majority([True, True, False]) == (True, 2, 3)


@pytest.mark.parametrize("is_upright", [True, False])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_images_that_do_not_tell_follow_the_majority(tmp_path, caplog, suffix, is_upright):
    size = (30, 40) if is_upright else (40, 30)
    sizes = {save(tmp_path / f"{n}{suffix}", (40, 30), 6): size for n in range(3)}
    other = save(tmp_path / f"other{suffix}", (40, 30), 6)
    sizes[other] = size[::-1]
    square = save(tmp_path / f"square{suffix}", (32, 32), 6)
    half_turn = save(tmp_path / f"half{suffix}", (40, 30), 3)
    plain = save(tmp_path / f"plain{suffix}", (40, 30), 1)
    sizes |= {square: (32, 32), half_turn: (40, 30), plain: (40, 30)}
    sizes[tmp_path / "missing.png"] = (40, 30)
    rule = AnnotatedSizes(sizes, "train.json")
    with caplog.at_level(logging.INFO, "paddle_pose"):
        for path in (square, half_turn):
            got = images.read(path, upright_rule=rule)[0]
            assert np.array_equal(got, images.read_upright(path)) == is_upright
        for path in list(sizes)[:3]:
            assert images.read(path, upright_rule=rule)[0].shape[1::-1] == size
        assert images.read(other, upright_rule=rule)[0].shape[1::-1] == size[::-1]
        assert images.read(plain, upright_rule=rule)[0].shape[1::-1] == (40, 30)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 3, "each decision is logged once"
    assert all(message.startswith(("train.json", "=> train.json")) for message in messages)
    assert "3 of 4 others" in messages[0]


def test_without_other_images_a_square_one_is_read_as_stored(tmp_path):
    path = save(tmp_path / "a.png", (32, 32), 6)
    got, _ = images.read(path, upright_rule=AnnotatedSizes({path: (32, 32)}, "a.json"))
    assert not np.array_equal(got, images.read_upright(path))

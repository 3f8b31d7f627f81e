"""Limits of parsed files: the nesting and the numbers of JSON, and the memory of a content."""

import json
import struct
import tracemalloc

import cv2
import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.io import limits
from paddle_pose.io.images import read_upright
from paddle_pose.io.limits import Budget, check_json


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, -2, 3.5, null, true, "b"]}',
        '["[[[[", "]]", "\\"[{", "\\\\", "{"]',
        "[" * limits.MAX_JSON_DEPTH + "]" * limits.MAX_JSON_DEPTH,
        "[18446744073709551615, -9223372036854775808, 1e-400, 0.1234567890123456789012345]",
        '["123456789012345678901234567890", "1e400", "e000"]',
        "[NaN, Infinity]",
        '["\\ud800", "\ud800"]',
        "7",
    ],
)
def test_ordinary_text_is_accepted(text):
    check_json(text)
    json.loads(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[" * 200_000, "200,000 deep"),
        ('{"a":' * 200_000 + "1" + "}" * 200_000, "200,000 deep"),
        ('["]]]]]]", ' + "[" * 101 + "]" * 102, "102 deep"),
        ("[1" + "0" * 400 + "]", "401 characters .* 64 bits"),
        ("[-9223372036854775809]", "too large for 64 bits"),
        ("[18446744073709551616]", "too large for 64 bits"),
        ("[1e400]", "1e400"),
        ("[-1E+400]", "1E\\+400"),
    ],
)
def test_text_beyond_a_limit_is_refused(text, named):
    with pytest.raises(InputError, match=named):
        check_json(text)


def test_depth_is_counted_across_parts_of_a_long_text(monkeypatch):
    monkeypatch.setattr(limits, "_CHUNK", 16)
    with pytest.raises(InputError, match="120 deep"):
        check_json("[[],[],[]," * 40 + "[" * 80 + "]" * 120)


@pytest.mark.parametrize("text", ["", '{"a": [1, 2', "]]]", '"', "\\", '["\\"]'])
def test_invalid_text_is_left_to_the_parser(text):
    check_json(text)


def test_lists_that_need_too_much_memory_are_not_created(monkeypatch):
    monkeypatch.setattr(limits, "MEMORY_SPARE", 0)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"more than .* MB of memory"):
        check_json("[" + "[]," * 300_000 + "[]]")
    assert tracemalloc.get_traced_memory()[1] < 8_000_000
    tracemalloc.stop()


def test_pixels_that_a_file_cannot_contain_are_refused(tmp_path):
    limits.check_pixels((8000, 8000), 100, "a.png")
    limits.check_pixels((20_000, 20_000), 10_000_000, "a.png")
    with pytest.raises(InputError, match=r"a\.png: states 20000 x 20000 px"):
        limits.check_pixels((20_000, 20_000), 1_000_000, "a.png")


def test_a_small_image_that_states_a_large_size_is_not_decoded(tmp_path):
    done, content = cv2.imencode(".jpg", np.zeros((64, 64, 3), np.uint8))
    assert done
    frame = content.tobytes()
    start = frame.index(b"\xff\xc0") + 5
    forged = frame[:start] + struct.pack(">HH", 20_000, 20_000) + frame[start + 4 :]
    path = tmp_path / "a.jpg"
    path.write_bytes(forged)
    with pytest.raises(InputError, match=r"a\.jpg: states 20000 x 20000 px"):
        read_upright(path)


def test_a_budget_is_used_up():
    budget = Budget(1000)
    budget.use(limits.MEMORY_SPARE)
    budget.use(8000)
    with pytest.raises(InputError):
        budget.use(1)

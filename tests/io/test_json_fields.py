"""Numbers in JSON records: what is one, and what is refused with file, record and key."""

import numpy as np
import pytest

from paddle_pose.errors import InputError
from paddle_pose.io.json_fields import field, numbers


def test_numbers_become_float64():
    value = field({"b": [[1, 2.5], [3, 4]]}, ("a", "b"), (2, 2), "f.json: record 0")
    assert value.dtype == np.float64
    assert value.tolist() == [[1, 2.5], [3, 4]]
    assert numbers((1, np.float32(2))).tolist() == [1, 2]
    assert numbers(np.arange(3)).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "value",
    [
        "1",
        ["1", 2.0],
        [1, "x"],
        [1, None],
        [1, True],
        None,
        False,
        {"x": 1},
        [1, 10**400],
        10**400,
        [[1, 2], [3]],
        [1, float("nan")],
        [float("inf"), 1],
        [1, 2, 3],
        1,
        [],
    ],
)
def test_everything_else_is_refused(value):
    with pytest.raises(InputError, match=r"f\.json: record 3: key 'a' "):
        field({"a": value}, ("a",), (2,), "f.json: record 3")


def test_a_missing_key_is_named():
    with pytest.raises(InputError, match=r"f: no key 'a' or 'b'; it has \['c'\]"):
        field({"c": 1}, ("a", "b"), (), "f")

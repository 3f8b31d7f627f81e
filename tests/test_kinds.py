from typing import ClassVar

import pytest

from paddle_pose import kinds
from paddle_pose.errors import InputError


class Shape:
    """Base class of a family that exists in these tests only."""


@pytest.fixture(autouse=True)
def shapes(monkeypatch):
    """Creates an empty family for each test and removes it afterwards."""
    monkeypatch.setattr(kinds, "_FAMILIES", dict(kinds._FAMILIES))
    return kinds.open_family(Shape, shared=("size",))


def make(name, **content):
    return type(name, (Shape,), {"__module__": __name__, **content})


def test_a_class_is_found_by_its_kind_and_in_its_own_family_only():
    square = kinds.register(Shape)(make("Square", kind="square"))
    assert kinds.find(Shape, "square", "shape") is square
    assert kinds.kind_of(Shape, square(), "shape") == "square"
    assert kinds.known(Shape) == {"square": square}
    assert kinds.family_of(square) is Shape
    assert kinds.shared(Shape) == ("size",)

    class Other: ...

    kinds.open_family(Other)
    assert kinds.is_family(Other)
    with pytest.raises(InputError):
        kinds.find(Other, "square", "other")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "squar",
        "Square",
        "os:system",
        "paddle_pose.models.hrnet:HRNet",
        "__class__",
        pytest.param("x" * 10_000, id="long"),
        pytest.param(None, id="None"),
        pytest.param(3, id="number"),
        pytest.param(["square"], id="list"),
        pytest.param({"square": 1}, id="dict"),
    ],
)
def test_an_unknown_kind_raises_with_the_known_kinds(kind):
    kinds.register(Shape)(make("Square", kind="square"))
    with pytest.raises(InputError, match=r"'shape'.*square"):
        kinds.find(Shape, kind, "shape")


def test_a_kind_belongs_to_one_class_which_can_be_defined_again():
    kinds.register(Shape)(make("Square", kind="square"))
    with pytest.raises(TypeError, match="'square'"):
        kinds.register(Shape)(make("Other", kind="square"))
    again = kinds.register(Shape)(make("Square", kind="square"))
    assert kinds.find(Shape, "square", "shape") is again


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({}, id="no kind"),
        pytest.param({"kind": None}, id="kind is None"),
        pytest.param({"kind": "Square"}, id="upper case"),
        pytest.param({"kind": "a b"}, id="blank"),
        pytest.param({"kind": "a", "__annotations__": {"kind": "str"}}, id="kind is a field"),
        pytest.param(
            {"kind": "a", "target": "a:b", "__annotations__": {"target": str}},
            id="target is a field",
        ),
        pytest.param({"kind": "a", "target": "no_colon"}, id="target without a name"),
        pytest.param({"kind": "a", "target": 3}, id="target is a number"),
    ],
)
def test_an_invalid_kind_or_target_raises(content):
    with pytest.raises(TypeError):
        kinds.register(Shape)(make("Square", **content))
    assert kinds.known(Shape) == {}


def test_class_variables_may_be_annotated_with_types_or_strings():
    written = make(
        "A",
        kind="a",
        target="m:A",
        __annotations__={"kind": "ClassVar[str]", "target": ClassVar[str]},
    )
    assert kinds.register(Shape)(written) is written


def test_a_kind_is_not_inherited():
    parent = kinds.register(Shape)(make("Square", kind="square"))
    with pytest.raises(TypeError):
        kinds.register(Shape)(type("Cube", (parent,), {"__module__": __name__}))


def test_an_instance_of_an_unregistered_class_has_no_kind():
    with pytest.raises(InputError, match="'shape'"):
        kinds.kind_of(Shape, make("Lost", kind="lost")(), "shape")

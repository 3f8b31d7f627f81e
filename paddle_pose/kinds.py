"""Classes that a file or a flag chooses by a short name, their *kind*.

A family is all classes of one base, e.g. the specs of networks. A class joins its family where it is defined, so one from
outside this package can be chosen once its module is imported. A kind is looked up among the classes that are there; what a
file states is never imported or executed.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from paddle_pose.errors import InputError, did_you_mean

C = TypeVar("C", bound=type)
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_FIXED = ("kind", "target")  # class variables, so that no file and no flag can change them


@dataclass(frozen=True)
class _Family:
    shared: tuple[str, ...]
    classes: dict[str, type] = field(default_factory=dict)


_FAMILIES: dict[type, _Family] = {}


def open_family(base: C, shared: tuple[str, ...] = ()) -> C:
    """Opens the family of a base class, and returns the class.

    Args:
        base: Base class or protocol, used as the type of a config's field.
        shared: Names of fields whose values stay when another kind is chosen.
    """
    _FAMILIES[base] = _Family(shared)
    return base


def register(base: type) -> Callable[[C], C]:
    """Returns a class decorator that adds a class to a family.

    The class states `kind`, its short name, as a class variable. A class that is defined anew in the same file, as in a
    notebook's cell that runs twice, takes the old one's place.

    Args:
        base: Base of the family.

    Raises:
        TypeError: If the class states no kind, if `kind` or `target` is a field, or if another class has its kind.

    Example:
        >>> class Shape: ...
        >>> _ = open_family(Shape)
        >>> @register(Shape)
        ... class Square(Shape):
        ...     kind = "square"
        >>> find(Shape, "square", "shape").__name__
        'Square'
    """

    def add(cls: C) -> C:
        own = vars(cls)
        kind = own.get("kind")
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise TypeError(
                f"{cls.__name__}: got kind {kind!r}; expected a class variable `kind` of its own, in lower case, e.g. "
                f'kind: ClassVar[str] = "{base.__name__.lower()}"'
            )
        for name in _FIXED:
            if "ClassVar" not in str(own.get("__annotations__", {}).get(name, "ClassVar")):
                raise TypeError(
                    f"{cls.__name__}: `{name}` is annotated as a field; expected {name}: ClassVar[str]"
                )
        target = getattr(cls, "target", None)
        if target is not None and not (isinstance(target, str) and _TARGET.fullmatch(target)):
            raise TypeError(
                f'{cls.__name__}: got target {target!r}; expected "package.module:Name"'
            )
        classes = _FAMILIES[base].classes
        other = classes.get(kind, cls)
        if _origin(other) != _origin(cls):
            raise TypeError(
                f"{cls.__name__}: kind {kind!r} is that of {other.__module__}.{other.__qualname__}; choose another"
            )
        classes[kind] = cls
        return cls

    return add


def _origin(cls: type) -> tuple[str, str]:
    """Returns what tells a class from others: the file that defines it, however it was imported, and its name there."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file or cls.__module__, cls.__qualname__


def is_family(hint: Any) -> bool:
    """Tells whether a type is the base of a family."""
    return isinstance(hint, type) and hint in _FAMILIES


def family_of(cls: type) -> type | None:
    """Returns the base of the family that a class belongs to by inheritance; None for none."""
    return next((base for base in cls.__mro__ if base in _FAMILIES), None)


def known(base: type) -> dict[str, type]:
    """Returns the classes of a family by kind, in the order of their definition."""
    return dict(_FAMILIES[base].classes)


def shared(base: type) -> tuple[str, ...]:
    """Returns the names of the fields whose values stay when another kind of a family is chosen."""
    return _FAMILIES[base].shared


def find(base: type, kind: object, key: str) -> type:
    """Returns the class of a kind.

    Args:
        base: Base of the family.
        kind: Short name, as a file or a flag states it.
        key: Key of the config, for the message.

    Raises:
        InputError: If no class of the family has this kind.
    """
    classes = _FAMILIES[base].classes
    if isinstance(kind, str) and kind in classes:
        return classes[kind]
    near = did_you_mean(kind, classes) if isinstance(kind, str) and len(kind) < 100 else ""
    raise InputError(
        f"key {key!r}: got {kind!r}, expected one of {', '.join(classes)}.{near} A {base.__name__} that is defined "
        "elsewhere is known after its module is imported"
    )


def kind_of(base: type, value: object, key: str) -> str:
    """Returns the kind of a value, by which `find` returns its class.

    Args:
        base: Base of the family.
        value: Instance of one of its classes.
        key: Key of the config, for the message.

    Raises:
        InputError: If the class is in another family or in none.
    """
    for kind, cls in _FAMILIES[base].classes.items():
        if _origin(type(value)) == _origin(cls):
            return kind
    raise InputError(
        f"key {key!r}: {type(value).__name__} is not among the kinds {', '.join(_FAMILIES[base].classes)}; state its kind "
        f"and register it as a {base.__name__}, see paddle_pose.kinds"
    )


def load(target: str) -> Any:
    """Returns the object that a class variable names as "package.module:Name".

    Args:
        target: Class variable of a class, never a value from a file.

    Raises:
        ImportError: If there is no such module, or the module needs one that is not installed.
        AttributeError: If the module has no such name.

    Example:
        >>> load("math:sqrt")(9.0)
        3.0
    """
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)

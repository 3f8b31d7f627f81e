"""Registry of classes that files and flags select by a short name, their *kind*.

A *family* is a base class, such as `codecs.base.Codec`, with the classes that are registered for
this base class. A config has a field of the type of the base class; a file or a flag, such as
`-o codec=movenet`, selects the class of its value by the kind. First `open_family` creates the
family, then `register` adds classes, usually each subclass when it is defined. A class from outside
this package can therefore be selected after its module is imported. A kind is looked up among the
registered classes only; text from a file is never imported or executed.
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
_CLASS_VARIABLES = ("kind", "target")  # not fields, so that no file or flag can change them


@dataclass(frozen=True)
class _Family:
    """The classes of a family.

    Attributes:
        shared: Names of fields that keep their values when another class of the family is selected.
        classes: Registered classes by kind.
    """

    shared: tuple[str, ...]
    classes: dict[str, type] = field(default_factory=dict)


_FAMILIES: dict[type, _Family] = {}


def open_family(base: C, shared: tuple[str, ...] = ()) -> C:
    """Creates a family without classes for a base class, and returns the base class.

    Call it once, after the definition of the base class and before `register`; a second call
    removes the registered classes from the family.

    Args:
        base: Base class of the classes to register: the type of a field of a config.
        shared: Names of fields that keep their values when a flag selects another class of the
            family, provided that both classes have the field. The other fields get their defaults.
    """
    _FAMILIES[base] = _Family(shared)
    return base


def register(base: type) -> Callable[[C], C]:
    """Returns a class decorator that adds a class to a family; it returns the class itself.

    The class must define its short name as the class variable `kind`: lower-case letters, digits
    and "_", the first one a letter. If it has the class variable `target`, that is the import path
    "package.module:Name" of what the class configures, for `load`. If a class of the same name is
    defined again in the same file, as when a cell of a notebook runs twice, it replaces the
    previous one.

    Args:
        base: Base class for which `open_family` was called.

    Raises:
        TypeError: By the decorator, if the class does not define a valid `kind` of its own, if
            `kind` or `target` is annotated as a field, if `target` is no import path, or if another
            class of the family has the same kind.
        KeyError: By the decorator, if `open_family` was not called for `base`.

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
                f"{cls.__name__}: got kind {kind!r}; expected a class variable `kind` of its own, "
                "in "
                f'lower case, e.g. kind: ClassVar[str] = "{base.__name__.lower()}"'
            )
        for name in _CLASS_VARIABLES:
            if "ClassVar" not in str(own.get("__annotations__", {}).get(name, "ClassVar")):
                raise TypeError(
                    f"{cls.__name__}: `{name}` is annotated as a field; expected {name}: "
                    "ClassVar[str]"
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
                f"{cls.__name__}: kind {kind!r} is already used by "
                f"{other.__module__}.{other.__qualname__}; choose another one"
            )
        classes[kind] = cls
        return cls

    return add


def _origin(cls: type) -> tuple[str, str]:
    """Returns the file that defines a class and its name there, however the file was imported."""
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return file or cls.__module__, cls.__qualname__


def is_family(hint: Any) -> bool:
    """Returns whether a type is the base class of a family.

    Args:
        hint: Class, or any other type hint, for which the result is False.
    """
    return isinstance(hint, type) and hint in _FAMILIES


def family_of(cls: type) -> type | None:
    """Returns the base class of the family that a class inherits from; None if there is none.

    Args:
        cls: Class, registered or not.
    """
    return next((base for base in cls.__mro__ if base in _FAMILIES), None)


def known(base: type) -> dict[str, type]:
    """Returns the registered classes of a family by kind, in the order of registration.

    Args:
        base: Base class of the family.

    Raises:
        KeyError: If `open_family` was not called for `base`.
    """
    return dict(_FAMILIES[base].classes)


def shared(base: type) -> tuple[str, ...]:
    """Returns the names of the shared fields of a family, as given to `open_family`.

    Args:
        base: Base class of the family.

    Raises:
        KeyError: If `open_family` was not called for `base`.
    """
    return _FAMILIES[base].shared


def find(base: type, kind: object, key: str) -> type:
    """Returns the class of a family that has a kind.

    Args:
        base: Base class of the family.
        kind: Short name of the class, from a file or a flag.
        key: Dotted key of the config that selects the class, such as "codec", for the message.

    Raises:
        InputError: If no class of the family has this kind, or `kind` is not a text.
        KeyError: If `open_family` was not called for `base`.
    """
    classes = _FAMILIES[base].classes
    if isinstance(kind, str) and kind in classes:
        return classes[kind]
    near = did_you_mean(kind, classes) if isinstance(kind, str) and len(kind) < 100 else ""
    raise InputError(
        f"key {key!r}: got {kind!r}, expected one of {', '.join(classes)}.{near} A {base.__name__} "
        "from outside this package is available after its module is imported"
    )


def kind_of(base: type, value: object, key: str) -> str:
    """Returns the kind of a value's class.

    Args:
        base: Base class of the family.
        value: Instance of a class of the family.
        key: Dotted key of the config that has the value, such as "codec", for the message.

    Raises:
        InputError: If the class of the value is not registered in the family.
        KeyError: If `open_family` was not called for `base`.
    """
    for kind, cls in _FAMILIES[base].classes.items():
        if _origin(type(value)) == _origin(cls):
            return kind
    raise InputError(
        f"key {key!r}: {type(value).__name__} is not registered; expected one of the kinds "
        f"{', '.join(_FAMILIES[base].classes)}. Define its `kind` and register it as a "
        f"{base.__name__}, see paddle_pose.kinds"
    )


def load(target: str) -> Any:
    """Returns the class or function with an import path; imports its module.

    Args:
        target: Import path "package.module:Name" from a class variable, never a value from a file.

    Raises:
        ImportError: If the module does not exist, or it imports a module that is not installed.
        AttributeError: If the module does not define the name.

    Example:
        >>> load("math:sqrt")(9.0)
        3.0
    """
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)

"""Replaces packages that mmpose imports but its heatmap models do not use; import before mmpose."""

import importlib
import importlib.abc
import importlib.machinery
import sys
import types

ABSENT = ("mmdet", "mmcv.ops", "chumpy", "torchvision")


class StandIn(types.ModuleType):
    """A module with any attribute: capitalised names are empty classes, others do nothing."""

    __path__ = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = type(name, (), {}) if name[0].isupper() else _nothing
        setattr(self, name, value)
        return value


def _nothing(*arguments, **named):
    return None


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds stand-ins for the packages in `ABSENT` and all their modules."""

    def find_spec(self, name, path=None, target=None):
        if any(name == absent or name.startswith(absent + ".") for absent in ABSENT):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return StandIn(spec.name)

    def exec_module(self, module):
        """Leaves the module unchanged."""


sys.meta_path.insert(0, Finder())
for part in ("", ".coco", ".cocoeval", ".mask"):
    sys.modules["xtcocotools" + part] = importlib.import_module("pycocotools" + part)

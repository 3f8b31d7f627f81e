"""Human pose estimation with PaddlePaddle: networks, training, evaluation, prediction and export.

The names in `__all__` are the Python API; docs/api.md describes them. They are imported at their
first use, so that `import paddle_pose` is fast and works without Paddle.

    import paddle_pose as pp

    model = pp.load_model("movenet_thunder")
    model.predict("photo.jpg").draw().save("poses.png")
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddle_pose.engine.dataset import Dataset as Dataset
    from paddle_pose.engine.evaluate import Evaluation as Evaluation
    from paddle_pose.engine.evaluate import evaluate as evaluate
    from paddle_pose.engine.evaluate import score_file as score_file
    from paddle_pose.engine.export import Export as Export
    from paddle_pose.engine.export import export_model as export_model
    from paddle_pose.engine.notebook import ImageGrid as ImageGrid
    from paddle_pose.engine.notebook import Table as Table
    from paddle_pose.engine.pose_model import PoseModel as PoseModel
    from paddle_pose.engine.pose_model import load_model as load_model
    from paddle_pose.engine.pose_model import open_detector as open_detector
    from paddle_pose.engine.train import Run as Run
    from paddle_pose.engine.train import train as train
    from paddle_pose.errors import InputError as InputError
    from paddle_pose.errors import Interrupted as Interrupted
    from paddle_pose.errors import MissingDependencyError as MissingDependencyError
    from paddle_pose.errors import PaddlePoseError as PaddlePoseError
    from paddle_pose.inference.pose_result import PoseResult as PoseResult

__version__ = "0.1.0"

_MODULES = {  # public name: module that defines it
    "load_model": "paddle_pose.engine.pose_model",
    "PoseModel": "paddle_pose.engine.pose_model",
    "open_detector": "paddle_pose.engine.pose_model",
    "PoseResult": "paddle_pose.inference.pose_result",
    "train": "paddle_pose.engine.train",
    "Run": "paddle_pose.engine.train",
    "evaluate": "paddle_pose.engine.evaluate",
    "Evaluation": "paddle_pose.engine.evaluate",
    "score_file": "paddle_pose.engine.evaluate",
    "export_model": "paddle_pose.engine.export",
    "Export": "paddle_pose.engine.export",
    "Dataset": "paddle_pose.engine.dataset",
    "ImageGrid": "paddle_pose.engine.notebook",
    "Table": "paddle_pose.engine.notebook",
    "PaddlePoseError": "paddle_pose.errors",
    "InputError": "paddle_pose.errors",
    "MissingDependencyError": "paddle_pose.errors",
    "Interrupted": "paddle_pose.errors",
}
_NEED_PADDLE = ("paddle_pose.engine.train", "paddle_pose.engine.export")
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> object:
    """Returns a public name after importing its module; the threads are set before Paddle's import.

    Args:
        name: Name of the attribute.

    Raises:
        AttributeError: If no public name is `name`.
        MissingDependencyError: If the name needs Paddle and Paddle is missing.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    environment = importlib.import_module("paddle_pose.environment")
    environment.configure_cpu()
    environment.keep_freed_memory()
    environment.ignore_paddle_warnings()
    module = _MODULES[name]
    if module in _NEED_PADDLE:
        environment.require_paddle()
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    """Returns the names of this module, with the public names that are not imported yet."""
    return sorted({*globals(), *__all__})

"""Human pose estimation with PaddlePaddle: windows on an image, maps read back into poses.

The names below are the Python API; docs/api.md describes it. They are imported when they are first used, so that `import
paddle_pose` costs nothing and works without Paddle.

    import paddle_pose as pp

    model = pp.load_model("movenet_thunder")
    model.predict("photo.jpg").draw().save("poses.png")
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paddle_pose.engine.evaluate import Evaluation as Evaluation
    from paddle_pose.engine.evaluate import evaluate as evaluate
    from paddle_pose.engine.evaluate import score_file as score_file
    from paddle_pose.engine.export import Export as Export
    from paddle_pose.engine.export import export_model as export_model
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

_MODULES = {  # of each public name
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
    "PaddlePoseError": "paddle_pose.errors",
    "InputError": "paddle_pose.errors",
    "MissingDependencyError": "paddle_pose.errors",
    "Interrupted": "paddle_pose.errors",
}
_NEED_PADDLE = ("paddle_pose.engine.train", "paddle_pose.engine.export")
__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> object:
    """Returns a public name, imported now; threads are set before Paddle is imported.

    Raises:
        AttributeError: If there is no such name.
        MissingDependencyError: If the name needs Paddle and it is missing.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    environment = importlib.import_module("paddle_pose.environment")
    environment.use_all_cores()
    environment.keep_freed_memory()
    environment.ignore_paddle_warnings()
    module = _MODULES[name]
    if module in _NEED_PADDLE:
        environment.require_paddle()
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> "list[str]":
    """Returns the public names."""
    return sorted({*globals(), *__all__})

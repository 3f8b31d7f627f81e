"""LiteRT's side of the benchmarks: Google's INT8 MoveNet, run by ai-edge-litert as its documentation shows.

Runs under the peers' Python; imports nothing of this project.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from protocol import serve


def movenet(file: str, threads: str) -> Callable[[], None]:
    """Prepares one uint8 image in memory -> keypoints."""
    interpreter = Interpreter(model_path=file, num_threads=int(threads))
    interpreter.allocate_tensors()
    source, answer = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    image = (
        np.random.default_rng(0).integers(0, 256, tuple(source["shape"])).astype(source["dtype"])
    )

    def run() -> None:
        interpreter.set_tensor(source["index"], image)
        interpreter.invoke()
        interpreter.get_tensor(answer["index"])

    return run


if __name__ == "__main__":
    serve({"movenet": movenet})

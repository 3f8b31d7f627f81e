"""LiteRT's side of the benchmarks: Google's INT8 MoveNet, run as the documentation of LiteRT shows.

It runs under the Python of the other projects, and imports only `protocol` from this project.
"""

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from protocol import serve


def movenet(file: str, threads: str) -> Callable[[], None]:
    """Prepares prediction from one uint8 image in memory to keypoints.

    Args:
        file: TFLite file of MoveNet.
        threads: Number of threads.
    """
    interpreter = Interpreter(model_path=file, num_threads=int(threads))
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]
    output = interpreter.get_output_details()[0]
    image = (
        np.random.default_rng(0).integers(0, 256, tuple(source["shape"])).astype(source["dtype"])
    )

    def run() -> None:
        interpreter.set_tensor(source["index"], image)
        interpreter.invoke()
        interpreter.get_tensor(output["index"])

    return run


if __name__ == "__main__":
    serve({"movenet": movenet})

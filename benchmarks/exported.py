"""Writes an ONNX or OpenVINO file to time prediction with: `exported.py CONFIG TARGET [FLAGS]`.

Without --weights the network is untrained; it is as fast as a trained one.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from paddle_pose import build
from paddle_pose.configs import overrides, registry
from paddle_pose.exporting.files import put_in_place
from paddle_pose.exporting.images import synthetic_inputs
from paddle_pose.exporting.write import write_export


def main() -> None:
    """Writes the file, unless it exists; without `--maps` it includes decoding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="name of a config")
    parser.add_argument("target", type=Path, help="file to write; its suffix chooses the format")
    parser.add_argument("--weights", type=Path, help="weights of the network; default: untrained")
    parser.add_argument("--int8", action="store_true", help="compute in 8 bits")
    parser.add_argument("--maps", action="store_true", help="output maps instead of keypoints")
    arguments = parser.parse_args()
    if arguments.target.is_file():
        return
    config = registry.find(arguments.config)
    if config.data.framing == "image":
        config = overrides.override(config, {"codec.max_persons": 1})
    if arguments.weights:
        config, network = build.loaded(config, arguments.weights)
    else:
        network = build.model(config)
        network.eval()
    calibration = synthetic_inputs(config.codec) if arguments.int8 else None
    arguments.target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.target.parent) as folder:
        weights = arguments.weights or Path(folder, "untrained")
        draft = Path(folder, arguments.target.name)
        if arguments.weights is None:
            weights.touch()  # the metadata names the weights file
        write_export(
            config, network, weights, draft, decode=not arguments.maps, calibration=calibration
        )
        put_in_place(draft, arguments.target)


if __name__ == "__main__":
    main()

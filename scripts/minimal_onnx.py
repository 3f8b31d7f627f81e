"""Keypoints from an image with an exported ONNX file and nothing of this project: copy it, translate it.

Needs onnxruntime, numpy and OpenCV. All it knows of the network stands in the file's own metadata.
"""

import argparse
import json

import cv2
import numpy as np
import onnxruntime


def build_parser() -> argparse.ArgumentParser:
    """Returns the flags."""
    parser = argparse.ArgumentParser(description="Prints name, x, y and score of every joint.")
    parser.add_argument("model", help="an .onnx file of export.py")
    parser.add_argument("image")
    parser.add_argument(
        "--box",
        nargs=4,
        type=float,
        metavar=("X", "Y", "W", "H"),
        help="of the person; default: all",
    )
    return parser


def window_to_image(metadata: dict, box: tuple[float, ...], context: float) -> np.ndarray:
    """Returns the [2, 3] matrix from input px to image px for a box (x, y, width, height)."""
    _, input_height, input_width, _ = metadata["input"]["shape"]
    corners = metadata["preprocessing"]["alignment"] == "udp"
    x, y, width, height = box
    aspect = input_width / input_height
    side = max(width, height * aspect) * context  # the window's width; its height is side / aspect
    interval = np.array([input_width, input_height]) - corners
    scale = np.array([side, side / aspect]) / interval
    return np.column_stack(
        [np.diag(scale), np.array([x + width / 2, y + height / 2]) - scale * interval / 2]
    )


def read_heatmaps(metadata: dict, heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns keypoints [K, 2] in input px and scores [K] of the last stage's heatmaps [S, K, h, w]."""
    maps = heatmaps[-1]
    count, h, w = maps.shape
    y, x = np.divmod(maps.reshape(count, -1).argmax(axis=1), w)
    k = np.arange(count)
    scores = maps[k, y, x]
    cells = np.stack([x, y], axis=1).astype(float)
    inside = (x > 1) & (x < w - 1) & (y > 1) & (y < h - 1)
    if metadata["codec"]["decode_by"] != "argmax":  # a quarter cell towards the higher neighbour
        xs, ys = np.clip(x, 1, w - 2), np.clip(y, 1, h - 2)
        slope = np.stack(
            [maps[k, ys, xs + 1] - maps[k, ys, xs - 1], maps[k, ys + 1, xs] - maps[k, ys - 1, xs]],
            axis=1,
        )
        cells += 0.25 * np.sign(slope) * inside[:, None]
    return cells * metadata["outputs"][0]["cell"] * (scores > 0)[:, None], scores


def main() -> None:
    """Looks once, without a mirror."""
    arguments = build_parser().parse_args()
    session = onnxruntime.InferenceSession(arguments.model, providers=["CPUExecutionProvider"])
    metadata = json.loads(session.get_modelmeta().custom_metadata_map["paddle_pose"])
    _, height, width, _ = metadata["input"]["shape"]
    image = cv2.cvtColor(cv2.imread(arguments.image), cv2.COLOR_BGR2RGB)
    box = arguments.box or (0, 0, image.shape[1], image.shape[0])
    context = metadata["preprocessing"]["context"] if arguments.box else 1.0
    to_image = window_to_image(metadata, box, context)
    crop = cv2.warpAffine(
        image, to_image, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    output = metadata["outputs"][0]
    answer = session.run([output["name"]], {metadata["input"]["name"]: crop[None]})[0][0]
    if "columns" in output:  # exported with --decode: of several people take the first
        answer = answer.reshape(-1, *answer.shape[-2:])[0]
        x, y, scores = (answer[:, output["columns"].index(name)] for name in ("x", "y", "score"))
        points = np.stack([x, y], axis=1) * (
            [width, height] if output["unit"] == "fraction" else [1, 1]
        )
    elif metadata["codec"]["kind"] == "HeatmapCodec":
        points, scores = read_heatmaps(metadata, answer)
    else:
        raise SystemExit(f"{arguments.model} answers {output['name']}: export it with --decode")
    points = points @ to_image[:, :2].T + to_image[:, 2]
    for name, (x, y), score in zip(metadata["skeleton"]["joints"], points, scores, strict=True):
        print(f"{name}\t{x:.3f}\t{y:.3f}\t{score:.5f}")


if __name__ == "__main__":
    main()

"""Predicts keypoints with an exported ONNX file and without this project; an example to copy.

Needs onnxruntime, numpy and OpenCV. Everything about the network is read from the metadata in the
ONNX file.
"""

import argparse
import json

import cv2
import numpy as np
import onnxruntime


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the script's arguments."""
    parser = argparse.ArgumentParser(
        description="Prints name, x and y in image px, and score of each joint of a person."
    )
    parser.add_argument("model", help="ONNX file that export.py wrote")
    parser.add_argument("image", help="image file with the person")
    parser.add_argument(
        "--box",
        nargs=4,
        type=float,
        metavar=("X", "Y", "W", "H"),
        help="upper left corner and size in px of the person's box (default: the whole image)",
    )
    return parser


def window_to_image(metadata: dict, box: tuple[float, ...], context: float) -> np.ndarray:
    """Returns the [2, 3] matrix that maps input px to image px.

    Args:
        metadata: Metadata of the exported file.
        box: Box (x, y, width, height) of the person in image px.
        context: Factor that enlarges the box to the window around the person.
    """
    _, input_height, input_width, _ = metadata["input"]["shape"]
    corners = metadata["preprocessing"]["alignment"] != "published"
    x, y, width, height = box
    aspect = input_width / input_height
    side = max(width, height * aspect) * context  # the window's width; its height is side / aspect
    interval = np.array([input_width, input_height]) - corners
    scale = np.array([side, side / aspect]) / interval
    return np.column_stack(
        [np.diag(scale), np.array([x + width / 2, y + height / 2]) - scale * interval / 2]
    )


def read_heatmaps(metadata: dict, heatmaps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the keypoints [K, 2] in input px and scores [K] of the highest cells of heatmaps.

    Args:
        metadata: Metadata of the exported file.
        heatmaps: Heatmaps of all stages, [S, K, h, w]; the last stage is decoded.
    """
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
    """Predicts the pose in the image once, without a flip test, and prints it."""
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
    values = session.run([output["name"]], {metadata["input"]["name"]: crop[None]})[0][0]
    if "columns" in output:  # exported with --decode; takes the first of several people
        values = values.reshape(-1, *values.shape[-2:])[0]
        x, y, scores = (values[:, output["columns"].index(name)] for name in ("x", "y", "score"))
        points = np.stack([x, y], axis=1) * (
            [width, height] if output["unit"] == "fraction" else [1, 1]
        )
    elif metadata["codec"]["kind"] == "HeatmapCodec":
        points, scores = read_heatmaps(metadata, values)
    else:
        raise SystemExit(
            f"{arguments.model}: returns {output['name']}, expected heatmaps or keypoints; "
            "export it with --decode"
        )
    points = points @ to_image[:, :2].T + to_image[:, 2]
    for name, (x, y), score in zip(metadata["skeleton"]["joints"], points, scores, strict=True):
        print(f"{name}\t{x:.3f}\t{y:.3f}\t{score:.5f}")


if __name__ == "__main__":
    main()

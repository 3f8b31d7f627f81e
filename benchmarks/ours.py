"""The tasks of this project's side of the benchmarks, a worker of `protocol`.

Each function prepares a task and returns what is timed. The parts of this project are imported in
the task that needs them, so that neither memory nor start-up of one task counts another's imports.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT)]

import cv2
import numpy as np
import synthetic_results
from protocol import serve

from paddle_pose.cli.main import COMMANDS
from paddle_pose.environment import keep_freed_memory

SEED = 0


def loading(root: str, config: str, samples: str, reader: str, batch: str = "16") -> Any:
    """Prepares loading of training batches from JPEG files, from decoding to stacking.

    Args:
        root: Folder of a data set in MPII's layout.
        config: Name of the config.
        samples: Number of samples of a run.
        reader: Reader of the images: "whole", "reduced" or "cache", see `data.crop_cache`.
        batch: Number of samples that are stacked.
    """
    from paddle_pose import build
    from paddle_pose.configs.registry import CONFIGS
    from paddle_pose.data.crop_cache import CropCache, ReducedReader, read_whole
    from paddle_pose.data.dataset import PoseDataset

    cv2.setNumThreads(1)
    recipe = CONFIGS[config]
    size = recipe.codec.input_size
    kept = tempfile.TemporaryDirectory()
    readers = {"whole": lambda: read_whole, "reduced": lambda: ReducedReader(size)}
    readers["cache"] = lambda: CropCache(Path(kept.name), size, 1e9)
    found = build.samples(recipe, root, "train")
    dataset = PoseDataset(found, recipe.codec, recipe.augment, SEED, readers[reader]())
    epochs = itertools.count()

    # `kept`: the temporary folder is removed when this function is deleted.
    def run(kept: Any = kept) -> None:
        epoch = next(epochs)
        waiting: list[Any] = []
        for number in range(int(samples)):
            waiting.append(
                dataset.example((epoch * 1000 + number // len(found), number % len(found)))
            )
            if len(waiting) == int(batch):
                dataset.batch(waiting)
                waiting.clear()

    return run


def reading(root: str, samples: str) -> Any:
    """Prepares decoding of the same images alone, the lower bound of loading.

    Args:
        root: Folder of a data set in MPII's layout.
        samples: Number of images of a run.
    """
    from paddle_pose.io import images

    cv2.setNumThreads(1)
    files = sorted(Path(root, "images").glob("*.jpg"))

    def run() -> None:
        for number in range(int(samples)):
            images.read(files[number % len(files)])

    return run


def keypoints(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the keypoints that both sides encode.

    Args:
        count: Number of people N.

    Returns:
        Keypoints [N, 1, 16, 2] in input px, and their visibility [N, 1, 16], 0 or 1.
    """
    rng = np.random.default_rng(SEED)
    return rng.uniform(0, 255, (count, 1, 16, 2)), rng.integers(0, 2, (count, 1, 16))


def encoding(batch: str = "64") -> Any:
    """Prepares encoding of a batch as target heatmaps of 64 x 64 cells, sigma 2 cells.

    Args:
        batch: Number of people.
    """
    from paddle_pose.codecs.heatmap import HeatmapCodec

    codec = HeatmapCodec()
    points, visible = keypoints(int(batch))

    def run() -> dict[str, np.ndarray]:
        return codec.encode_batch(list(points), list(visible))

    return run


def heatmaps(count: int) -> np.ndarray:
    """Returns the heatmaps that both sides decode, each a Gaussian with noise.

    Args:
        count: Number of people N.

    Returns:
        [N, 16, 64, 64] float32.
    """
    rng = np.random.default_rng(SEED)
    x, y = rng.uniform(4, 59, (2, count, 16, 1, 1))
    row, column = np.mgrid[:64, :64]
    bumps = np.exp(-((column - x) ** 2 + (row - y) ** 2) / 8)
    return (bumps + 0.01 * rng.random((count, 16, 64, 64))).astype(np.float32)


def decoding(decode_by: str, batch: str = "64") -> Any:
    """Prepares decoding of a batch of heatmaps.

    Args:
        decode_by: Refinement of the peaks, see `HeatmapCodec`.
        batch: Number of people.
    """
    from paddle_pose.codecs.heatmap import HeatmapCodec

    codec = HeatmapCodec(decode_by=decode_by)
    maps = heatmaps(int(batch))[:, None]

    def run() -> dict[str, np.ndarray]:
        return {
            "keypoints": np.stack(
                [poses.keypoints[0] for poses in codec.decode({"heatmaps": maps})]
            )
        }

    return run


def coco_ap(people: str) -> Any:
    """Prepares COCO AP of synthetic people, from the content of the annotation file.

    Args:
        people: Number of people.
    """
    from paddle_pose.metrics.coco_ap import NAMES, GroundTruth
    from paddle_pose.skeletons import COCO_17

    content, results = synthetic_results.coco(int(people))

    def run() -> dict[str, np.ndarray]:
        values = GroundTruth(content, COCO_17).score(results)
        return {"stats": np.array([values[name] for name in NAMES])}

    return run


def coco_detections(people: str) -> Any:
    """Prepares a complete evaluation of synthetic detections: one pose at a time, OKS-NMS, AP.

    Args:
        people: Number of detections.
    """
    from paddle_pose.geometry import Window
    from paddle_pose.metrics.coco_ap import CocoAP
    from paddle_pose.skeletons import COCO_17
    from paddle_pose.structures import Poses, Sample

    content, _ = synthetic_results.coco(int(people))
    _, predicted, scores = synthetic_results.people(int(people))
    metric = CocoAP(content, COCO_17)

    def run() -> None:
        predictions = []
        for n in range(int(people)):
            window = Window((float(n), 0.0), (200.0, 200.0))
            sample = Sample(n // synthetic_results.PER_IMAGE + 1, Path("image.jpg"), window, ())
            poses = Poses(predicted[n, None], scores[n, None], scores[n].mean(keepdims=True))
            predictions.append((sample, poses))
        metric.compute_scores(predictions)

    return run


def pckh(people: str) -> Any:
    """Prepares PCKh of synthetic people with its bootstrap intervals.

    Args:
        people: Number of people.
    """
    from paddle_pose.metrics import pckh as metric

    truth, predicted, scores = synthetic_results.people(int(people), joints=16)
    labelled = scores > 0.4

    def run() -> None:
        errors = metric.normalized_errors(predicted, truth, np.full(len(truth), 30.0))
        metric.pckh(errors, labelled)
        metric.bootstrap(errors, labelled)

    return run


def export(config: str, file: str, weights: str) -> None:
    """Writes an exported file, unless it exists, see `exported.py`.

    Args:
        config: Name of the config.
        file: File to write; "_int8" and "_maps" at the end of its name choose the kind.
        weights: Weights of the network; "None" for an untrained network.

    Raises:
        ValueError: If it cannot be exported.
    """
    if Path(file).is_file():
        return
    parts = Path(file).stem.split("_")
    flags = [f"--{kind}" for kind in ("int8", "maps") if kind in parts]
    flags += ["--weights", weights] if weights != "None" else []
    command = [sys.executable, str(ROOT / "benchmarks/exported.py"), config, file, *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"not exported: {done.stderr.strip().splitlines()[-1]}")


def prediction(config: str, file: str, batch: str, threads: str, weights: str = "None") -> Any:
    """Prepares prediction with an exported file, from uint8 images in memory to keypoints.

    Args:
        config: Name of the config.
        file: Exported file, which is written if it is missing, see `export`.
        batch: Number of images.
        threads: Number of threads.
        weights: Weights of the network; "None" for an untrained network.

    Raises:
        ValueError: If it cannot be exported.
    """
    export(config, file, weights)
    from paddle_pose.backends.open import open_exported
    from paddle_pose.configs.registry import CONFIGS

    backend = open_exported(Path(file), "cpu", int(threads))
    width, height = CONFIGS[config].codec.input_size
    images = (
        np.random.default_rng(SEED)
        .integers(0, 256, (int(batch), height, width, 3))
        .astype(np.uint8)
    )

    def run() -> None:
        backend(images)

    return run


def poses(config: str, file: str, threads: str) -> Any:
    """Prepares prediction of one person, from the uint8 image in memory to keypoints.

    The network is untrained, and runs as an exported file of maps, which its codec decodes: so all
    networks are treated alike, whether or not their decoding can be part of a file.

    Args:
        config: Name of the config.
        file: Exported file, which is written if it is missing, see `export`.
        threads: Number of threads.

    Raises:
        ValueError: If it cannot be exported.
    """
    export(config, file, "None")
    from paddle_pose.backends.open import open_exported
    from paddle_pose.configs import overrides, registry

    recipe = registry.find(config)
    if recipe.data.framing == "image":
        recipe = overrides.override(recipe, {"codec.max_persons": 1})
    cv2.setNumThreads(int(threads))
    backend = open_exported(Path(file), "cpu", int(threads))
    width, height = recipe.codec.input_size
    image = np.random.default_rng(SEED).integers(0, 256, (1, height, width, 3)).astype(np.uint8)

    def run() -> None:
        recipe.codec.decode(backend(image))

    return run


def training_step(
    network: str, width: str, height: str, batch: str, threads: str, **reduced: str
) -> Any:
    """Prepares steps of a training, as the trainer makes them, on a batch of noise.

    Args:
        network: "hourglass", "simple_baseline" or "movenet".
        width: Width of the input in px.
        height: Height of the input in px.
        batch: Number of images.
        threads: Number of threads, which the environment states, too.
        **reduced: Of the Hourglass, the numbers by which it is reduced: "channels" and "blocks" of
            each level, and "features".
    """
    from paddle_pose import environment

    environment.configure_cpu()
    environment.require_paddle()
    import paddle

    from paddle_pose import build, kinds
    from paddle_pose.configs import overrides, registry
    from paddle_pose.training.precision import Precision
    from paddle_pose.training.run_state import State
    from paddle_pose.training.step import Step

    paddle.set_device("cpu")
    configs = {
        "hourglass": "hourglass52_mpii_256",
        "simple_baseline": "simple_baseline_r50_coco_256x192",
        "movenet": "movenet_lightning_coco",
    }
    changes: dict[str, Any] = {"codec.input_size": (int(width), int(height))}
    for name, numbers in reduced.items():
        key = "feature_channels" if name == "features" else name
        values = tuple(int(number) for number in numbers.split(","))
        changes[f"model.{key}"] = values[0] if name == "features" else values
    config = overrides.override(registry.find(configs[network]), changes)
    model = build.model(config)
    spec = config.train.optimizer
    optimizer = kinds.load(spec.target)(model, grad_clip=None, **spec.arguments())
    state = State(model, optimizer, Precision(), ema=None)
    step = Step(state, build.loss(config), lambda number: 1e-3)
    step.begin()
    rng = np.random.default_rng(SEED)
    joints = config.codec.skeleton.num_joints
    keypoints = rng.uniform(0, min(int(width), int(height)), (int(batch), 1, joints, 2))
    box = np.array([[0.0, 0.0, float(width), float(height)]])
    targets = config.codec.encode_batch(
        list(keypoints), list(np.ones((int(batch), 1, joints))), [box] * int(batch)
    )
    size = (int(batch), int(height), int(width), 3)
    images = {
        "image": paddle.to_tensor(rng.integers(0, 256, size, dtype=np.uint8)),
        "targets": {name: paddle.to_tensor(values) for name, values in targets.items()},
    }
    sizes = sorted(
        parameter.size for parameter in model.parameters() if not parameter.stop_gradient
    )

    def run() -> dict[str, np.ndarray]:
        step(images)
        return {"sizes": np.array(sizes)}

    return run


def default_prediction(files: str, photo: str, cache: str, threads: str) -> Any:
    """Prepares what `predict.py photo.jpg` does with one image, from the file to keypoints.

    Args:
        files: Local copies of the published files of MoveNet Thunder and NanoDet-m, separated by
            `os.pathsep`; "" for none.
        photo: Image file with people; "" for none.
        cache: Folder to store the published files and the ONNX file of MoveNet in.
        threads: Number of threads.

    Raises:
        ValueError: If there are no files or no photograph.
    """
    if not files or not photo:
        raise ValueError("name the published files with --from_file, and an image with --photo")
    import paddle_pose as pp

    cv2.setNumThreads(int(threads))
    model = pp.load_model(
        "movenet_thunder", from_file=files.split(os.pathsep), cache=cache, threads=int(threads)
    )

    def run() -> dict[str, np.ndarray]:
        result = model.predict(photo)
        return {"keypoints": result.keypoints[int(np.argmax(result.person_scores))]}

    return run


def starting() -> Any:
    """Prepares `--help` of every command; "value" is the time of the slowest in s."""
    commands = [[str(script)] for script in sorted(ROOT.glob("*.py"))]
    commands += [["-m", "paddle_pose", name] for name in COMMANDS]

    def run() -> dict[str, float]:
        slowest = 0.0
        for command in commands:
            begun = time.perf_counter()
            call = [sys.executable, *command, "--help"]
            subprocess.run(call, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            slowest = max(slowest, time.perf_counter() - begun)
        return {"value": slowest}

    return run


def predict_command(file: str, weights: str = "None") -> Any:
    """Prepares `predict.py` on one image with MoveNet as an ONNX file, where Paddle is missing.

    Args:
        file: Exported file, which is written if it is missing, see `export`.
        weights: Weights of the network; "None" for an untrained network.

    Raises:
        ValueError: If it cannot be exported.
    """
    export("movenet_lightning_coco", file, weights)
    from paddle_pose.data.synthetic.scene import draw_scene
    from paddle_pose.io import images

    kept = tempfile.TemporaryDirectory()
    images.write(
        Path(kept.name, "image.png"), draw_scene(np.random.default_rng(SEED), (640, 480)).image
    )
    code = (
        "import sys; sys.modules['paddle'] = None; from paddle_pose.cli import run; run('predict')"
    )
    flags = [kept.name, "--weights", file, "--output", str(Path(kept.name, "found"))]

    # `kept`: the temporary folder is removed when this function is deleted.
    def run(kept: Any = kept) -> None:
        done = subprocess.run(
            [sys.executable, "-c", code, *flags], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode:
            raise ValueError(done.stderr.strip().splitlines()[-1])

    return run


if __name__ == "__main__":
    keep_freed_memory()  # as every command does
    tasks = (
        loading,
        reading,
        encoding,
        decoding,
        coco_ap,
        coco_detections,
        pckh,
        prediction,
        poses,
        training_step,
        default_prediction,
        starting,
        predict_command,
    )
    serve({function.__name__: function for function in tasks})

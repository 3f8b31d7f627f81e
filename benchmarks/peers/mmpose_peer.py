"""mmpose's side of the benchmarks: its pipeline, codecs and networks, called as its loader does.

It runs under the Python of the other projects, which `benchmarks/make_peers.sh` installs, and
imports only `protocol` and `standins` from this project. mmpose is imported in the task that needs
it, so that the memory of one task does not count the imports of another.
"""

import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent)]

import cv2
import numpy as np
import standins  # noqa: F401 (before mmpose)
from protocol import serve

SEED = 0
CODEC = dict(type="MSRAHeatmap", input_size=(256, 256), heatmap_size=(64, 64), sigma=2)


def loading(root: str, size: str, samples: str, batch: str = "16") -> Any:
    """Prepares training batches with the pipeline of td-hm_hourglass52_8xb64-210e_mpii.

    Args:
        root: Folder of a data set in MPII's layout.
        size: Width and height of the input in px.
        samples: Number of samples of a run.
        batch: Number of samples that are stacked.
    """
    from mmengine.dataset import pseudo_collate
    from mmpose.datasets.datasets.body import MpiiDataset
    from mmpose.utils import register_all_modules

    register_all_modules()
    cv2.setNumThreads(1)
    px = int(size)
    codec = {**CODEC, "input_size": (px, px), "heatmap_size": (px // 4, px // 4)}
    pipeline = [
        dict(type="LoadImage"),
        dict(type="GetBBoxCenterScale"),
        dict(type="RandomFlip", direction="horizontal"),
        dict(type="RandomBBoxTransform", shift_prob=0),
        dict(type="TopdownAffine", input_size=codec["input_size"]),
        dict(type="GenerateTarget", encoder=codec),
        dict(type="PackPoseInputs"),
    ]
    prefix = dict(img="images/")
    dataset = MpiiDataset(
        data_root=root,
        ann_file="annotations/mpii_train.json",
        data_prefix=prefix,
        pipeline=pipeline,
    )
    np.random.seed(SEED)

    def run() -> None:
        waiting: list[Any] = []
        for number in range(int(samples)):
            waiting.append(dataset[number % len(dataset)])
            if len(waiting) == int(batch):
                pseudo_collate(waiting)
                waiting.clear()

    return run


def _codec(**changes: Any) -> Any:
    """Returns mmpose's heatmap codec with changes of `CODEC`."""
    from mmpose.codecs import MSRAHeatmap

    return MSRAHeatmap(
        **{key: value for key, value in {**CODEC, **changes}.items() if key != "type"}
    )


def encoding(batch: str = "64") -> Any:
    """Prepares encoding of the keypoints that this project's side encodes, too.

    Args:
        batch: Number of people.
    """
    rng = np.random.default_rng(SEED)
    points = rng.uniform(0, 255, (int(batch), 1, 16, 2))
    visible = rng.integers(0, 2, (int(batch), 1, 16))
    codec = _codec()

    def run() -> dict[str, np.ndarray]:
        targets = [
            codec.encode(p.astype(np.float32), v.astype(np.float32))
            for p, v in zip(points, visible)
        ]
        return {
            "heatmaps": np.stack([target["heatmaps"] for target in targets]),
            "weights": np.stack([target["keypoint_weights"][0] for target in targets]),
        }

    return run


def decoding(unbiased: str, batch: str = "64") -> Any:
    """Prepares decoding of the heatmaps that this project's side decodes, too.

    Args:
        unbiased: "True" for the refinement of DARK, "False" for a quarter of a cell.
        batch: Number of people.
    """
    rng = np.random.default_rng(SEED)
    count = int(batch)
    x, y = rng.uniform(4, 59, (2, count, 16, 1, 1))
    row, column = np.mgrid[:64, :64]
    bumps = np.exp(-((column - x) ** 2 + (row - y) ** 2) / 8)
    maps = (bumps + 0.01 * rng.random((count, 16, 64, 64))).astype(np.float32)
    codec = _codec(unbiased=unbiased == "True")

    def run() -> dict[str, np.ndarray]:
        return {"keypoints": np.stack([codec.decode(one)[0][0] for one in maps])}

    return run


def forward(network: str, batch: str, threads: str) -> Any:
    """Prepares an eager forward pass of one of mmpose's networks in float32 with random weights.

    Args:
        network: Name of the network, a key of `rows.NETWORKS`.
        batch: Number of images.
        threads: Number of threads.
    """
    import torch
    from mmpose.registry import MODELS
    from mmpose.utils import register_all_modules

    register_all_modules()
    torch.set_num_threads(int(threads))
    torch.manual_seed(SEED)
    stage = dict(block="BASIC")
    hrnet = dict(
        stage1=dict(
            num_modules=1, num_branches=1, block="BOTTLENECK", num_blocks=(4,), num_channels=(64,)
        ),
        stage2=dict(
            num_modules=1, num_branches=2, num_blocks=(4, 4), num_channels=(32, 64), **stage
        ),
        stage3=dict(
            num_modules=4, num_branches=3, num_blocks=(4,) * 3, num_channels=(32, 64, 128), **stage
        ),
        stage4=dict(
            num_modules=3,
            num_branches=4,
            num_blocks=(4,) * 4,
            num_channels=(32, 64, 128, 256),
            **stage,
        ),
    )
    parts = {
        "hourglass52": (
            dict(type="HourglassNet", num_stacks=1),
            dict(
                type="CPMHead",
                in_channels=256,
                out_channels=16,
                num_stages=1,
                deconv_out_channels=None,
            ),
            (256, 256),
        ),
        "hrnet_w32": (
            dict(type="HRNet", in_channels=3, extra=hrnet),
            dict(type="HeatmapHead", in_channels=32, out_channels=17, deconv_out_channels=None),
            (192, 256),
        ),
        "simple_baseline_r50": (
            dict(type="ResNet", depth=50),
            dict(type="HeatmapHead", in_channels=2048, out_channels=17),
            (192, 256),
        ),
    }[network]
    backbone, head = (MODELS.build(part) for part in parts[:2])
    for part in (backbone, head):
        part.eval()  # returns None
    images = torch.rand(int(batch), 3, parts[2][1], parts[2][0])

    def run() -> None:
        with torch.no_grad():
            head(backbone(images))

    return run


if __name__ == "__main__":
    serve({function.__name__: function for function in (loading, encoding, decoding, forward)})

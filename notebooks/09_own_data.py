# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 09_own_data.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 09 · Training on your own keypoints
#
# From a folder to a trained network, in two cases:
#
# - **A. People with other joints than the network.** Leeds Sports Pose has 14 joints, networks of
#   MPII have 16, of COCO 17. Joints are matched by name, and joints without a label are excluded
#   from the loss.
# - **B. Your own keypoints.** A folder of images and a table from an annotation tool; here five
#   points of a person, but it may be a hand, a horse or a screwdriver.
#
# Without data, synthetic people are created; the steps are the same. The network is a small one
# that one CPU core trains in a minute; for good results set `CONFIG` and `INIT`.
#
# # 09 · 用自己的关键点训练
#
# 从文件夹到训练好的网络，有两种情形：
#
# - **A. 数据的关键点与网络不同。** Leeds Sports Pose 有 14 个关键点，MPII 的网络有 16 个，COCO 的有 17 个。关键点按名称匹配，没有标注的关键点不计入损失。
# - **B. 自定义关键点。** 一个图像文件夹，加上标注工具导出的表格；这里是人的五个点，也可以是手、马或螺丝刀。
#
# 没有数据时生成合成人物，步骤相同。这里用单个 CPU 核心一分钟即可训练的小网络；要得到好的结果，请设置 `CONFIG` 和 `INIT`。

# %% [markdown]
# ## 1. The machine
#
# ## 1. 运行环境

# %%
import csv
import json
import logging
import os
import sys
from pathlib import Path

PROJECT = next(
    folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "paddle_pose").is_dir()
)
os.chdir(PROJECT)
sys.path.insert(0, str(PROJECT))
os.environ["PYTHONPATH"] = str(PROJECT)  # for `python -m paddle_pose`
os.environ["PATH"] = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ["PATH"]]
)  # whose python `!python` is

from paddle_pose.engine import machine

print(machine.probe())
logging.basicConfig(
    level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True
)  # as commands do

# %% [markdown]
# ## 2. Settings
#
# - `LSPET`: the Leeds people in MPII's layout: `images/*.jpg`, `annotations/mpii_{train,val}.json`
#   and `mpii_gt_val.mat`, with pelvis and thorax marked as missing.
# - `TABLE`: your CSV file, one row per person or object: `image`, then `NAME_x` and `NAME_y` for
#   every keypoint, in pixels of the stored image, empty if it is not visible. Points annotated
#   with labelme or another tool can be written to such a table. `IMAGES` is the folder of the
#   images, `LIMBS` the lines to draw.
# - For a good network on a GPU: `CONFIG = "hrnet_w32_mpii_256"` and, as `INIT`, its published
#   weights (`python -m paddle_pose download` lists them).
#
# ## 2. 设置
#
# - `LSPET`：MPII 目录结构的 Leeds 数据：`images/*.jpg`、`annotations/mpii_{train,val}.json` 和 `mpii_gt_val.mat`，其中骨盆和胸标为缺失。
# - `TABLE`：自己的 CSV 文件，每行一个人或物体：`image`，然后是各关键点的 `名称_x`、`名称_y`（存储图像中的像素），不可见的留空。用 labelme 等工具标注的点可以写成这样的表格。`IMAGES` 为图像文件夹，`LIMBS` 为要画的连线。
# - 要在 GPU 上得到好的网络：`CONFIG = "hrnet_w32_mpii_256"`，`INIT` 为其已发布的权重（用 `python -m paddle_pose download` 列出）。

# %% tags=["parameters"]
LSPET = ""  # folder, seen from the project
TABLE = ""  # file, seen from the project
IMAGES = ""  # folder, seen from the project
LIMBS = [
    ["nose", "left_hand"],
    ["nose", "right_hand"],
    ["left_hand", "left_foot"],
    ["right_hand", "right_foot"],
]
CONFIG = "hourglass_tiny_128"
INIT = ""  # weights to start from, seen from the project
WORK = "output/notebook_09"  # folder, seen from the project
PEOPLE = (240, 40)  # drawn for training and validation in A; images of B
EPOCHS = 8  # of A; the others have half as many

# %%
from paddle_pose.data.synthetic import dataset as synthetic

if bool(TABLE) != bool(IMAGES):
    raise ValueError("TABLE and IMAGES: give both, or neither")
Path(WORK).mkdir(parents=True, exist_ok=True)
os.chdir(WORK)
ROOT = os.path.relpath(PROJECT)  # the project, seen from here
START = Path(ROOT, INIT) if INIT else None
print("A:", LSPET or "synthetic people with the 14 joints of Leeds")
print("B:", TABLE or "synthetic people, and a table of five key points")

# %% [markdown]
# ## A1. Fourteen joints
#
# Leeds has MPII's limbs, neck and head top, but neither pelvis nor thorax. In MPII's layout a
# missing joint is `[-1, -1]` with `joints_vis` 0, and `jnt_missing` is 1 in the mat file. The
# synthetic people are written in this way:
#
# ## A1. 十四个关键点
#
# Leeds 的四肢、颈和头顶与 MPII 相同，没有骨盆和胸。在 MPII 的目录结构中，缺失的关键点写作 `[-1, -1]`，`joints_vis` 为 0，mat 文件中 `jnt_missing` 为 1。合成人物即按此写出：

# %%
import scipy.io

from paddle_pose.skeletons import COCO_17, MPII_16

LACKING = [MPII_16.joints.index(name) for name in ("pelvis", "thorax")]


def forget(folder):
    """Removes what Leeds lacks from the records of synthetic people, and from their truth."""
    for file in folder.glob("annotations/mpii_*.json"):
        records = json.loads(file.read_text())
        for record, slot in ((record, slot) for record in records for slot in LACKING):
            record["joints"][slot], record["joints_vis"][slot] = [-1.0, -1.0], 0
        file.write_text(json.dumps(records))
    forget_truth(folder / "annotations/mpii_gt_val.mat")


def forget_truth(file):
    """The same for the mat file."""
    truth = {
        key: values for key, values in scipy.io.loadmat(file).items() if not key.startswith("__")
    }
    truth["jnt_missing"][LACKING], truth["pos_gt_src"][LACKING] = 1, 0
    scipy.io.savemat(file, truth)


leeds = Path(ROOT, LSPET) if LSPET else Path("leeds")
if not LSPET:
    synthetic.write_mpii(leeds, num_train=PEOPLE[0], num_val=PEOPLE[1], size=(160, 160))
    forget(leeds)

# %% [markdown]
# Check the data before training: first with the dataset check, then by viewing them.
#
# 训练之前先检查数据：先运行数据检查脚本，再查看图像。

# %%
# !python -m paddle_pose check --dataset_root {leeds} --decode sample

# %%
import cv2
import numpy as np
from IPython.display import Image, Markdown, display

import paddle_pose as pp
from paddle_pose import build, visualize
from paddle_pose.configs import overrides, registry
from paddle_pose.data import coco, dataset, framing, mpii
from paddle_pose.io import images
from paddle_pose.structures import Poses


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


def look(sample, codec, side=108):
    """Returns a person's window with the labelled joints."""
    keypoints, visible = dataset.input_keypoints(sample, sample.window, codec)
    crop = dataset.crop(sample, sample.window, codec)
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    scale = np.array([side, side]) / codec.input_size
    return visualize.draw_poses(
        small, Poses(keypoints * scale, visible, np.ones(1)), codec.skeleton
    )


config = registry.find(CONFIG)
training = build.samples(config, leeds, "train")
share = np.mean([sample.persons[0].visible > 0 for sample in training], axis=0)
print(
    "labelled:",
    ", ".join(f"{name} {part:.0%}" for name, part in zip(MPII_16.joints, share, strict=True)),
)
show(visualize.grid([look(sample, config.codec) for sample in training[:8]], columns=4))

# %% [markdown]
# ## A2. For a network of 16 joints
#
# Nothing has to be converted or declared: joints without a label have weight 0 in the loss. PCKh
# never counts pelvis and thorax, so `Mean` is over the same 14 joints as always. (Leeds has no
# head boxes: the files contain generated ones, with MPII's usual ratio to the distance from neck
# to head top.)
#
# What to expect on real people: with `--set LSPET=…` and no other change, this notebook was
# trained on 1,233 of the Leeds people and predicted 20.4 % of the joints of 200 others correctly
# (95 % interval 17.6 to 23.1); the mean pose has 5.3 %. These are gymnasts and climbers in all
# orientations, and the network is small and randomly initialized. For good results set `CONFIG`
# and `INIT`.
#
# ## A2. 训练 16 个关键点的网络
#
# 不需要转换，也不需要声明：没有标注的关键点在损失中权重为 0。PCKh 本来就不计骨盆和胸，所以 `Mean` 仍是那 14 个关键点的平均。（Leeds 没有头部框：文件中的头部框按 MPII 中与颈到头顶距离的通常比例生成。）
#
# 对真实人物可以期待什么：本 Notebook 加上 `--set LSPET=…`，其余不变，用 1,233 个 Leeds 人物训练，在另外 200 人上正确预测 20.4% 的关键点（95% 置信区间 17.6 到 23.1），平均姿态为 5.3%。这些人在体操、攀岩，朝向各异，而网络很小，又是随机初始化。要得到好的结果，请设置 `CONFIG` 和 `INIT`。


# %%
def epochs(number):
    """Returns the values of a training of so many epochs, evaluated at its end."""
    return {"train.epochs": number, "train.eval_every": number, "train.num_workers": 0}


run = pp.train(CONFIG, data=leeds, init=START, overrides=epochs(EPOCHS))

# %%
evaluation = pp.evaluate(run.best, leeds, output="leeds_val", draw=True, baseline=True)

# %%
found = images.read_upright(Path("leeds_val/predictions.png"))
scale = min(1.0, 336 / found.shape[1])
show(cv2.resize(found, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))

# %% [markdown]
# What does the network predict for joints without labels? Their maps stay nearly as initialized:
# low values, with a peak anywhere. Pelvis and thorax below are meaningless, and a threshold
# (`predict.py --threshold`, 0.2) hides them. If you need them, label some and train them, or
# compute them: the pelvis is close to the middle of the hips. If you do not want them at all,
# train with a skeleton of 14 joints, as in B.
#
# 对未标注、未参与训练的关键点，网络会预测什么？它们的热图（heatmap，热力图）大致停留在初始状态：值很低，峰值位置随意。下图中的骨盆和胸没有任何意义，阈值（`predict.py --threshold`，默认 0.2）会把它们隐藏。如果需要它们，就标注一些来训练，或者计算：骨盆大致在两髋的中点。如果完全不需要，就用 14 个关键点的骨架训练，做法同 B。

# %%
validation = build.samples(config, leeds, "val")
crops = np.concatenate([seen for seen, _ in build.batches(config, validation[:32])])
heatmaps = pp.load_model(run.best).maps(crops)["heatmaps"][:, -1]
peaks = heatmaps.max(axis=(2, 3)).mean(axis=0)
print(
    "mean peak:",
    ", ".join(f"{name} {peak:.2f}" for name, peak in zip(MPII_16.joints, peaks, strict=True)),
)
show(visualize.draw_heatmaps(cv2.resize(crops[0], (100, 100)), heatmaps[0], MPII_16))

# %% [markdown]
# ## A3. For a network of 17 joints
#
# The same people for COCO's skeleton. A file in COCO's format lists its joints in `categories`;
# the cell below writes the fourteen by name. The network's skeleton is `COCO_17`: 12 of the 14 are
# among its joints, those of the face are not trained. `init` starts from the network above; all
# tensors except those of the last layer match. AP is computed over the 12 common joints.
#
# The box is that of the labelled joints, enlarged by a fifth on each side. COCO's AP depends on
# `area`, the area of the person's segmentation; without segmentation, 0.53 of the box area is
# usual, also in mmpose: state this when you report such an AP.
#
# ## A3. 训练 17 个关键点的网络
#
# 同样的人物，用于 COCO 的骨架。COCO 格式的文件在 `categories` 中列出关键点；下面的单元格按名称写入这 14 个关键点。网络的骨架是 `COCO_17`：14 个中有 12 个在其中，面部关键点没有训练。`init` 以上面的网络初始化，除最后一层外的参数都匹配。AP 只计算共有的 12 个关键点。
#
# 框取有标注的关键点的外接框，每边扩大五分之一。COCO 的 AP 取决于 `area`（人体分割区域的面积）；没有分割标注时，通常取框面积的 0.53（mmpose 也这样做）：报告这样的 AP 时请注明。


# %%
def record(number, image_id, points, labelled):
    """Returns an annotation in COCO's format; points [K, 2] px, labelled [K] bool."""
    left, top = points[labelled].min(axis=0)
    width, height = np.maximum(np.ptp(points[labelled], axis=0), 1.0)
    box = [left - 0.2 * width, top - 0.2 * height, 1.4 * width, 1.4 * height]
    triples = np.column_stack([points, 2 * labelled]) * labelled[:, None]
    values = {"bbox": [round(float(v), 2) for v in box], "area": float(0.53 * box[2] * box[3])}
    values |= {"keypoints": triples.round(2).ravel().tolist(), "num_keypoints": int(labelled.sum())}
    return {"id": number, "image_id": image_id, "category_id": 1, "iscrowd": 0, **values}


def write_annotations(path, folder, joints, people):
    """Writes a file in COCO's format of people (image's name in the folder, points, labelled)."""
    names = sorted({name for name, _, _ in people})
    pictures = [{"id": names.index(name) + 1, "file_name": name} for name in names]
    for image in pictures:
        image["height"], image["width"] = images.read(folder / image["file_name"])[0].shape[:2]
    records = [record(n, names.index(name) + 1, *rest) for n, (name, *rest) in enumerate(people, 1)]
    categories = [{"id": 1, "name": "person", "keypoints": list(joints), "skeleton": []}]
    path.write_text(
        json.dumps({"images": pictures, "annotations": records, "categories": categories})
    )


LEEDS = [name for name in MPII_16.joints if name not in ("pelvis", "thorax")]
slots = [MPII_16.joints.index(name) for name in LEEDS]
for split in ("train", "val"):
    everybody = [
        (image.path, person) for image in mpii.read_mpii(leeds, split) for person in image.persons
    ]
    people = [
        (path.name, person.keypoints[slots], person.visible[slots] > 0)
        for path, person in everybody
    ]
    write_annotations(Path(f"leeds_{split}.json"), leeds / "images", LEEDS, people)


def own_files(name, folder, skeleton):
    """Returns the values of a training on NAME_train.json and NAME_val.json."""
    files = {f"data.{split}_annotations": f"{name}_{split}.json" for split in ("train", "val")}
    return {"data.dataset": "coco", **files, "data.images": str(folder), "codec.skeleton": skeleton}


half = epochs(max(1, EPOCHS // 2))
no_faces = {"data.unlabelled_joints": "allow"}  # nobody has labelled the face's five joints
run_17 = pp.train(
    CONFIG, init=run.best, overrides=half | no_faces | own_files("leeds", leeds / "images", COCO_17)
)

# %% [markdown]
# ## B1. A folder and a table
#
# The output of an annotation tool or a spreadsheet. The names before `_x` and `_y` are the
# keypoints. Name pairs `left_…` and `right_…`; mirrored training images then exchange them
# automatically.
#
# ## B1. 一个文件夹和一张表
#
# 标注工具或电子表格的输出。`_x`、`_y` 之前的部分是关键点的名称。成对的点以 `left_…`、`right_…` 命名，镜像增强时就会自动互换。

# %%
MINE = {
    "nose": "nose",
    "left_hand": "left_wrist",
    "right_hand": "right_wrist",
    "left_foot": "left_ankle",
    "right_foot": "right_ankle",
}


def draw_table(folder, table):
    """Draws people into a folder and writes a table of five key points, as somebody would have labelled them."""
    synthetic.write_coco(
        folder, num_train=PEOPLE[0] // 2, num_val=0, seed=9, size=(200, 160), persons=(1, 2)
    )
    rows = [["image", *(f"{name}_{axis}" for name in MINE for axis in "xy")]]
    slots = [
        registry.find("movenet_lightning_coco").codec.skeleton.joints.index(joint)
        for joint in MINE.values()
    ]
    for image in coco.read_coco(folder, "train"):
        for person in image.persons:
            points = [
                [f"{v:.1f}" if person.visible[j] else "" for v in person.keypoints[j]]
                for j in slots
            ]
            rows.append([image.path.name, *(value for point in points for value in point)])
    table.write_text("\n".join(map(",".join, rows)) + "\n")


table, folder = Path(ROOT, TABLE), Path(ROOT, IMAGES)
if not TABLE:
    draw_table(Path("drawn"), Path("labels.csv"))
    table, folder = Path("labels.csv"), Path("drawn/train2017")
print(*table.read_text().splitlines()[:4], sep="\n")

# %% [markdown]
# ## B2. Annotations and skeleton
#
# The table becomes two files in COCO's format. Every fifth *image* is for validation: split by
# image (or by video, or by filmed person), never by row, otherwise the network is evaluated on
# images that it was trained on. Rows with fewer than two points are skipped, because their box
# would be a point.
#
# ## B2. 标注文件与骨架
#
# 表格变成两个 COCO 格式的文件。每五幅**图像**取一幅用于验证：按图像（或按视频、按拍摄对象）划分，绝不按行划分，否则验证的就是训练过的图像。少于两个点的行会跳过，因为它们的框只是一个点。

# %%
with table.open(newline="") as file:
    rows = list(csv.DictReader(file))
JOINTS = [name.removesuffix("_x") for name in rows[0] if name.endswith("_x")]
people = []
for row in rows:
    cells = [(row[f"{name}_x"], row[f"{name}_y"]) for name in JOINTS]
    points = np.array([[float(x or 0), float(y or 0)] for x, y in cells])
    people.append((row["image"], points, np.array([x != "" and y != "" for x, y in cells])))
whole = [person for person in people if person[2].sum() > 1]
validating = set(sorted({picture for picture, _, _ in whole})[::5])
for split, chosen in (("train", False), ("val", True)):
    part = [person for person in whole if (person[0] in validating) == chosen]
    write_annotations(Path(f"my_{split}.json"), folder, JOINTS, part)
    print(f"my_{split}.json: {len({image for image, _, _ in part})} images, {len(part)} people")
print(f"left out: {len(people) - len(whole)} rows with fewer than two points")

# %% [markdown]
# The skeleton file describes the relations between the joints. *Sigmas* state how precisely a
# point can be annotated, as a fraction of the person's size: COCO has 0.03 for eyes and nose, 0.06
# for wrists, 0.09 for ankles, 0.1 for hips; missing ones are 0.067 and are printed. AP depends on
# them, the training does not: choose them before the first evaluation and do not change them
# afterwards.
#
# 骨架文件说明关键点之间的关系。**sigma** 表示一个点能标注得多准，以人体尺寸的比例计：COCO 中眼和鼻 0.03，腕 0.06，踝 0.09，髋 0.1；没有写的取 0.067，并打印出来。AP 取决于 sigma，训练与其无关：请在第一次评估之前选定，之后不再改动。

# %%
skeleton = {"joints": JOINTS, "limbs": LIMBS}
if not TABLE:
    skeleton["sigmas"] = [0.03, 0.06, 0.06, 0.09, 0.09]
Path("my_skeleton.json").write_text(json.dumps(skeleton, indent=1))
FILES = f"--train_annotations my_train.json --val_annotations my_val.json --images {folder} --skeleton my_skeleton.json"
print(f"python train.py {FILES}")

# %%
# !python -m paddle_pose check {FILES}

# %%
from paddle_pose.data.skeleton_file import read_skeleton

mine = own_files("my", folder, read_skeleton("my_skeleton.json"))
own = overrides.override(config, mine)
annotated = coco.read_annotations(Path("my_train.json"), folder, own.codec.skeleton)
samples = framing.one_per_person(annotated, own.codec.input_size, own.data.context)
show(visualize.grid([look(sample, own.codec) for sample in samples[:8]], columns=4))

# %% [markdown]
# ## B3. Training, from random weights and from another network
#
# Own data sets are usually small. A network that was trained on people, or at least on images,
# needs much less data: start with `init` from published weights, or from the network of A, as
# here. Two trainings that differ only in the initial weights; compare the results.
#
# ## B3. 训练：随机初始化与微调
#
# 自己的数据往往很少。已经在人体（至少在图像）上训练过的网络，需要的数据少得多：请用 `init` 从预训练权重微调，或如这里从 A 的网络微调。下面两次训练只有初始权重不同；请比较结果。

# %%
fresh = pp.train(CONFIG, overrides=half | mine)
fresh

# %%
started = pp.train(CONFIG, init=run.best, overrides=half | mine)
started

# %% [markdown]
# ## B4. Evaluation
#
# The checkpoint stores the location of its data: no argument is needed. Then the error of every
# joint, as a fraction of the box's longer side: AP is one value, this shows which point needs more
# labels.
#
# ## B4. 评估
#
# 检查点记录了数据的位置，不需要其他参数。随后是每个关键点的误差，以框长边的比例表示：AP 只是一个数，这里才看得出哪个点需要更多标注。

# %%
evaluation = pp.evaluate(started.best, output="my_val", draw=True, baseline=True)

# %%
found = images.read_upright(Path("my_val/predictions.png"))
scale = min(1.0, 336 / found.shape[1])
show(cv2.resize(found, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))

model, errors = pp.load_model(started.best), []
labelled = coco.read_annotations(Path("my_val.json"), folder, model.skeleton)
boxes = [[person.box for person in image.persons] for image in labelled]
for image, result in zip(
    labelled, model.predict([image.path for image in labelled], boxes=boxes), strict=True
):
    for person, keypoints in zip(image.persons, result.keypoints, strict=True):
        off = np.linalg.norm(keypoints - person.keypoints, axis=-1) / max(person.box[2:])
        errors.append(np.where(person.visible > 0, off, np.nan))
lines = ["| joint | labelled | median error, % of the box |", "|---|---|---|"]
for name, column in zip(JOINTS, np.transpose(errors), strict=True):
    lines.append(f"| {name} | {np.isfinite(column).sum()} | {100 * np.nanmedian(column):.1f} |")
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## B5. Prediction
#
# On images, with their boxes: drawings with names, and a table; `maps` returns the predicted maps.
# Without boxes a detector finds the people first; with `detector=None` the whole image is the
# window: crop it to one person, or to one object. `predict.py` does the same from the command
# line.
#
# ## B5. 预测
#
# 对图像及其框预测，画出带名称的结果并写成表格；`maps` 返回网络预测的热图。没有框时，先用检测器检测人体；`detector=None` 把整幅图像作为窗口：请裁剪到一个人或一个物体。命令行的 `predict.py` 功能相同。

# %%
results = list(model.predict([image.path for image in labelled[:3]], boxes=boxes[:3]))
drawings = [np.asarray(result.draw(joint_names=True)) for result in results]
show(
    visualize.grid(
        [cv2.resize(drawing, (200, 160), interpolation=cv2.INTER_AREA) for drawing in drawings],
        columns=3,
    )
)

# %%
crops, _ = next(build.batches(model.config, build.samples(model.config, None, "val")[:1]))
maps = {name: array[0] for name, array in model.maps(crops).items()}
show(visualize.draw_maps(crops[0], model.config.codec.visualize(maps)))

# %%
with Path("predictions.csv").open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(
        ["image", "person", *(f"{name}_{axis}" for name in model.joints for axis in "xy")]
    )
    for result in results:
        for person, keypoints in enumerate(result.keypoints):
            rows.writerow([result.path.name, person, *keypoints.ravel().round(1)])
print(*Path("predictions.csv").read_text().splitlines()[:3], sep="\n")

# %% [markdown]
# ## Common problems
#
# | symptom | cause |
# |---|---|
# | AP is -1 or NaN | `area` is 0, or there is no labelled joint: `paddle-pose check` lists the records |
# | left and right are confused | the mirror pairs that training found in the names are wrong: state `mirror_pairs` in the skeleton file |
# | good in validation, poor in use | the split was by row, or the images in use look different: label some of those |
# | rotated photographs are always wrong | the labels do not refer to the image of the stated width and height (EXIF): `paddle-pose check` says what is assumed |
# | one point is always wrong | look at its labels first: annotators disagree, or it is occluded more often than visible |
# | the loss does not fall | start from a trained network (`--init`), or begin with a tenth of the learning rate |
#
# ## 常见问题
#
# | 现象 | 原因 |
# |---|---|
# | AP 为 -1 或 NaN | `area` 为 0，或没有标注关键点：`paddle-pose check` 会列出是哪些记录 |
# | 左右混淆 | 训练按名称找到的镜像对有误：请在骨架文件中写明 `mirror_pairs` |
# | 验证好，使用差 | 按行划分了数据，或实际图像与训练图像差别大：标注一些实际图像 |
# | 旋转过的照片总是不准 | 标注与所写的宽和高不是同一画面（EXIF）：`paddle-pose check` 会说明按哪种处理 |
# | 某个点总是不准 | 先看它的标注：标注者意见不一，或被遮挡的时候多于可见的时候 |
# | 损失不下降 | 用预训练权重初始化（`--init`），或先用十分之一的学习率 |

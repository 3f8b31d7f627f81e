# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 06_coco.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 06 · HRNet and SimpleBaseline on COCO
#
# Like Hourglass, HRNet and SimpleBaseline process one person at a time and predict one heatmap per
# joint. On COCO everything around the network differs: the joints, boxes from a detector, and
# another metric, AP. This notebook views the annotations, shows what AP measures, trains both
# networks, and evaluates them in every way that papers do.
#
# With COCO and a GPU, the published recipes run, from backbones pretrained on ImageNet. Without
# them **small networks with randomly initialized backbones are overfitted to a few synthetic
# people**: this shows that data, targets, training and AP fit together, and nothing about COCO.
#
# # 06 · 在 COCO 上训练 HRNet 和 SimpleBaseline
#
# 与 Hourglass 一样，HRNet 和 SimpleBaseline 每次处理一个人，每个关键点输出一张热图（heatmap，热力图）。COCO 上网络以外的部分都不同：关键点不同，人体框来自检测器，指标是 AP。本 Notebook 查看标注，说明 AP 衡量什么，训练两个网络，并按论文的各种方式评估。
#
# 有 COCO 和 GPU 时，使用论文训练配置，由 ImageNet 预训练的骨干网络（backbone）初始化；没有时，**用随机初始化的小网络在几个合成人物上过拟合**：这只说明数据、目标、训练和 AP 彼此吻合，不代表 COCO 上的精度。

# %% [markdown]
# ## 1. The machine
#
# ## 1. 运行环境

# %%
import json
import logging
import os
import sys
from dataclasses import replace
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

here = machine.probe()
print(here)

# %% [markdown]
# ## 2. Settings
#
# `DATA` contains `train2017/`, `val2017/` and `annotations/person_keypoints_{train,val}2017.json`;
# `DETECTIONS` is a file of detected boxes, such as `COCO_val2017_detections_AP_H_56_person.json`;
# `MPII` is a folder in MPII's layout (notebook 01 makes it).
#
# ## 2. 设置
#
# `DATA` 目录下应有 `train2017/`、`val2017/` 和 `annotations/person_keypoints_{train,val}2017.json`；`DETECTIONS` 为检测框文件，例如 `COCO_val2017_detections_AP_H_56_person.json`；`MPII` 为 MPII 目录结构的文件夹（由 Notebook 01 生成）。

# %% tags=["parameters"]
DATA = "/home/aistudio/data/coco"  # folder, seen from the project
DETECTIONS = ""  # file, seen from the project
MPII = "output/notebook_01/data"  # folder, seen from the project
WORK = "output/notebook_06"  # folder, seen from the project
IMAGES = 6  # synthetic, one or two people in each, to overfit without COCO or a GPU
EPOCHS = 100  # over these images; the published recipes have 140 and 210 over COCO
HOURS = 7.5  # of one sitting of the published recipes: a little less than the daily quota

# %%
from paddle_pose.data.synthetic import dataset as synthetic

CONFIGS = ("simple_baseline_r50_coco_256x192", "hrnet_w32_coco_256x192")
FULL = Path(DATA, "annotations").is_dir() and len(here.gpus) > 0
common = {
    "codec.input_size": (96, 128),
    "augment": None,
    "val.flip": False,  # they never see a mirrored person
    "train.epochs": EPOCHS,
    "train.batch_size": 12,
    "train.learning_rate": 0.004,
    "train.schedule": "cosine",
    "train.schedule.warmup": 10,
    "train.eval_every": max(1, EPOCHS // 4),
    "train.num_workers": 0,
    "train.log_every": 5,
}
narrow = (
    {"model.width": 8, "model.deconv_channels": 32},
    {"model.width": 16, "model.modules": (1, 1, 1), "model.blocks": 1, "model.stem_channels": 16},
)
changes = [{}, {}] if FULL else [common | own for own in narrow]

Path(WORK).mkdir(parents=True, exist_ok=True)
os.chdir(WORK)
ROOT = os.path.relpath(PROJECT)  # the project, seen from here
COCO = Path(ROOT, DATA) if FULL else Path("coco")
if not FULL:
    drawing = {"num_train": 1, "num_val": IMAGES, "size": (256, 192), "persons": (1, 2)}
    synthetic.write_coco(COCO, **drawing)
    synthetic.write_mpii(Path("mpii"), **drawing)  # the same images, annotated as MPII does
OTHER = Path(ROOT, MPII) if FULL else Path("mpii")
print("Data:", "COCO" if FULL else "synthetic people, since COCO or a GPU is missing")

# %% [markdown]
# ## 3. Differences from MPII
#
# | | MPII | COCO |
# |---|---|---|
# | joints | 16: limbs, pelvis, thorax, neck, head top | 17: limbs, nose, eyes, ears |
# | coordinates | start at 1 | start at 0 |
# | position of a person | centre and `scale` | box x, y, width, height |
# | window | square, 256 x 256 | upright, 192 x 256 (papers write 256x192: height first) |
# | visible | 0, 1 | 0 not labelled, 1 occluded but labelled, 2 visible |
# | metric | PCKh: distance by the head size | AP: OKS, distance by the person's area and the joint |
# | boxes in papers | annotated | **detected** |
# | people in validation | 2,958 | 6,352 annotated, 104,125 detected boxes |
#
# The readers return the same for both: 0-based pixel coordinates, boxes, `visible`. All later code
# is the same.
#
# ## 3. 与 MPII 的区别
#
# | | MPII | COCO |
# |---|---|---|
# | 关键点 | 16 个：四肢、骨盆、胸、颈、头顶 | 17 个：四肢、鼻、眼、耳 |
# | 坐标 | 从 1 开始 | 从 0 开始 |
# | 人的位置 | 中心和 `scale` | 框 x、y、宽、高 |
# | 窗口 | 正方形，256 x 256 | 竖直，192 x 256（论文写作 256x192，高在前） |
# | 可见性 | 0、1 | 0 未标注，1 被遮挡但有标注，2 可见 |
# | 指标 | PCKh：距离除以头部尺寸 | AP：OKS，距离相对于人体面积和关键点类型 |
# | 论文所用的框 | 标注框 | **检测框** |
# | 验证集人数 | 2,958 | 标注 6,352，检测框 104,125 |
#
# 两者读入之后的形式相同：从 0 开始的像素坐标、人体框、`visible`。此后的代码完全相同。

# %%
import cv2
import numpy as np
from IPython.display import Image, Markdown, display

import paddle_pose as pp
from paddle_pose import build, geometry, visualize
from paddle_pose.configs import overrides, registry
from paddle_pose.data import augment, coco, dataset
from paddle_pose.io import images
from paddle_pose.structures import Poses


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


ANNOTATIONS = COCO / "annotations/person_keypoints_val2017.json"
content = json.loads(ANNOTATIONS.read_text())
record = next(person for person in content["annotations"] if person["num_keypoints"] > 8)
print({key: value for key, value in record.items() if key not in ("keypoints", "segmentation")})
names = content["categories"][0]["keypoints"]
for name, point in list(zip(names, np.reshape(record["keypoints"], (-1, 3)).tolist(), strict=True))[
    :7
]:
    print(f"  {name:15} x, y, v = {point}")

# %% [markdown]
# Whole images with all annotated people: the box white, the network's window yellow (the box
# extended to 3 : 4, then enlarged by 1.25), the person's left blue, right orange. Joints without a
# label are not drawn: here those on the side away from the camera.
#
# 整幅图像及其中所有标注：白色为人体框，黄色为网络的窗口（框扩展成 3 : 4，再放大 1.25 倍），人物左侧蓝色，右侧橙色。没有标注的关键点不画：这里是背向镜头的部分。

# %%
config = overrides.override(registry.find(CONFIGS[0]), changes[0])
skeleton, size = config.codec.skeleton, config.codec.input_size
annotated = [
    image for image in coco.read_coco(COCO, "val")[:400] if any(not p.crowd for p in image.persons)
]


def rectangle(pixels, window, color):
    """Draws a window's outline."""
    corners = geometry.move([[0, 0], [1, 0], [1, 1], [0, 1]], window.to_image((1, 1)))
    cv2.polylines(pixels, [corners.round().astype(int)], True, color, 1)


def whole(image, width=168, height=126):
    """Returns an image with its boxes, windows and joints, in a tile."""
    pixels = images.read(image.path)[0].copy()
    people = [person for person in image.persons if not person.crowd]
    for person in people:
        rectangle(pixels, geometry.box_window(person.box, person.box[2:], 1.0), visualize.TRUTH)
        rectangle(
            pixels, geometry.box_window(person.box, size, config.data.context), visualize.MIDDLE
        )
    poses = Poses(
        np.stack([p.keypoints for p in people]),
        np.stack([p.visible for p in people]),
        np.ones(len(people)),
    )
    tile = geometry.box_window((0, 0, *pixels.shape[1::-1]), (width, height), 1.0).to_input(
        (width, height)
    )
    return geometry.warp(visualize.draw_poses(pixels, poses, skeleton), tile, (width, height))


show(visualize.grid([whole(image) for image in annotated[:6]], columns=3))

# %% [markdown]
# ## 4. OKS and AP
#
# For each labelled joint COCO measures how large the error is *for this joint of a person of this
# size*: the similarity is $\exp(-d^2 / (2 \cdot area \cdot (2\sigma)^2))$, where $\sigma$ is the
# variation between annotators: 0.026 at the nose, 0.107 at the hip. The mean over the joints is
# OKS, 0 to 1. A person counts as correct if OKS reaches a threshold; AP is the mean of the average
# precisions at the thresholds 0.50, 0.55, …, 0.95.
#
# Below, rings where the similarity of a joint is 0.5 (outer) and 0.95 (inner): eyes must be
# correct to a pixel, hips need not.
#
# ## 4. OKS 与 AP
#
# 对每个有标注的关键点，COCO 衡量的是：**对这种大小的人的这个关键点来说**，误差有多大。相似度为 $\exp(-d^2 / (2 \cdot area \cdot (2\sigma)^2))$，$\sigma$ 表示标注者之间的差异：鼻 0.026，髋 0.107。对关键点取平均即 OKS，范围 0 到 1。OKS 达到阈值的人视为检出；AP 是阈值 0.50、0.55、…、0.95 处平均精度的平均。
#
# 下图的圆环表示相似度为 0.5（外圈）和 0.95（内圈）的位置：眼睛须精确到像素，髋则宽松得多。


# %%
def radius(person, joint, similarity):
    """Returns how far a joint may be off, image px, for a similarity."""
    return 2 * skeleton.sigmas[joint] * np.sqrt(2 * person.area * np.log(1 / similarity))


def rings(sample, width=168, height=224):
    """Returns a person's window with the rings of their labelled joints."""
    (person,), matrix = sample.persons, sample.window.to_input((width, height))
    tile = geometry.warp(images.read(sample.image_path)[0], matrix, (width, height)) // 2
    scale = np.hypot(*matrix[0, :2])
    for joint in np.flatnonzero(person.visible):
        place = geometry.move(person.keypoints[joint], matrix).round().astype(int).tolist()
        for similarity, color in ((0.5, visualize.MIDDLE), (0.95, visualize.TRUTH)):
            cv2.circle(
                tile,
                place,
                round(float(radius(person, joint, similarity) * scale)),
                color,
                1,
                cv2.LINE_AA,
            )
    return tile


validation = build.samples(config, COCO, "val")
clear = [sample for sample in validation if sample.persons[0].visible.sum() > 11] or validation
show(visualize.grid([rings(sample) for sample in clear[:3]], columns=3))

# %% [markdown]
# ## 5. The AP of ideal maps
#
# Without a network: encode the annotated joints, decode the maps, measure AP. The difference to 1
# is the codec's own loss (on COCO also that of people who stand close together: joints outside the
# window, and the suppression of duplicates). The published targets are rounded to cells, so small
# inputs lose most; targets of DARK and UDP keep the position within the cell (see notebook 02).
# Synthetic people are small: a pixel matters more for them than for most people in COCO.
#
# ## 5. 理想热图的精度上限
#
# 先不用网络：把标注的关键点编码成热图再解码，计算 AP。与 1 的差距就是编解码器自身的损失（在 COCO 上，人靠得近时还有窗口之外的关键点，以及对重复检出的抑制）。论文的目标热图量化到格，输入越小损失越大；DARK 和 UDP 的目标热图保留格内位置（见 Notebook 02）。合成人物很小，一个像素的影响比 COCO 中的大多数人更大。


# %%
def perfect(codec):
    """Returns the AP of maps that are exactly the targets."""
    predictions = []
    for sample in validation:
        heatmaps = codec.encode(*dataset.input_keypoints(sample, sample.window, codec))["heatmaps"]
        (poses,) = codec.decode({"heatmaps": heatmaps[None, None]})
        predictions.append(
            (sample, poses.moved(sample.window.to_image(codec.input_size, codec.alignment)))
        )
    return build.metric(config, COCO).compute_scores(predictions).values["AP"]


KINDS = {
    "published (rounded, quarter)": {},
    "DARK": {"unbiased": True, "decode_by": "dark"},
    "UDP": {"alignment": "udp", "decode_by": "dark"},
}
lines = ["| codec | 96x128 | 192x256 |", "|---|---|---|"]
for name, kind in KINDS.items():
    aps = [
        perfect(replace(config.codec, input_size=size, **kind)) for size in ((96, 128), (192, 256))
    ]
    lines.append(f"| {name} | " + " | ".join(f"{ap:.3f}" for ap in aps) + " |")
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## 6. Half-body and other augmentation
#
# HRNet's recipe on COCO shows only the upper or the lower body in 30 % of the cases (for people
# with more than 8 labelled joints): real boxes are often truncated by the image or by other
# people. It also scales by up to ±35 % and rotates by up to 90 degrees. First row: upper half,
# lower half, then random results of the recipe for the same person; second row: SimpleBaseline's
# recipe, without half bodies.
#
# ## 6. 半身增强与其他增强
#
# HRNet 在 COCO 上的训练配置，以 30% 的概率（标注关键点多于 8 个的人）只显示上半身或下半身：真实的框常被画面边缘或其他人截断。此外缩放至多 ±35%，旋转至多 90 度。第一行：上半身、下半身，随后是该训练配置对同一个人的随机结果；第二行：SimpleBaseline 的训练配置，没有半身增强。


# %%
def look(sample, window, width=96, height=128):
    """Returns what a window shows, with the joints in it."""
    codec = replace(config.codec, input_size=(width, height))
    keypoints, visible = dataset.input_keypoints(sample, window, codec)
    crop = dataset.crop(sample, window, codec)
    return visualize.draw_poses(crop, Poses(keypoints, visible, np.ones(1)), skeleton)


data = clear[0]
halves = [augment.half_body_window(data, skeleton, prefer_upper=upper) for upper in (True, False)]
for name, first in zip(reversed(CONFIGS), (halves, [data.window]), strict=True):
    recipe, rng = registry.find(name).augment, np.random.default_rng(3)
    windows = [*first, *(recipe.window(data, skeleton, rng) for _ in range(6 - len(first)))]
    show(visualize.grid([look(data, window) for window in windows], columns=6))
    print(f"{name}: half_body={recipe.half_body}, scale={recipe.scale}, rotation={recipe.rotation}")

# %% [markdown]
# ## 7. Training
#
# The published trainings start from backbones pretrained on ImageNet; randomly initialized ones
# need much longer trainings and reach lower results. The recipes name them, and
# `paddle-pose download` downloads and verifies them. A training loads the tensors that match in
# name and shape, and lists the others; `init="none"` starts from random weights.
#
# Both trainings take longer than a day's quota. `max_hours` saves after the step in which the time
# is over and raises `Interrupted`; `resume="auto"` continues a run that has begun, or starts it.
# All trainings of this notebook share one clock: run it again every day until they are done; a
# finished training returns its result at once. The commands:
#
# ## 7. 训练
#
# 论文使用 ImageNet 预训练的骨干网络初始化；随机初始化需要长得多的训练，结果也更低。各配置写明了所用的预训练权重，`paddle-pose download` 下载并校验。训练时加载名称和形状匹配的参数，并列出未匹配的参数；`init="none"` 表示随机初始化。
#
# 两次训练都超过一天的限额：`max_hours` 在时间用完的那一步之后保存并抛出 `Interrupted`；`resume="auto"` 继续已开始的训练，没有则开始新的训练。本 Notebook 的所有训练共用一个计时：每天重新运行，直到全部完成；已完成的训练立即返回结果。命令为：

# %%
BACKBONES = ("imagenet_resnet50", "imagenet_hrnet_w32")
for name, backbone in zip(CONFIGS, BACKBONES, strict=True):
    print(f"python -m paddle_pose download {backbone}")
    print(
        f"python train.py --config {name} --dataset_root {DATA} --resume auto --max_hours {HOURS}"
    )

# %%
import time

from IPython import get_ipython

if FULL:
    for backbone in BACKBONES:
        get_ipython().system(f"python -m paddle_pose download {backbone}")  # as `!python …`
ENDS = time.monotonic() + 3600 * HOURS
LEARNED = {
    "data.train_annotations": str(ANNOTATIONS),
    "data.val_annotations": str(ANNOTATIONS),
    "data.images": str(COCO / "val2017"),
    "data.unlabelled_joints": "allow",  # in few images, a joint may be labelled by nobody
}


def sitting():
    """Returns the arguments of a training of the published recipe in the time that is left."""
    hours = max(1e-6, (ENDS - time.monotonic()) / 3600)  # at least one step
    return {"resume": "auto", "max_hours": hours} if FULL else {}


def train(name, narrowed):
    """Returns the run of the published recipe; where there is no COCO or no GPU, of a narrow network."""
    if FULL:
        return pp.train(name, data=COCO, **sitting())
    return pp.train(name, overrides=narrowed | LEARNED, init="none")


runs = [train(CONFIGS[0], changes[0])]
runs[0]

# %%
runs.append(train(CONFIGS[1], changes[1]))
runs[1]

# %% [markdown]
# Both trainings in one plot. (The losses can be compared, because both networks learn the same
# targets at the same size; AP can always be compared.)
#
# 两次训练画在一起。（两个网络的训练目标和尺寸相同，损失可以比较；AP 总是可以比较。）

# %%
FOLDERS = " ".join(str(run.folder) for run in runs)

# %%
# !python -m paddle_pose plot {FOLDERS} --output_file curves.png

# %%
curves = images.read_upright(Path("curves.png"))
show(
    cv2.resize(
        curves,
        None,
        fx=480 / curves.shape[1],
        fy=480 / curves.shape[1],
        interpolation=cv2.INTER_AREA,
    )
)

# %% [markdown]
# ## 8. Evaluation in annotated boxes
#
# `baseline=True` adds the AP of the mean pose, which does not use the image: every network must be
# far above it. `draw=True` draws people from the best to the worst prediction. The checkpoint
# stores the location of its data (`data=` names others). `val.py` does the same from the command
# line.
#
# ## 8. 使用标注框评估
#
# `baseline=True` 另给出平均姿态（不使用图像）的 AP：任何网络都应远高于它。`draw=True` 按预测效果从好到差画出人物。检查点记录了数据的位置（`data=` 可另指定）。命令行的 `val.py` 功能相同。

# %%
WEIGHTS = runs[1].best
root = COCO if FULL else None
evaluation = pp.evaluate(WEIGHTS, root, output="val_annotated", draw=True, baseline=True)
print(f"AP of the mean pose: {evaluation.baseline['AP']:.3f}")
evaluation

# %%
found = images.read_upright(Path("val_annotated/predictions.png"))
scale = min(1.0, 520 / found.shape[1])
show(cv2.resize(found, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))

# %% [markdown]
# ## 9. Detected boxes: another metric
#
# In practice there are no annotated boxes. Papers therefore report AP with the boxes of a person
# detector, about 2 points lower for the same network (HRNet-W32, 256x192: 0.744 as published,
# 0.765 reported with annotated boxes). **Never compare the two.** The protocol line and
# `scores.json` state the source of the boxes, and `paddle-pose results` lists them in separate
# tables.
#
# Without a file of detections, one is simulated here: the annotated boxes, moved and resized by up
# to a tenth, with one person missing and one box without a person. The networks here were not
# trained with inexact boxes; augmentation in training makes networks robust to them.
#
# ## 9. 检测框：另一个指标
#
# 实际使用时没有标注框，因此论文报告的是检测框下的 AP，同一网络约低 2 个百分点（HRNet-W32，256x192：论文为 0.744，标注框下报告的是 0.765）。**两者不能直接比较。** 评估协议一行和 `scores.json` 会注明框的来源，`paddle-pose results` 把它们分在不同的表中。
#
# 没有检测框文件时，这里模拟生成一份：把标注框移动、缩放至多十分之一，漏掉一人，再加一个没有人的框。这里的网络没有用不准确的框训练过；训练时的数据增强使网络对框的误差更鲁棒。

# %%
if not DETECTIONS:
    rng, boxes = np.random.default_rng(0), []
    for sample in validation[1:]:
        x, y, width, height = sample.persons[0].box
        dx, dy, dw, dh = rng.uniform(-0.1, 0.1, 4) * (width, height, width, height)
        boxes.append(
            (sample.image_id, [x + dx, y + dy, width + dw, height + dh], rng.uniform(0.6, 1.0))
        )
    boxes.append((validation[0].image_id, [0, 0, 40, 60], 0.5))
    detected = [
        {"image_id": i, "category_id": 1, "bbox": box, "score": score} for i, box, score in boxes
    ]
    Path("made_up_boxes.json").write_text(json.dumps(detected))
BOXES = os.path.join(ROOT, DETECTIONS) if DETECTIONS else "made_up_boxes.json"

# %%
pp.evaluate(WEIGHTS, root, detections=BOXES, output="val_detected")

# %% [markdown]
# ## 10. Decoding: DARK and UDP
#
# One pass of the network evaluates every decoding method. DARK's decoding can be used with any
# network (`val.py --decode dark`). Its full gain, and UDP, need targets that are centred on the
# exact position, and therefore a training of their own: `hrnet_w32_coco_256x192_dark` and
# `hrnet_w32_coco_256x192_udp`. (The flip test improves networks that were trained with mirrored
# images, as in all recipes. It makes a network worse that was not.)
#
# ## 10. 解码方法：DARK 与 UDP
#
# 网络只推理一次，即可评估所有解码方法。DARK 的解码可以用于任何网络（`val.py --decode dark`）；要得到全部收益，或使用 UDP，目标热图须以精确位置为中心，需要另行训练：`hrnet_w32_coco_256x192_dark` 和 `hrnet_w32_coco_256x192_udp`。（各训练配置都有镜像增强，翻转测试因此有益；没有做过镜像增强的网络反而会变差。）

# %%
OWN = f"--dataset_root {COCO}" if FULL else ""

# %%
# !python -m paddle_pose compare --weights {WEIGHTS} {OWN}

# %% [markdown]
# ## 11. Evaluating a COCO network on MPII
#
# Joints are matched by name: 12 of MPII's 16 exist in COCO. The network is evaluated on these, in
# MPII's boxes, with PCKh. From here on the log shows the lines that the commands print. (Synthetic
# people are the same people in MPII's layout; but in its square boxes they are smaller than in
# training.)
#
# ## 11. 用 COCO 的网络评估 MPII（跨数据集评估）
#
# 关键点按名称匹配：MPII 的 16 个关键点中有 12 个存在于 COCO。在 MPII 的框中，以 PCKh 评估这些关键点。从这里起，日志显示命令所打印的各行。（使用合成人物时，是同样的人物换成 MPII 的目录结构；但方形框中的人物比训练时小。）

# %%
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
print(f"As a command: python val.py --weights {WEIGHTS} --dataset_root {OTHER} --dataset mpii")
if OTHER.is_dir():
    pp.evaluate(WEIGHTS, OTHER, overrides={"data.dataset": "mpii"})

# %% [markdown]
# Training across data sets works in the same way. `init` uses a COCO network for an MPII network:
# the backbone matches; the last layer has 17 joints instead of 16 and is randomly initialized.
# `"train.freeze": "backbone"` then trains only the head, which is fast; with a good backbone this
# is a start, for the best result train everything (`"nothing"`, the default).
#
# 跨数据集训练同理：`init` 用 COCO 的网络初始化 MPII 的网络：骨干网络匹配；最后一层是 17 个关键点而不是 16 个，重新随机初始化。`"train.freeze": "backbone"` 冻结骨干网络，只训练预测头（head），速度快；骨干网络足够好时可以先这样训练，要得到最好的结果则训练全部参数（默认 `"nothing"`）。

# %%
MPII_CONFIG = "simple_baseline_r50_mpii_256"
print(
    f"As a command: python train.py --config {MPII_CONFIG} --dataset_root {OTHER} --init {runs[0].best} --freeze backbone"
)
short = (
    {"train.epochs": 5}
    if FULL
    else {"train.epochs": max(2, EPOCHS // 4), "data.train_split": "trainval"}
)
if OTHER.is_dir():
    frozen = {"train.freeze": "backbone"}
    settings = changes[0] | short | frozen
    pp.train(MPII_CONFIG, data=OTHER, init=runs[0].best, overrides=settings, **sitting())

# %% [markdown]
# ## 12. The table
#
# AP in percent on COCO val2017, as published, by kind of boxes, and as measured in this run. *not
# run* means that this project has not trained the config at full size; results on synthetic people
# are in a separate table, because they cannot be compared with others.
#
# ## 12. 结果
#
# COCO val2017 上的 AP（%），按框的来源分表：已发表的结果（published）和本次测得的结果。*not run* 表示本项目没有做过完整训练；合成人物的结果单独成表，不能与其他结果比较。

# %%
from paddle_pose.evaluation import results

FAMILIES = (
    "hrnet_w32_coco_256x192",
    "simple_baseline_r50_coco_256x192",
    "HRNet-W32",
    "SimpleBaseline-R50",
)
rows = results.rows([Path("val_annotated/scores.json"), Path("val_detected/scores.json")])
rows = [row for row in rows if row.model.startswith(FAMILIES) and row.table.metric == "ap"]
rows = [row for row in rows if row.status == "measured here" or row.input == "256x192"]
for table in dict.fromkeys(row.table for row in rows):
    lines = [
        f"**{table.title}**",
        "",
        "| model | input | AP | status | who | protocol |",
        "|---|---|---|---|---|---|",
    ]
    for row in (row for row in rows if row.table == table):
        lines.append(
            f"| {row.model} | {row.input} | {row.numbers['AP']} | {row.status} | {row.source} | {row.protocol} |"
        )
    display(Markdown("\n".join(lines)))

# %% [markdown]
# Next: notebook 07 exports such a network to files for deployment, notebook 09 trains it on your
# own joints. In a photograph, the default detector NanoDet-m finds the people, then the pose of
# each is predicted:
#
# 接下来：Notebook 07 把网络导出用于部署，Notebook 09 用自己的关键点训练。对照片，默认检测器 NanoDet-m 先检测人体，再预测每个人的姿态：

# %%
print(f"python predict.py photo.jpg --weights {WORK}/{WEIGHTS}")

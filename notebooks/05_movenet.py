# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 05_movenet.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 05 · MoveNet: several people at once
#
# Hourglass and HRNet process one person at a time, in a given window. MoveNet processes the whole
# image once and finds all people in it. First Google's weights, on a photograph; then the steps of
# the AI Studio article on MoveNet: data, targets, losses, training, the four kinds of maps,
# decoding, export.
#
# With COCO and a GPU, the notebook trains MoveNet Lightning with its full recipe. Without them **a
# small network is overfitted to a few synthetic groups**: this shows that data, targets, loss,
# training and decoding fit together, and nothing about COCO.

# %% [markdown] tags=["zh"]
# # 05 · MoveNet：多人姿态估计
#
# Hourglass 和 HRNet 每次处理一个人，窗口由外部给出；MoveNet 对整幅图像只推理一次，检出其中所有的人。先用 Google 的预训练权重预测一幅图像，再按 AI Studio 上 MoveNet 文章的步骤进行：数据、训练目标、损失、训练、四个输出分支、解码、导出。
#
# 有 COCO 和 GPU 时，按完整训练配置训练 MoveNet Lightning；没有时，**用缩小通道数的小网络在几幅合成的多人图像上过拟合**：这只说明数据、目标、损失、训练和解码彼此吻合，不代表 COCO 上的精度。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `COCO` is the folder with `train2017/`, `val2017/` and
# `annotations/person_keypoints_{train,val}2017.json`; `""` creates synthetic groups. `MULTIPOSE`
# and `LIGHTNING` are Google's networks, 14 MB in all, which are downloaded once; without access to
# the network the message states where to put the files, or name checkpoints of yours.

# %% [markdown] tags=["zh"]
# `COCO` 为包含 `train2017/`、`val2017/` 和 `annotations/person_keypoints_{train,val}2017.json` 的目录；`""` 则生成合成的多人图像。`MULTIPOSE` 和 `LIGHTNING` 为 Google 的网络，共 14 MB，只下载一次；无法联网时，提示会说明文件应放在哪里，也可以填写自己的检查点。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
COCO = ""  # such as "data/coco"; "": synthetic groups, and a small network
PHOTO = "docs/people.jpg"  # several people; if it is missing, a synthetic group
MULTIPOSE = "movenet_multipose"
LIGHTNING = "movenet_lightning"
WORK = "output/notebook_05"
IMAGES = 4  # synthetic groups
EPOCHS = 240  # over them; the full recipe has 120 over COCO
HOURS = 7.5  # of one day's sitting of the full recipe

# %%
import numpy as np

import paddle_pose as pp
from paddle_pose.data.synthetic import dataset as synthetic
from paddle_pose.data.synthetic.body import Style

CONFIG = "movenet_lightning_coco"
SMALL = {
    "model.width": 0.25,
    "codec.input_size": (128, 128),
    "augment": None,
    "train.epochs": EPOCHS,
    "train.batch_size": IMAGES,
    "train.learning_rate": 0.006,
    "train.schedule": "cosine",
    "train.schedule.warmup": 10,
    "train.eval_every": max(1, EPOCHS // 4),
    "train.log_every": 1,
    "train.num_workers": 0,
}
data, changes = COCO, {}
if not COCO:
    data, changes = f"{WORK}/data", SMALL
    size, style = (384, 288), Style(overlap=0.3, noise=0.0)
    synthetic.write_coco(
        data, num_train=IMAGES, num_val=IMAGES, size=size, persons=(2, 3), style=style
    )

groups = pp.Dataset(CONFIG, data, overrides=changes)
photo = PHOTO if os.path.isfile(PHOTO) else groups.samples[0].image_path
print(f"{len(groups)} images for training; photo: {photo}")

# %% [markdown]
# ## 2. Google's weights on a photograph · Google 的预训练权重
#
# MultiPose finds up to six people in one pass. Lightning is trained for one person who fills most
# of the image, and returns one. The photograph:
# [7866247804 on Flickr](http://farm9.staticflickr.com/8292/7866247804_e0486b75b8_z.jpg),
# [CC BY 2.0](http://creativecommons.org/licenses/by/2.0/). As commands:
#
# ```bash
# python predict.py docs/people.jpg --fast
# python predict.py docs/people.jpg --weights movenet_lightning --detector none
# python predict.py docs/people.jpg --weights movenet_lightning
# ```
#
# In the last one a person detector finds the people, and Lightning is run for each (top-down).

# %% [markdown] tags=["zh"]
# MultiPose 一次推理检出至多六个人。Lightning 针对单人训练，要求人占图像的大部分，只返回一个人。图像来自 [Flickr 7866247804](http://farm9.staticflickr.com/8292/7866247804_e0486b75b8_z.jpg)，[CC BY 2.0](http://creativecommons.org/licenses/by/2.0/)。对应的命令见上：最后一条先用检测器检测人体，再对每个人运行 Lightning（自顶向下）。

# %%
multipose = pp.load_model(MULTIPOSE)
lightning = pp.load_model(LIGHTNING)
pp.ImageGrid(
    [multipose.predict(photo), lightning.predict(photo, detector=None)],
    captions=["MultiPose: everybody, in one pass", "Lightning: one person"],
    columns=2,
    width=660,
)

# %% [markdown]
# Some of Lightning's maps, bright where values are high; the number is the maximum. Its heatmaps
# show the noses and shoulders of all people: only the decoding chooses one of them.

# %% [markdown] tags=["zh"]
# Lightning 的部分输出特征图：越亮值越大，数字为最大值。关键点热图中有所有人的鼻和肩，只是解码时选取了其中一个人。

# %%
lightning.draw_maps(photo, ["centers", "nose", "left_shoulder", "right_elbow"], width=660)

# %% [markdown]
# ## 3. Data · 数据
#
# MoveNet is trained on **whole images with all people in them**, letterboxed to a square, directly
# from the COCO folder.

# %% [markdown] tags=["zh"]
# MoveNet 直接使用 COCO 文件夹中的**整幅图像，包括其中所有的人**，等比例缩放并补黑边为正方形。

# %%
pp.ImageGrid(groups[:4], columns=4, boxes=True, width=660)

# %% [markdown]
# The original MoveNet projects train on crops of single people instead (at most three annotations
# in an image, at least eight labelled joints). The cell makes them; this command trains on them:
#
# ```bash
# python train.py --config movenet_original_coco --dataset_root output/notebook_05/cropped
# ```

# %% [markdown] tags=["zh"]
# 原 MoveNet 项目则使用单人裁剪图像（每幅图至多三个标注，至少八个已标注的关键点）。单元格制作这些数据，用它训练的命令见上。

# %%
# !python -m paddle_pose prepare_coco --dataset_root {data} --output {WORK}/cropped

# %% [markdown]
# ## 4. Targets · 训练目标
#
# Four kinds of maps, at a quarter of the input's size:
#
# - **centers** (1): a Gaussian at the centre of each person's box; its radius depends on the
#   person's size;
# - **heatmaps** (17): a Gaussian at each joint, of whichever person;
# - **regressions** (34): at a centre, the distance to each joint of the person (x, y, in cells);
# - **offsets** (34): near a joint, its position within the cell, which the heatmap loses.
#
# Regressions and offsets count only in cells where a target is written. An ear that is not
# annotated may be in the image: there the ear's heatmap is excluded from the loss.

# %% [markdown] tags=["zh"]
# 四个输出分支，尺寸为输入的四分之一：
#
# - **centers**（中心热图，1 张）：每个人体框中心的高斯，高斯半径随人体尺度变化；
# - **heatmaps**（关键点热图，热力图，17 张）：每个关键点处的高斯，不论属于谁；
# - **regressions**（回归，34 张）：在中心处，到此人各关键点的距离（x、y，单位为格，即特征图的像素）；
# - **offsets**（偏移，34 张）：在关键点附近，关键点在格内的位置，即热图丢失的部分。
#
# 回归和偏移只在写有目标的格计入损失。没有标注的耳朵也许就在图像中：此处耳朵的热图不计入损失。

# %%
KINDS = ["centers", "left_wrist", "regressions", "offsets"]
groups.draw_targets(0, KINDS, width=660)

# %% [markdown]
# ## 5. Losses · 损失
#
# Centres and heatmaps: $\sum (8t + 1)(p - t)^2$ over a map. The factor gives a peak nine times the
# weight of the background: without it, a prediction of zeros would have a very low loss, since
# nearly the whole map is background. Regressions and offsets: $|\Delta x| + |\Delta y|$, in cells.
# The article adds the four terms 1 : 1 : 1 : 1. The losses of four predictions:

# %% [markdown] tags=["zh"]
# 中心热图和关键点热图：在整张图上求和 $\sum (8t + 1)(p - t)^2$，峰值的权重是背景的九倍：图中几乎全是背景，没有这个系数，全零输出的损失就已经很低。回归和偏移：$|\Delta x| + |\Delta y|$，单位为格。文章中四项按 1 : 1 : 1 : 1 相加。四种输出的损失：

# %%
targets = groups.targets(0)
predictions = {
    "equal to the target": targets,
    "one cell to the right": {name: np.roll(maps, 1, axis=-1) for name, maps in targets.items()},
    "zero": {name: np.zeros_like(maps) for name, maps in targets.items()},
    "0.1 everywhere": {name: np.full_like(maps, 0.1) for name, maps in targets.items()},
}
pp.Table({"prediction": name} | groups.losses(0, maps) for name, maps in predictions.items())

# %% [markdown]
# ## 6. Training · 训练
#
# The full recipe is one command, and takes longer than a day's quota: run it again every day, and
# it continues where it ended.
#
# ```bash
# python train.py --config movenet_lightning_coco --dataset_root data/coco --max_hours 7.5 --resume auto
# ```
#
# The cell below does the same: `resume="auto"` continues the run in `output`, or starts it;
# `max_hours` saves when the time is over. On synthetic groups `overrides` reduce the network, and
# it is evaluated on the images that it is trained on: a high AP means that the maps can be learned
# and decoded.

# %% [markdown] tags=["zh"]
# 完整训练是一条命令，所需时间超过一天的限额：每天重新运行，断点续训。
#
# 下面的单元格功能相同：`resume="auto"` 继续 `output` 中已开始的训练，没有则开始新的训练；`max_hours` 在时间用完时保存。使用合成图像时，`overrides` 缩小网络，并在训练图像上评估：AP 高说明这些输出可以学会、可以解码。

# %%
if not COCO:  # evaluate on the training images
    annotations = f"{data}/annotations/person_keypoints_train2017.json"
    changes = changes | {
        "data.train_annotations": annotations,
        "data.val_annotations": annotations,
        "data.images": f"{data}/train2017",
        "data.unlabelled_joints": "allow",  # in few images, nobody may have labelled a joint
    }
run = pp.train(
    CONFIG,
    data=COCO or None,
    output=f"{WORK}/run",
    overrides=changes,
    resume="auto",
    max_hours=HOURS,
)
pp.Table([{key: run.values[key] for key in ("AP", "AP50", "AP75", "AR", "epoch")}], digits=3)

# %% [markdown]
# Watch the four terms separately: centres and heatmaps fall quickly and decide which people are
# found; regressions decide to whom a joint belongs; offsets fall last, they add the last pixel of
# precision. The sum alone would hide a term that does not improve.

# %% [markdown] tags=["zh"]
# 请分别观察四项：中心热图和关键点热图下降快，决定检出哪些人；回归决定关键点属于谁；偏移最后下降，决定最后一个像素的精度。只看总和会掩盖没有改善的一项。

# %%
import matplotlib.pyplot as plt

steps = [record for record in run.history if record["kind"] == "train"]
evaluations = [record for record in run.history if record["kind"] == "eval"]
figure, axis = plt.subplots(figsize=(8, 3), dpi=80, layout="constrained")
for term in ("center", "heatmap", "regression", "offset"):
    axis.plot(
        [step["step"] for step in steps], [step[f"{term}_loss"] for step in steps], label=term
    )
axis.set(xlabel="step", ylabel="loss", yscale="log")
right = axis.twinx()
right.plot(
    [e["step"] for e in evaluations], [e["AP"] for e in evaluations], "ko--", label="AP (right)"
)
right.set(ylabel="AP", ylim=(0, 1))
figure.legend(loc="outside lower center", ncols=5, frameon=False)
plt.show()

# %% [markdown]
# ## 7. The trained network · 训练好的网络
#
# Its people and its maps on an image that it was trained on. Regressions are used only at centres,
# and offsets only at joints: elsewhere their values are arbitrary.

# %% [markdown] tags=["zh"]
# 训练好的网络在一幅训练图像上检出的人及其输出特征图。回归只在中心处使用，偏移只在关键点处使用：其他位置的数值是任意的。

# %%
model = pp.load_model(run.best)
image = groups.samples[0].image_path
model.draw_maps(image, KINDS, width=660)

# %% [markdown]
# ## 8. From maps to people · 由特征图解码出人
#
# 1. Peaks of the centres above a threshold, at most `max_persons`;
# 2. from each, the regressions lead to seventeen approximate positions (left);
# 3. near each of them, the most likely cell of that joint's heatmap is chosen, nearer ones first;
# 4. the offset of that cell is added (middle).
#
# Google's single-person decoding, `max_persons=1`, starts from the most central peak only (right).

# %% [markdown] tags=["zh"]
# 1. 取中心热图中高于阈值的峰值，至多 `max_persons` 个；
# 2. 由每个峰值处的回归得到十七个大致位置（左图）；
# 3. 在每个位置附近取该关键点热图中最可能的格，近者优先；
# 4. 加上该格的偏移（中图）。
#
# Google 的单人解码（`max_persons=1`）只从最靠近中心的峰值开始（右图）。

# %%
from dataclasses import replace

from paddle_pose.codecs import movenet_search
from paddle_pose.structures import Poses

codec, shown = groups.config.codec, groups[0]
maps = model.maps(shown.image[None])
cells, scores = movenet_search.peaks(
    maps["centers"][0, 0], codec.center_threshold, codec.max_persons
)
moves = maps["regressions"][0][:, cells[:, 1], cells[:, 0]].T.reshape(len(cells), -1, 2)
approximate = Poses((cells[:, None] + moves) * codec.stride, np.ones(moves.shape[:2]), scores)
(people,) = codec.decode(maps)
(one,) = replace(codec, max_persons=1).decode(maps)
pp.ImageGrid(
    [replace(shown, poses=poses) for poses in (approximate, people, one)],
    captions=["centres + regressions", "heatmaps + offsets", "max_persons=1"],
    columns=3,
    width=660,
)

# %% [markdown]
# ## 9. Fine-tuning and export · 微调与导出
#
# Google's weights are a start for a training on your own people: `init` loads them, with a small
# learning rate. Also TFLite files (INT8, FP16, FP32) are read without TensorFlow.
#
# ```bash
# python -m paddle_pose download google_movenet_lightning_int8 --cache output/published
# python train.py --config movenet_lightning_coco --dataset_root data/coco --init output/published/movenet_single_pose_lightning_ptq.tflite -o train.learning_rate=3e-5
# ```
#
# For phones, browsers and other programs: one ONNX file with the four kinds of maps, or with
# people if `decode=True`. It is compared with the network before it gets its final name. This
# needs `pip install -r requirements/export.txt`.

# %% [markdown] tags=["zh"]
# Google 的权重可以用自己的数据微调：`init` 加载权重，并使用较小的学习率。也可以读取 TFLite 文件（INT8、FP16、FP32），不需要 TensorFlow。
#
# 用于手机、浏览器和其他程序：导出一个 ONNX 文件，包含四个输出分支；`decode=True` 时直接输出人。文件先与网络的输出比较，一致之后才写为最终的文件名。需要先运行 `pip install -r requirements/export.txt`。

# %%
import importlib.util

if importlib.util.find_spec("paddle2onnx"):
    exported = pp.export_model(run.best, f"{WORK}/movenet.onnx")
    print(f"{exported.path}: {exported.difference}")

# %% [markdown]
# ## 10. Results · 结果
#
# AP in percent. Google's numbers are published by Google, on crops of single people that are not
# published; this run's number is for the images that the network was trained on if they are
# synthetic. **They cannot be compared.**

# %% [markdown] tags=["zh"]
# AP，单位 %。Google 的结果由 Google 发布，在未公开的单人裁剪图像上测得；使用合成图像时，本次结果是在训练图像上测得的。**两者不能比较。**

# %%
from paddle_pose.weights.zoo import PUBLISHED

rows = [
    {
        "network": name,
        "people": "crops of COCO",
        "AP": PUBLISHED[name].published[0][1],
        "by": "published: Google",
    }
    for name in ("movenet_lightning", "movenet_thunder")
]
people = "COCO val2017" if COCO else f"{IMAGES} training images"
rows.append({"network": CONFIG, "people": people, "AP": 100 * run.values["AP"], "by": "this run"})
pp.Table(rows, digits=1)

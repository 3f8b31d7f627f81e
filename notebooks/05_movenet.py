# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 05_movenet.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 05 · MoveNet: several people at once
#
# The steps of the AI Studio article on MoveNet: make the data, create the targets, observe the
# losses, train, predict and view the four kinds of maps, use Google's weights, predict several
# people, export. Hourglass and HRNet process one person at a time, in a given window; MoveNet
# processes the whole image once and finds all people in it.
#
# With COCO and a GPU, the notebook trains MoveNet Lightning with its full recipe. Without them **a
# small network of few channels is overfitted to a few synthetic groups**: this shows that data,
# targets, loss, training and decoding fit together, and nothing about COCO.
#
# # 05 · MoveNet：多人姿态估计
#
# 本 Notebook 按 AI Studio 上 MoveNet 文章的步骤进行：制作数据、生成训练目标、观察损失、训练、预测并查看四个输出分支、使用 Google 的权重、多人解码、导出。Hourglass 和 HRNet 每次处理一个人，窗口由外部给出；MoveNet 对整幅图像只推理一次，检出其中所有的人。
#
# 有 COCO 和 GPU 时，按完整训练配置训练 MoveNet Lightning；没有时，**用缩小通道数的小网络在几幅合成的多人图像上过拟合**：这只说明数据、目标、损失、训练和解码彼此吻合，不代表 COCO 上的精度。

# %% [markdown]
# ## 1. The machine
#
# ## 1. 运行环境

# %%
import importlib.util
import json
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

here = machine.probe()
print(here)

# %% [markdown]
# ## 2. Settings
#
# `COCO` contains `train2017/`, `val2017/` and `annotations/person_keypoints_{train,val}2017.json`.
# `TFLITE` is Google's weights file (optional).
#
# ## 2. 设置
#
# `COCO` 目录下应有 `train2017/`、`val2017/` 和 `annotations/person_keypoints_{train,val}2017.json`。`TFLITE` 为 Google 的权重文件（可选）。

# %% tags=["parameters"]
COCO = "/home/aistudio/data/coco"
TFLITE = ""  # file, seen from the project, such as movenet_lightning.tflite
WORK = "output/notebook_05"  # folder, seen from the project
IMAGES = 4  # synthetic groups to overfit without COCO or a GPU
EPOCHS = 240  # over these images; the full recipe has 120 over COCO
HOURS = 7.5  # of one sitting of the full recipe: a little less than the daily quota

# %%
from paddle_pose.configs import overrides, registry
from paddle_pose.data.synthetic import dataset as synthetic
from paddle_pose.data.synthetic.body import Style

CONFIG = "movenet_lightning_coco"
FULL = Path(COCO, "annotations").is_dir() and len(here.gpus) > 0
changes = {
    "model.width": 0.25,
    "codec.input_size": (128, 128),
    "augment": None,
    "train.epochs": EPOCHS,
    "train.batch_size": IMAGES,
    "train.learning_rate": 0.006,
    "train.schedule": "cosine",
    "train.schedule.warmup": 10,
    "train.eval_every": max(1, EPOCHS // 4),
    "train.num_workers": 0,
    "train.log_every": 1,
}
changes = {} if FULL else changes
config = overrides.override(registry.find(CONFIG), changes)

Path(WORK).mkdir(parents=True, exist_ok=True)
os.chdir(WORK)
ROOT = os.path.relpath(PROJECT)  # the project, seen from here
DATA = Path(COCO) if FULL else Path("data")
if not FULL:
    style = Style(overlap=0.3)
    synthetic.write_coco(
        DATA, num_train=IMAGES, num_val=2, size=(192, 144), persons=(2, 3), style=style
    )
print("Data:", "COCO" if FULL else "drawn groups, since COCO or a GPU is missing")

# %% [markdown]
# ## 3. The data
#
# The original MoveNet projects crop single people from COCO (at most three annotations in an
# image, at least eight labelled joints) to black squares of side width + height, and train on
# these. `paddle-pose prepare_coco` makes the same data set, and prints how many people it skips. A
# record contains the joints as fractions of the square (x, y, visible), the centre of the box, and
# the joints of other people in the square.
#
# ## 3. 数据
#
# 原 MoveNet 项目从 COCO 中裁出单人（每幅图至多三个标注，至少八个已标关键点），放入边长为宽加高的黑色正方形，以此训练。`paddle-pose prepare_coco` 制作同样的数据集，并打印跳过的人数。一条记录包括：关键点（以正方形边长归一化的 x、y 及可见性）、人体框的中心，以及正方形中其他人的关键点。

# %%
# !python -m paddle_pose prepare_coco --dataset_root {DATA} --output crops --splits val

# %%
import cv2
import numpy as np
from IPython.display import Image, Markdown, display

import paddle_pose as pp
from paddle_pose import build, visualize
from paddle_pose.data import dataset, movenet_crops
from paddle_pose.io import images
from paddle_pose.structures import Poses


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


record = json.loads(Path("crops/val2017.json").read_text())[0]
print(
    {
        key: value if len(value) < 5 else f"{len(value)} numbers or lists"
        for key, value in record.items()
    }
)


def square(annotated, side=168):
    """Returns a crop with its person, and faintly the joints of others."""
    pixels, _ = images.read(annotated.path)
    person, *regions = annotated.persons
    drawing = visualize.draw_poses(
        pixels, Poses(person.keypoints[None], person.visible[None], np.ones(1)), COCO17
    )
    for x, y, width, height in (region.box for region in regions):
        cv2.rectangle(
            drawing, (round(x), round(y)), (round(x + width), round(y + height)), visualize.TRUTH, 1
        )
    return cv2.resize(drawing, (side, side), interpolation=cv2.INTER_AREA)


COCO17 = config.codec.skeleton
show(
    visualize.grid(
        [square(crop) for crop in movenet_crops.read_movenet_crops("crops", "val")[:4]], columns=4
    )
)

# %% [markdown]
# The white squares are joints of other people. The file does not state which of them belong
# together, so they cannot be learned: the loss ignores these cells (the original project trained
# them as background). To train on the crops:
#
# 白色方块是其他人的关键点。文件没有说明哪些关键点属于同一个人，因此无法学习：损失忽略这些格（原项目把它们当作背景训练）。用单人裁剪数据训练的命令：

# %%
print("python train.py --config movenet_original_coco --dataset_root crops")

# %% [markdown]
# From here on, the network is used as it was designed: for **whole images with all people in
# them**, directly from the COCO folder, letterboxed to a square.
#
# 从这里起按网络的设计使用：直接使用 COCO 文件夹，**整幅图像，包括其中所有的人**，等比例缩放并补黑边为正方形。

# %%
samples = build.samples(config, DATA, "train")
groups = [sample for sample in samples[:200] if len(sample.persons) > 1] or samples
sample, codec = groups[0], config.codec
keypoints, visible = dataset.input_keypoints(sample, sample.window, codec)
crop = dataset.crop(sample, sample.window, codec)
everybody = Poses(keypoints, visible, np.ones(len(keypoints)))
show(
    cv2.resize(
        visualize.draw_poses(crop, everybody, codec.skeleton),
        (288, 288),
        interpolation=cv2.INTER_CUBIC,
    )
)

# %% [markdown]
# ## 4. The targets
#
# Four kinds of maps, at a quarter of the input's size:
#
# - **centers** (1): a Gaussian at the centre of each person's box; its radius depends on the
#   person's size;
# - **heatmaps** (17): a Gaussian at each joint, of whichever person; the maximum where several
#   overlap;
# - **regressions** (34): at a centre, the distance from there to each joint of the person (x, y,
#   in cells); trained within two cells of the centre;
# - **offsets** (34): near a joint, its distance from the corner of the cell: the position within
#   the cell that the heatmap loses.
#
# Each has weights for the loss (`*_weights`). An ear that is not annotated may be in the image:
# within the person's box the ear's heatmap is excluded from the loss, instead of being trained as
# empty. Regressions and offsets count only in cells where a target is written.
#
# ## 4. 训练目标
#
# 四个输出分支，尺寸为输入的四分之一：
#
# - **centers**（中心热图，1 张）：每个人体框中心的高斯，高斯半径随人体尺度变化；
# - **heatmaps**（关键点热图，17 张）：每个关键点处的高斯，不论属于谁；重叠处取最大值；
# - **regressions**（回归，34 张）：在中心处，到此人各关键点的距离（x、y，单位为格，即特征图的像素）；在中心两格范围内训练；
# - **offsets**（偏移，34 张）：在关键点附近，关键点到格角的距离，即热图（heatmap，热力图）丢失的格内位置。
#
# 每个分支都有损失权重（`*_weights`）。没有标注的耳朵也许就在图像中：在这个人的框内，耳朵的热图不计入损失，而不是当作不存在来训练。回归和偏移只在写有目标的格计入损失。

# %%
boxes = dataset.input_boxes(sample, sample.window, codec)
targets = codec.encode(keypoints, visible, boxes)
print({name: array.shape for name, array in targets.items()})


def lengths(moves):
    """Returns how far x, y moves [2K, h, w] lead on average, 1 = the longest."""
    mean = np.hypot(moves[0::2], moves[1::2]).mean(axis=0)
    return mean / max(mean.max(), 1e-6)


unseen = int(
    np.argmin(targets["heatmap_weights"].sum(axis=(1, 2)))
)  # the joint with the largest mask
tiles = {
    "centers": targets["centers"][0],
    "all heatmaps": targets["heatmaps"].max(axis=0),
    "regressions": lengths(targets["regressions"]),
    "offsets": lengths(targets["offsets"]),
    "center_weights": targets["center_weights"][0],
    f"weights {codec.skeleton.joints[unseen]}": targets["heatmap_weights"][unseen],
    "regression_weights": targets["regression_weights"].max(axis=0),
    "offset_weights": targets["offset_weights"].max(axis=0),
}
big = cv2.resize(crop, (168, 168), interpolation=cv2.INTER_AREA)
show(visualize.draw_maps(big, tiles))

# %% [markdown]
# ## 5. The losses
#
# Centres and heatmaps: $(8t + 1)(p - t)^2$, summed over a map, so that a peak has nine times the
# weight of the background: nearly the whole map is background, and without the factor a prediction
# of zeros would have a very low loss. Regressions and offsets: $|x| + |y|$, in cells. The article
# adds the four terms 1 : 1 : 1 : 1. The losses of maps that are correct, off by one cell, zero, or
# 0.1 everywhere (the initial output of the network):
#
# ## 5. 损失
#
# 中心热图和关键点热图：$(8t + 1)(p - t)^2$ 在整张图上求和，峰值的权重是背景的九倍：图中几乎全是背景，没有这个系数，全零输出的损失就已经很低。回归和偏移：$|x| + |y|$，单位为格。文章中四项按 1 : 1 : 1 : 1 相加。下表为正确、错一格、全零、处处 0.1（网络的初始输出）时的损失：

# %%
import paddle

loss = build.loss(config)
wanted = {name: paddle.to_tensor(array[None]) for name, array in targets.items()}
answers = {
    "right": {name: targets[name] for name in codec.outputs},
    "one cell to the right": {name: np.roll(targets[name], 1, axis=-1) for name in codec.outputs},
    "empty": {name: np.zeros_like(targets[name]) for name in codec.outputs},
    "0.1 everywhere": {name: np.full_like(targets[name], 0.1) for name in codec.outputs},
}
lines = ["| maps | center | heatmap | regression | offset |", "|---|---|---|---|---|"]
for name, maps in answers.items():
    terms = loss({key: paddle.to_tensor(array[None]) for key, array in maps.items()}, wanted)
    lines.append(
        f"| {name} | " + " | ".join(f"{term.item():.3f}" for term in terms.values()) + " |"
    )
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## 6. Training
#
# With COCO and a GPU, only the location of the data has to be given. Without them, `overrides`
# reduce the channels of the network and shorten the training, and it is evaluated on the images
# that it is trained on: a high AP means that the maps can be learned and decoded. The result shows
# the metrics of the best evaluation.
#
# The full recipe takes longer than a day's quota. `max_hours` saves after the step in which the
# time is over and raises `Interrupted`; `resume="auto"` continues the run that has begun, or
# starts it. Run this notebook again every day until the training is done.
#
# ## 6. 训练
#
# 有 COCO 和 GPU 时只需给出数据的位置。没有时，`overrides` 缩小网络的通道数、缩短训练，并在训练图像上评估：AP 高说明这些输出可以学会、可以解码。结果显示最好一次评估的指标。
#
# 完整训练超过一天的限额：`max_hours` 在时间用完的那一步之后保存并抛出 `Interrupted`；`resume="auto"` 继续已开始的训练，没有则开始新的训练。每天重新运行本 Notebook，直到训练完成。

# %%
FILE = str(DATA / "annotations/person_keypoints_train2017.json")
LEARNED = {
    "data.train_annotations": FILE,
    "data.val_annotations": FILE,
    "data.images": str(DATA / "train2017"),
}
print(f"The full recipe as a command: python train.py --config {CONFIG} --dataset_root {COCO}")
FULL_RECIPE = {"data": DATA, "resume": "auto", "max_hours": HOURS}
run = pp.train(CONFIG, **(FULL_RECIPE if FULL else {"overrides": changes | LEARNED}))
run

# %% [markdown]
# Watch the four terms separately: centres and heatmaps fall quickly and decide which people are
# found; regressions (in cells) decide to whom a joint belongs; offsets fall last, they add the
# last pixel of precision. The sum alone would hide a term that does not improve.
#
# 请分别观察四项：中心热图和关键点热图下降快，决定检出哪些人；回归（单位为格）决定关键点属于谁；偏移最后下降，决定最后一个像素的精度。只看总和会掩盖没有改善的一项。

# %%
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

steps = [record for record in run.history if record["kind"] == "train"]
figure = Figure(figsize=(7.5, 3.6), dpi=90, layout="constrained")
canvas, axis = FigureCanvasAgg(figure), figure.add_subplot()
for term in ("center", "heatmap", "regression", "offset"):
    axis.plot(
        [step["step"] for step in steps], [step[f"{term}_loss"] for step in steps], label=term
    )
axis.set(xlabel="step", ylabel="loss", yscale="log")
other = axis.twinx()
evals = [record for record in run.history if record["kind"] == "eval"]
other.plot(
    [record["step"] for record in evals],
    [record["AP"] for record in evals],
    "ko--",
    label="AP (right)",
)
other.set(ylabel="AP", ylim=(0, 1))
figure.legend(loc="outside lower center", ncols=5, frameon=False)
canvas.draw()
show(np.asarray(canvas.buffer_rgba())[..., :3].copy())

# %% [markdown]
# ## 7. Prediction, and the four kinds of maps
#
# `predict` returns the people in an image, and a result is displayed automatically. `maps` returns
# the predicted maps, which the original project shows in the same way (`predict.py --maps` on the
# command line). Compare them with the targets above. Regressions are used only at centres and
# offsets only at joints: elsewhere their values are arbitrary.
#
# ## 7. 预测与四个输出分支
#
# `predict` 返回图像中的人，结果会自动显示；`maps` 返回网络预测的各张特征图，与原项目所展示的相同（命令行为 `predict.py --maps`）。请与上面的训练目标对比。回归只在中心处使用，偏移只在关键点处使用：其他位置的数值是任意的。

# %%
PHOTO = sample.image_path
model = pp.load_model(run.best)
model.predict(PHOTO)

# %%
maps = model.maps(crop[None])
small = cv2.resize(crop, (104, 104), interpolation=cv2.INTER_AREA)
show(visualize.draw_maps(small, codec.visualize({name: array[0] for name, array in maps.items()})))

# %% [markdown]
# ## 8. Several people
#
# How maps are decoded to people, step by step: (1) peaks of the centres above a threshold, at most
# `max_persons`; (2) from each, its regressions lead to seventeen approximate positions; (3) near
# each of them, the most likely cell of that joint's heatmap is chosen, with preference for near
# ones; (4) the offset of that cell is added. From left to right: centres and approximate
# positions, the result, and Google's single-person decoding (`max_persons=1`), which returns only
# the most central person.
#
# ## 8. 多人
#
# 由特征图解码出人的步骤：（1）取中心热图中高于阈值的峰值，至多 `max_persons` 个；（2）由每个峰值处的回归得到十七个大致位置；（3）在每个位置附近取该关键点热图中最可能的格，近者优先；（4）加上该格的偏移。从左到右：中心与大致位置、最终结果、Google 的单人解码（`max_persons=1`，只返回最靠近中心的人）。

# %%
from dataclasses import replace

from paddle_pose.codecs import movenet_search

several = replace(codec, max_persons=6)


def rough(side=224):
    """Returns the image with the centres and where their regressions lead."""
    cells, _ = movenet_search.peaks(
        maps["centers"][0, 0], several.center_threshold, several.max_persons
    )
    drawing = cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC) // 2
    for x, y in cells:
        for move in maps["regressions"][0, :, y, x].reshape(-1, 2):
            ends = np.array([(x, y), np.add((x, y), move)]) * side / maps["centers"].shape[-1]
            cv2.line(drawing, *ends.round().astype(int).tolist(), visualize.MIDDLE, 1, cv2.LINE_AA)
    return drawing


def found(codec, side=224):
    """Returns the image with the people that a codec finds."""
    (poses,) = codec.decode(maps)
    larger = poses.moved(np.array([[side / crop.shape[1], 0, 0], [0, side / crop.shape[0], 0]]))
    return visualize.draw_poses(
        cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC), larger, codec.skeleton, 0.1
    )


show(visualize.grid([rough(), found(several), found(replace(codec, max_persons=1))], columns=3))

# %% [markdown]
# ## 9. Google's weights
#
# `load_model` reads Google's TFLite files (INT8, FP16, FP32) without TensorFlow, and recognizes
# published ones by their checksum. `paddle-pose convert` writes them as a checkpoint of this
# project, which can be fine-tuned (`--init`). Google's single-person models expect one person who
# fills most of the image.
#
# ## 9. Google 的权重
#
# `load_model` 不依赖 TensorFlow 即可读取 Google 的 TFLite 文件（INT8、FP16、FP32），并按校验和识别已发布的文件。`paddle-pose convert` 将其写成本项目的检查点，可用于微调（`--init`）。Google 的单人模型要求一个人占图像的大部分。

# %%
SOURCE = os.path.join(ROOT, TFLITE or "movenet_lightning.tflite")
print(f"python -m paddle_pose convert {SOURCE} google/lightning.pdparams --config {CONFIG}")
if TFLITE:
    google = pp.load_model(SOURCE, config=CONFIG, overrides={"codec.max_persons": 1})
    display(google.predict(PHOTO, detector=None))
else:
    print("With Google's file (TFLITE above) this cell would show what it predicts.")

# %% [markdown]
# ## 10. Export
#
# For phones, browsers and other programs: one file with the four kinds of maps, which any ONNX
# runtime can run. Decoding is the same NumPy code, or part of the file with `decode=True`. The
# file is compared with the network before it gets its final name; `load_model` accepts it like a
# checkpoint.
#
# ## 10. 导出
#
# 用于手机、浏览器和其他程序：一个包含四个输出分支的文件，任何 ONNX 运行时都能运行。解码仍用同样的 NumPy 代码，或用 `decode=True` 并入文件。导出的文件先与网络的输出比较，一致之后才写为最终的文件名；`load_model` 可以像检查点一样使用它。

# %%
if importlib.util.find_spec("paddle2onnx"):
    exported = pp.export_model(run.best, "exported/movenet.onnx")
    print(f"{exported.path}, with {exported.metadata_path.name}: {exported.difference}")
else:
    print(
        "After `pip install -r requirements/export.txt` this cell would write exported/movenet.onnx."
    )

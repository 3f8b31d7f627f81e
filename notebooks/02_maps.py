# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 02_maps.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 02 · Encoding and decoding heatmaps
#
# A pose network predicts maps, not coordinates. A *codec* encodes joints as target maps for
# training, and decodes predicted maps to coordinates. Here ideal maps are decoded: every error is
# the codec's own, which no training can remove. PCKh's Mean@0.1 and AP at high thresholds depend
# on it. All of it is NumPy and takes seconds.

# %% [markdown] tags=["zh"]
# # 02 · 热图的编码与解码
#
# 姿态网络输出的不是坐标，而是输出特征图，例如热图（heatmap，热力图）。**编解码器**（codec）把关键点编码成训练用的目标热图，再把网络输出的热图解码成坐标。这里对理想热图解码：所得的误差就是编解码器自身的误差（量化误差），任何训练都无法消除。PCKh 的 Mean@0.1 和高阈值下的 AP 取决于它。全部由 NumPy 完成，只需几秒。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `DATA` is a folder in MPII's layout, which notebook 01 makes. Without it, synthetic people are
# created: for ideal maps the source of the joints does not matter.

# %% [markdown] tags=["zh"]
# `DATA` 是 MPII 目录结构的文件夹，由 Notebook 01 生成；没有时生成合成人物：对理想热图来说，关键点的来源并不重要。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder
DATA = "output/notebook_01/data"
WORK = "output/notebook_02"  # folder for synthetic people
POINTS = 3200  # joints to encode and decode

# %%
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import paddle_pose as pp
from paddle_pose.configs import registry
from paddle_pose.data.synthetic.body import Style
from paddle_pose.data.synthetic.dataset import write_coco, write_mpii

if not os.path.isfile(f"{DATA}/annotations/mpii_val.json"):
    DATA = f"{WORK}/mpii"
    write_mpii(Path(DATA), num_train=4, num_val=4)

# %% [markdown]
# ## 2. One joint · 一个关键点
#
# One row of a heatmap, with a joint at 5.3 cells. The published target rounds the joint to cell 5
# and draws the Gaussian there; the exact target keeps the centre at 5.3. Decoding the highest cell
# gives 5 in both; moving a quarter of a cell towards the higher neighbour gives 5.25 from the exact
# target; fitting a Gaussian through the highest cells gives 5.3.

# %% [markdown] tags=["zh"]
# 热图的一行，关键点位于 5.3 格。论文中的目标把关键点坐标量化到第 5 格，再画高斯；精确的目标则以 5.3 为中心。取最高的格（argmax）时两者都得到 5；由精确的目标向次高的相邻格偏移 1/4 格得到 5.25；用高斯拟合最高处的几格得到 5.3。

# %%
cells = np.arange(11)
figure, axes = plt.subplots(1, 2, figsize=(8, 2.6), sharey=True, layout="constrained")
for axis, center, title in zip(axes, (5.0, 5.3), ("rounded (published)", "exact (DARK)")):
    axis.bar(cells, np.exp(-((cells - center) ** 2) / (2 * 2.0**2)), color="#56b4e9", width=0.9)
    axis.axvline(5.3, color="#d55e00", label="joint, 5.3")
    axis.set(title=title, xlabel="cell", xticks=cells)
axes[0].legend(frameon=False)
plt.show()

# %% [markdown]
# ## 3. Encoding: heatmaps · 编码：生成热图
#
# `HeatmapCodec` (Hourglass, HRNet, SimpleBaseline) creates one map per joint, with peak 1. A cell
# corresponds to 4 x 4 px of the input (`stride`), so 256 px become 64 cells.

# %% [markdown] tags=["zh"]
# `HeatmapCodec`（Hourglass、HRNet、SimpleBaseline）为每个关键点生成一张峰值为 1 的热图。热图的一个像素（以下称为格）对应输入的 4 x 4 像素（`stride`），所以 256 像素变成 64 格。

# %%
people = pp.Dataset("hourglass52_mpii_256", DATA, split="val")
print({name: array.shape for name, array in people.targets(0).items()})

people.draw_targets(0, ["head_top", "left_elbow", "right_wrist", "left_knee"])

# %% [markdown]
# ## 4. Decoding: four methods · 解码：四种峰值解码方法
#
# - **argmax**: the highest cell.
# - **quarter** (Newell; HRNet's default): a quarter of a cell from it towards the higher neighbour.
# - **DARK** fits: the logarithm of a Gaussian is a paraboloid, so one Newton step
#   $-H^{-1} \nabla$ leads to its maximum. Its targets are exact (`unbiased`).
# - **UDP** changes the definition of a cell: the corner cells lie on the corner pixels, so that 64
#   cells span 255 px instead of 256. Its targets are exact, and decoding uses a Newton step.

# %% [markdown] tags=["zh"]
# - **argmax**：最高的格。
# - **quarter**（Newell；HRNet 的默认方法）：从最高的格向次高的相邻格偏移 1/4 格。
# - **DARK** 做拟合：高斯的对数是抛物面，一步牛顿法 $-H^{-1} \nabla$ 即到顶点；其目标热图是精确的（`unbiased`）。
# - **UDP** 改变格的**定义**：角上的格位于角上的像素，64 格跨越 255 而不是 256 像素；目标热图是精确的，解码也用一步牛顿法。

# %%
CODECS = {
    "rounded (published)": registry.find("hrnet_w32_mpii_256").codec,
    "exact (DARK)": registry.find("hrnet_w32_mpii_256_dark").codec,
    "UDP": registry.find("hrnet_w32_mpii_256_udp").codec,
}
METHODS = {"argmax": "argmax", "quarter": "quarter", "Newton step": "dark"}


def encode(codec, points):
    """Returns heatmaps [N, 1, 16, h, w] of points [N, 16, 2] in input px."""
    maps = [codec.encode(person[None], np.ones((1, 16)))["heatmaps"] for person in points]
    return np.array(maps)[:, None]


def decode(codec, maps, method):
    """Returns the points [N, 16, 2] of heatmaps."""
    found = replace(codec, decode_by=METHODS[method]).decode({"heatmaps": maps})
    return np.concatenate([poses.keypoints for poses in found])


# %% [markdown]
# The table shows the mean distance between the encoded and the decoded position, in px of the 256
# px input. Compare within a column: with rounded targets no decoding method helps, because the
# error is in the map: up to half a cell in each direction, 0.38 cells or 1.5 px on average.

# %% [markdown] tags=["zh"]
# 表中是编码前与解码后位置之间的平均距离，单位为 256 像素输入中的像素，请按列比较。对量化的目标热图，任何解码方法都无济于事，误差已在热图中：每个方向最多半格，平均 0.38 格，即 1.5 像素。

# %%
points = np.random.default_rng(0).uniform(40, 215, (POINTS // 16, 16, 2))  # away from the border
rows = []
for name, codec in CODECS.items():
    maps = encode(codec, points)
    off = {m: np.linalg.norm(decode(codec, maps, m) - points, axis=-1).mean() for m in METHODS}
    rows.append({"targets": name} | off)
pp.Table(rows, digits=3)

# %% [markdown]
# Why the position within a cell matters: `argmax` has no error at a cell's centre and half a cell
# at its edge; `quarter` is off by a quarter of a cell at the centre, but never by more; the Newton
# step is exact everywhere. (Exact targets; the mean error in x is 1/4 cell for argmax, 1/8 for
# quarter.)

# %% [markdown] tags=["zh"]
# 关键点在格内的位置为何重要：`argmax` 在格中心没有误差，在边缘差半格；`quarter` 在中心差 1/4 格，但不会更多；牛顿法处处精确。（精确的目标热图；x 方向的平均误差，`argmax` 为 1/4 格，`quarter` 为 1/8 格。）

# %%
exact = CODECS["exact (DARK)"]
inside = np.linspace(-0.5, 0.5, 16)  # position between the centres of two cells
line = np.stack([4 * (20 + inside), np.full(16, 80.0)], axis=1)[None]

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
for method in METHODS:
    error = np.abs(decode(exact, encode(exact, line), method) - line)[0, :, 0] / 4
    axis.plot(inside, error, "o-", markersize=3, label=method)
axis.set(xlabel="position of the joint within its cell", ylabel="error in x, cells")
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## 5. The output of a trained network · 训练好的网络的输出
#
# If rounded targets lose the position within the cell, why do quarter and DARK improve networks
# that were trained on them? A network does not know the exact position. Trained with the squared
# error, it predicts the *mean* of the targets of all images that look alike to it, and the mean of
# Gaussians rounded to different cells is shifted towards the true position.

# %% [markdown] tags=["zh"]
# 既然量化的目标热图丢失了格内位置，为什么 quarter 和 DARK 仍能提高用它训练的网络的精度？因为网络并不确切知道关键点的位置。以平方误差训练时，它输出的是所有看起来相似的图像的目标热图的**平均**；量化到不同格的高斯平均之后，会偏向真实位置。

# %% [markdown]
# Below, the position has an uncertainty of 0.7 cells (normal distribution, mean of 64 samples):
# now the published targets work well with quarter, and better with DARK's decoding. This simulates
# the argument, it does not measure a network; `paddle-pose compare` measures yours, see the end.

# %% [markdown] tags=["zh"]
# 下表假设关键点位置有 0.7 格的不确定性（正态分布，64 次平均）：此时论文的目标热图配合 quarter 效果良好，DARK 的解码更好。这是对上述论点的模拟，不是对网络的测量；测量自己的网络请用文末的 `paddle-pose compare`。

# %%
some = points[: max(1, len(points) // 20)]
rng, rows = np.random.default_rng(1), []
for name, codec in CODECS.items():
    noise = rng.normal(0, 0.7 * codec.stride, (64, *some.shape))
    maps = np.mean([encode(codec, some + moved) for moved in noise], axis=0)
    off = {m: np.linalg.norm(decode(codec, maps, m) - some, axis=-1).mean() for m in METHODS}
    rows.append({"targets": name} | off)
pp.Table(rows, digits=3)

# %% [markdown]
# ## 6. Input size: 256 or 384 · 输入尺寸：256 还是 384
#
# With 384 px the same window has 96 x 96 cells, each with two thirds of the side length. The table
# is in px of a photograph whose window is 320 px wide, for exact targets. The decoding method
# matters more than the input size: quarter at 192 is better than argmax at 256, and with ideal
# maps the Newton step has almost no error at any size.

# %% [markdown] tags=["zh"]
# 输入 384 像素时，同一窗口有 96 x 96 格，一格的边长是 256 时的三分之二。表中单位是照片的像素（窗口宽 320 像素），目标热图是精确的。解码方法比输入尺寸更重要：192 时的 quarter 好于 256 时的 argmax；对理想热图，牛顿法在任何尺寸都几乎没有误差。

# %%
rows = []
for size in (128, 192, 256, 384):
    codec = replace(exact, input_size=(size, size))
    scaled = some * size / 256
    maps = encode(codec, scaled)
    off = {m: np.linalg.norm(decode(codec, maps, m) - scaled, axis=-1).mean() for m in METHODS}
    rows.append({"input": size, "cells": size // 4} | {m: px * 320 / size for m, px in off.items()})
pp.Table(rows, digits=3)

# %% [markdown]
# ## 7. The flip test and its shift · 翻转测试及其平移
#
# The flip test averages the maps with those of the mirrored image, mirrored back. Pixel $x$ becomes
# $W - 1 - x$, cell $c$ becomes $w - 1 - c$, and a cell is four pixels wide: the maps of the mirrored
# image are 3 px too far left. The published method shifts them by one cell, 4 px, so that 1 px
# remains, and half of it in the mean of both. With UDP no error remains.

# %% [markdown] tags=["zh"]
# 翻转测试（flip test）把原图的热图与镜像图的热图（再翻转回来）取平均。像素 $x$ 变为 $W - 1 - x$，格 $c$ 变为 $w - 1 - c$，而一格宽四个像素：翻转回来的热图偏左 3 像素。论文的做法是把它平移 1 格（shift），即 4 像素，还剩 1 像素的误差，两者平均后剩一半。UDP 没有误差。

# %%
flip = list(exact.skeleton.flip)
mirrored = points[:, flip] * (-1, 1) + (255, 0)
rows = []
for name, shift in (("exact (DARK)", False), ("exact (DARK)", True), ("UDP", False)):
    codec = CODECS[name]
    back = codec.mirror({"heatmaps": encode(codec, mirrored)}, shift)["heatmaps"]
    found = decode(codec, (encode(codec, points) + back) / 2, "Newton step")
    rows.append(
        {"codec": name, "shift": shift, "mean error in x, px": (found - points)[..., 0].mean()}
    )
pp.Table(rows, digits=3)

# %% [markdown]
# ## 8. Sigma · 高斯的标准差
#
# A wide Gaussian is flat near its peak, so that noise moves the highest cell: `argmax` and
# `quarter` become worse with increasing sigma. The Newton step smooths first, with a kernel of the
# Gaussian's width, and is hardly affected. Why then are the published values 2 for 64 cells and 3
# for 96? Because the map has to be learned: a narrow Gaussian covers a few cells among thousands of
# zeros, predicting zeros everywhere has nearly no loss, and the training stops improving there.

# %% [markdown] tags=["zh"]
# 宽的高斯顶部平坦，噪声会移动最高的格：sigma 越大，`argmax` 和 `quarter` 越差。牛顿法先用与高斯同宽的核平滑，几乎不受影响。那么论文为何 64 格取 2、96 格取 3？因为热图需要能被学会：太窄的高斯只是几千个零当中的几格，处处输出零的损失几乎为零，训练便停滞在那里。

# %%
figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
sigmas = (0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
for method in ("quarter", "Newton step"):
    errors = []
    for sigma in sigmas:
        codec = replace(exact, sigma=sigma)
        maps = encode(codec, some)
        maps = maps + np.random.default_rng(2).normal(0, 0.05, maps.shape)
        errors.append(np.linalg.norm(decode(codec, maps, method) - some, axis=-1).mean())
    axis.plot(sigmas, errors, "o-", markersize=3, label=f"{method}, noise 5 % of the peak")
axis.set(xlabel="sigma, cells", ylabel="mean error, px", ylim=(0, None))
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## 9. MoveNet's four kinds of maps · MoveNet 的四个输出分支
#
# `MoveNetCodec` stores the position within the cell in maps of its own, the *offsets*, so rounding
# loses nothing. It also supports several people: *centers* state where people are, *regressions*
# point from a centre to the cell of each joint, *heatmaps* state where joints are, of whichever
# person. Leave out one kind of map to see its purpose.

# %% [markdown] tags=["zh"]
# `MoveNetCodec` 把格内位置存在专门的特征图**偏移**（offsets）中，所以量化不丢失信息。它还支持多人：**中心热图**（centers）表示哪里有人，**回归**（regressions）从中心指向每个关键点所在的格，**关键点热图**（heatmaps）表示哪里有关键点，不论属于谁。去掉其中一种，就能看出它的作用。

# %%
write_coco(
    Path(WORK, "coco"),
    num_train=1,
    num_val=8,
    size=(256, 192),
    persons=(2, 3),
    style=Style(overlap=0.5),
)
groups = pp.Dataset(
    "movenet_lightning_coco", f"{WORK}/coco", split="val", overrides={"codec.max_persons": 6}
)
groups.draw_targets(0, ["centers", "left_wrist", "regressions", "offsets"])

# %%
codec, rows = groups.config.codec, []
for missing in ("nothing", "offsets", "regressions"):
    off = []
    for n, group in enumerate(groups):
        maps = {name: groups.targets(n)[name][None] for name in codec.outputs}
        if missing in maps:
            maps[missing] = np.zeros_like(maps[missing])
        (poses,) = codec.decode(maps)
        distance = np.linalg.norm(poses.keypoints[:, None] - group.keypoints, axis=-1)
        nearest = np.nanmean(np.where(group.scores > 0, distance, np.nan), axis=-1).argmin(axis=0)
        of_person = distance[nearest, np.arange(len(group))]
        off.append(of_person[group.scores > 0])
    off = np.concatenate(off)
    rows.append(
        {
            "without": missing,
            "mean error, px": off.mean(),
            "more than 8 px off, %": 100 * (off > 8).mean(),
        }
    )
pp.Table(rows, digits=3)

# %% [markdown]
# ## 10. What recipes use · 各训练配置的选择
#
# Which decoding is best for your network is decided on the validation set, without training: one
# pass evaluates every method, with and without the flip test and its shift. State the method when
# you report a result.
#
# ```bash
# python -m paddle_pose compare --pretrained_model output/256_best_model/model.pdparams --dataset_root data/mpii
# ```

# %% [markdown] tags=["zh"]
# 哪种解码方法最适合自己的网络，由验证集决定，不需要重新训练：用上面的命令，一次推理即可评估所有解码方法，含翻转测试及其平移。报告结果时请注明解码方法。

# %%
rows = []
for name in (
    "hourglass52_mpii_256",
    "hrnet_w32_mpii_256",
    "hrnet_w32_mpii_256_dark",
    "hrnet_w32_mpii_256_udp",
):
    config = registry.find(name)
    codec = config.codec
    rows.append(
        {
            "config": name,
            "targets": "exact" if codec.unbiased or codec.alignment == "udp" else "rounded",
            "cells": codec.alignment,
            "decoding": codec.decode_by,
            "shift": config.val.shift,
        }
    )
pp.Table(rows)

# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 04_evaluation.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 04 · Evaluation and the result tables
#
# "Mean@0.1 37" in two papers need not be the same metric. This notebook computes PCKh by hand,
# shows what changes the value without a better network (thresholds, weighting, flip test,
# decoding, boxes, one pixel) and how much of a difference is chance, and compares results with
# published ones: in total, per joint, and per epoch. It ends with the report, which shows the
# kinds of errors.
#
# # 04 · 评估与结果表
#
# 两篇论文都写着“Mean@0.1 37”，含义却可能不同。本 Notebook 手算 PCKh，说明在网络不变的情况下哪些因素会改变指标（阈值、加权、翻转测试、解码、人体框、一个像素），差异中有多少是偶然，并把结果与已发表的结果比较：总体、逐关键点（MPII 称为关节）、逐 epoch。最后是评估报告，它说明有哪些类型的错误。

# %% [markdown]
# ## 1. The machine
#
# ## 1. 运行环境

# %%
import json
import os
import re
import shutil
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
# `RUN` is a training with its data set, which notebook 03 creates. If it is missing, a small
# network is trained here on synthetic people: for half a minute, or for its full five epochs if
# there is a GPU. `PREDICTIONS` is a published prediction file for the 2,958 people of MPII's
# validation set, such as `hg_s2_b1.mat` of pytorch-pose; with MPII's annotations in `MPII` (no
# images needed), sections 5 to 7 use it instead of the network's predictions.
#
# ## 2. 设置
#
# `RUN` 是一次训练及其数据集，由 Notebook 03 生成；没有时，在合成人物上训练一个小网络：半分钟，有 GPU 时训练完整的五个 epoch。`PREDICTIONS` 是已发表的、对 MPII 验证集 2,958 人的预测文件，例如 pytorch-pose 的 `hg_s2_b1.mat`；`MPII` 中有 MPII 的标注时（不需要图像），第 5 至 7 节分析该文件，而不是网络的预测。

# %% tags=["parameters"]
RUN = "output/notebook_03/output/hourglass52_mpii_256"  # folder of a run of train.py, seen from the project
DATA = "output/notebook_03/data"  # its data set
PREDICTIONS = ""  # a file with `preds`, .mat or .h5
MPII = "data/mpii"  # folder with annotations/mpii_gt_val.mat, for PREDICTIONS
WORK = "output/notebook_04"  # folder
PEOPLE = (160, 48)  # drawn for training and validation where there is no run
EPOCHS = 8  # of the small network

# %%
from paddle_pose.data.synthetic import dataset as synthetic

TRAINED = Path(RUN, "best_model/model.pdparams").is_file() and Path(DATA, "annotations").is_dir()
run = Path(RUN if TRAINED else "run")
root = Path(DATA if TRAINED else "data")
if TRAINED:
    run, root = run.resolve(), root.resolve()
theirs = (Path(PREDICTIONS).resolve(), Path(MPII).resolve()) if PREDICTIONS else None

Path(WORK).mkdir(parents=True, exist_ok=True)
os.chdir(WORK)
ROOT = os.path.relpath(PROJECT)  # the project, seen from here
if TRAINED:
    run, root = (Path(os.path.relpath(path)) for path in (run, root))
else:
    shutil.rmtree(run, ignore_errors=True)
    synthetic.write_mpii(root, num_train=PEOPLE[0], num_val=PEOPLE[1])
drawn = (root / "synthetic.json").is_file()
WEIGHTS = run / "best_model/model.pdparams"
print("Run:", run if TRAINED else "a small network, trained in the next cell")
print("People:", f"drawn, {root}" if drawn else root)

# %%
from IPython.display import Image, Markdown, display

import paddle_pose as pp

if TRAINED:
    print("Trained already. Such runs come from: python train.py --dataset_root D --image_size 256")
else:
    short = {} if here.gpus else {"train.epochs": EPOCHS, "train.schedule.warmup": 10}
    display(pp.train("hourglass_tiny_128", data=root, output=run, overrides=short))

# %% [markdown]
# ## 3. The command
#
# `val.py` writes the predictions, the metrics with their 95 % intervals, the protocol and its own
# command line into one folder. `--no-shift` is the original Paddle project's protocol, `--no-flip`
# turns the flip test off.
#
# ## 3. 命令
#
# `val.py` 把预测、指标及其 95 % 置信区间、评估协议和命令本身写入同一个文件夹。`--no-shift` 是原 Paddle 项目的评估协议，`--no-flip` 关闭翻转测试（flip test）。

# %%
# !python {ROOT}/val.py --pretrained_model {WEIGHTS} --dataset_root {root} --output val

# %% [markdown]
# ## 4. One person, by hand
#
# MPII annotates a box around every head. Its diagonal times 0.6 is the *head size*, by which PCKh
# ("h") normalizes distances. A joint counts as correct if its distance to the annotation is at
# most half the head size; for @0.1 at most a tenth. In the image: circles with these two radii
# around the annotated joints, and a line from each to the prediction, orange if it is not correct;
# the bar is one head size long.
#
# ## 4. 手算一个人
#
# MPII 为每个头部标了框，其对角线乘 0.6 就是**头部尺寸**，PCKh（"h"）以它归一化距离。预测与标注的距离不超过头部尺寸的一半，关键点就视为预测正确；@0.1 则是十分之一。图中：以标注为圆心、以这两个距离为半径的圆，连线指向预测，不正确的为橙色；下方的横条长度为一个头部尺寸。

# %%
import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from paddle_pose import build, geometry, visualize
from paddle_pose.configs import registry
from paddle_pose.data.mpii import read_ground_truth
from paddle_pose.io import images
from paddle_pose.io.mpii_predictions import read_predictions


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


def plot(width=7.5, height=3.2, columns=1):
    """Returns a canvas and its axes."""
    figure = Figure(figsize=(width, height), dpi=85, layout="constrained")
    return FigureCanvasAgg(figure), figure.subplots(1, columns)


def drawing(canvas):
    """Returns a canvas as uint8 RGB."""
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def table(head, rows):
    """Shows rows; numbers with two digits after the point."""
    lines = [head, ["---"] * len(head)]
    lines += [
        [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows
    ]
    display(Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines)))


def scored(predictions, root):
    """Returns predicted points [N, 16, 2] px and the truth."""
    truth = read_ground_truth(root / "annotations/mpii_gt_val.mat")
    return read_predictions(
        predictions, len(truth.head_sizes)
    ) - 1.0, truth  # the file counts pixels from 1


config = registry.read_beside(WEIGHTS)
joints = config.codec.skeleton.joints
points, truth = scored(Path("val/pred.mat"), root)
errors = np.linalg.norm(points - truth.keypoints, axis=2) / truth.head_sizes[:, None]
found = ((errors <= 0.5) & truth.labelled).sum(axis=1) / truth.labelled.sum(axis=1)
n = int(np.argmin(np.abs(found - 0.75)))  # not the best one, not the worst
person = next(s for s in build.samples(config, root, "val") if s.persons[0].annotation_id == n)

# %%
SIDE = 420  # px of the image


def ruled(sample, predicted, side=SIDE):
    """Returns what a person's window shows, with the circles in which joints are found."""
    to_tile = geometry.box_window(sample.persons[0].box, (side, side), 1.25).to_input((side, side))
    pixels, image_to_pixels = images.read(sample.image_path)
    tile = geometry.warp(
        pixels, geometry.compose(to_tile, geometry.invert(image_to_pixels)), (side, side)
    )
    tile, head = tile - tile // 4, sample.persons[0].head_size * np.hypot(*to_tile[:, 0])
    for k in np.flatnonzero(sample.persons[0].visible > 0):
        circle(tile, *geometry.move([sample.persons[0].keypoints[k], predicted[k]], to_tile), head)
    cv2.line(tile, (12, side - 12), (12 + round(head), side - 12), visualize.TRUTH, 3)
    return tile


def circle(tile, center, end, head):
    """Draws one joint's two circles and the line to its prediction."""
    color = visualize.LEFT if np.hypot(*(end - center)) <= head / 2 else visualize.RIGHT
    center, end = (tuple(point.round().astype(int).tolist()) for point in (center, end))
    for share, shade in ((0.5, color), (0.1, visualize.TRUTH)):
        cv2.circle(tile, center, max(1, round(share * head)), shade, 1, cv2.LINE_AA)
    cv2.line(tile, center, end, color, 2, cv2.LINE_AA)


show(ruled(person, points[n]))
head = truth.head_sizes[n]
display(Markdown(f"Person {n}: head size {head:.1f} px"))
table(
    ["joint", "off, px", "off, head sizes", "@0.5", "@0.1"],
    [
        (
            joints[k],
            head * errors[n, k],
            errors[n, k],
            *("found" if errors[n, k] <= at else "-" for at in (0.5, 0.1)),
        )
        for k in np.flatnonzero(truth.labelled[n])
    ],
)

# %% [markdown]
# ## 5. All people, by hand
#
# The PCKh of a joint is the fraction of people with a correct prediction, among those for whom the
# joint is labelled; occluded joints count. *Head* is the top of the head only; the other groups
# are the plain mean of left and right. Pelvis and thorax are excluded: their positions follow from
# the joints beside them, and would only raise the result. There are two means:
#
# - **Mean** (HRNet, mmpose, this project): correct joints divided by labelled joints; joints that
#   are labelled more often have more weight.
# - **Plain mean** (pytorch-pose): the mean of the fourteen percentages. Ankles and knees, which
#   are often outside the image, have the same weight as heads, so it is lower.
#
# ## 5. 手算所有人
#
# 一个关键点的 PCKh，是标注了它的人中预测正确的比例；被遮挡的关键点也计入。*Head* 只指头顶；其他各组是左右两侧的简单平均。骨盆和胸部不计入：它们的位置由相邻关键点即可推出，只会抬高结果。均值有两种：
#
# - **Mean**（HRNet、mmpose、本项目）：预测正确的关键点数除以标注的关键点数，标注多的关键点权重大。
# - **Plain mean**（pytorch-pose）：十四个百分比的简单平均。常在图像之外的踝和膝与头部权重相同，因此数值更低。

# %%
if theirs:
    points, truth = scored(*theirs)
    print("About", PREDICTIONS)
errors = np.linalg.norm(points - truth.keypoints, axis=2) / truth.head_sizes[:, None]
counts = truth.labelled.sum(axis=0)
hits = ((errors <= 0.5) & truth.labelled).sum(axis=0)
rate = 100 * hits / counts
counted = [k for k, joint in enumerate(joints) if joint not in ("pelvis", "thorax")]
table(
    ["joint", "labelled", "found", "%"],
    [(joints[k], counts[k], hits[k], float(rate[k])) for k in np.argsort(rate) if k in counted],
)
mean, plain = 100 * hits[counted].sum() / counts[counted].sum(), rate[counted].mean()
display(
    Markdown(
        f"Mean {mean:.2f}, plain mean {plain:.2f}, over all 16 joints {100 * hits.sum() / counts.sum():.2f}"
    )
)

# %% [markdown]
# The project's own metric: every value must be the same.
#
# 本项目的指标给出的结果，每个数值都应当相同。

# %%
from paddle_pose.metrics import errors as kinds_of_errors
from paddle_pose.metrics import pckh

values = pckh.pckh(errors, truth.labelled)
assert np.isclose(values["Mean"], mean)
assert np.isclose(values["Plain mean"], plain)
table(list(values), [[float(value) for value in values.values()]])

# %% [markdown]
# **@0.10 or @0.11?** What HRNet, SimpleBaseline and PaddleDetection print as *Mean@0.1* is the
# fraction within 0.11 head sizes: their code takes the twelfth of the thresholds 0, 0.01, 0.02 …;
# mmpose did so until 2021. Where the curve is as steep as here, 0.01 changes the result by several
# points. This project never puts the two into one column.
#
# **@0.10 还是 @0.11？** HRNet、SimpleBaseline 和 PaddleDetection 打印的 *Mean@0.1* 其实是 0.11 个头部尺寸之内的比例：代码取的是阈值 0、0.01、0.02……中的第十二个；mmpose 在 2021 年之前也是如此。曲线在这里很陡，0.01 的差别就是几个百分点。本项目从不把两者放在同一列。

# %%
steps = np.linspace(0, 0.5, 51)
at = np.array(
    [
        pckh.scores(((errors <= t) & truth.labelled).sum(0).astype(float), counts)["Mean"]
        for t in steps
    ]
)
canvas, axis = plot()
axis.plot(steps, at, color="black", linewidth=2)
for step, color in ((10, "#0072b2"), (11, "#d55e00")):
    axis.plot(
        [steps[step]] * 2, [0, at[step]], color=color, label=f"@{steps[step]:.2f}: {at[step]:.2f}"
    )
axis.set(xlabel="threshold, head sizes", ylabel="joints found, %", xlim=(0, 0.5), ylim=(0, 100))
axis.grid(alpha=0.3)
axis.legend(frameon=False, loc="upper left")
show(drawing(canvas))

# %% [markdown]
# ## 6. How much is chance?
#
# Other people would have given another value. The *bootstrap* resamples as many people from those
# we have, with replacement, a thousand times; the interval contains 95 % of the results. With all
# 2,958 people it extends about 0.6 to either side of Mean and 0.5 of Mean@0.1: most differences
# between published Hourglass results are smaller. It does not include the variation between
# trainings with different seeds, which is added to it.
#
# ## 6. 有多少是偶然？
#
# 换一批人会得到另一个数值。**自助法**（bootstrap）从现有的人中有放回地抽取同样多的人，重复一千次；置信区间包含其中 95 % 的结果。用全部 2,958 人时，区间在 Mean 两侧约为 0.6，在 Mean@0.1 两侧约为 0.5：多数已发表的 Hourglass 结果之间的差别比这更小。它不包含换随机种子重新训练带来的波动。

# %%
people = len(errors)
draws = (
    np.random.default_rng(0)
    .multinomial(people, np.full(people, 1 / people), size=1000)
    .astype(float)
)
resampled = pckh.pckh(errors, truth.labelled, draws)
canvas, axes = plot(columns=2)
for axis, name in zip(axes, ("Mean", "Mean@0.1"), strict=True):
    low, high = np.quantile(resampled[name], (0.025, 0.975))
    axis.hist(resampled[name], bins=40, color="#56b4e9")
    for place in (low, high):
        axis.axvline(place, color="#d55e00")
    axis.set(
        xlabel=f"{name} of {people} people drawn again",
        title=f"{values[name]:.2f} ({low:.2f} .. {high:.2f})",
    )
show(drawing(canvas))

# %% [markdown]
# ## 7. The same network, other results
#
# The most frequent mistakes in evaluation, on the same predictions. Pixel coordinates in MPII's
# own files start at 1, in NumPy at 0. On MPII this pixel changes Mean by about 0.2, so that it
# remains unnoticed, and Mean@0.1 by up to 5 points; on synthetic people, whose heads are smaller,
# by more.
#
# ## 7. 同一个网络，不同的结果
#
# 下表是评估时最常见的错误，用的是同一份预测。MPII 文件的像素坐标从 1 开始，NumPy 从 0 开始。在 MPII 上，差这一个像素使 Mean 变化约 0.2，因此不易察觉，却使 Mean@0.1 变化多达 5 个百分点；合成人物头部更小，变化也更大。

# %%
flip = list(config.codec.skeleton.flip)
MISTAKES = {
    "as it is": points,
    "pixels counted from 0 and from 1 mixed up": points + 1.0,
    "the other way round": points - 1.0,
    "left and right exchanged": points[:, flip],
    "people in another order": points[::-1],
}
rows = []
for mistake, moved in MISTAKES.items():
    wrong = pckh.pckh(
        pckh.normalized_errors(moved, truth.keypoints, truth.head_sizes), truth.labelled
    )
    rows.append((mistake, *(float(wrong[name]) for name in ("Mean", "Mean@0.1", "Mean@0.11"))))
table(["what", "Mean", "Mean@0.1", "Mean@0.11"], rows)

# %% [markdown]
# One command evaluates predictions of any program, with intervals, without a network and without
# Paddle: MPII's `preds` as .mat or .h5, COCO's results as .json.
#
# 任何程序的预测都可以用一条命令评估并得到置信区间，不需要网络，也不需要 Paddle：MPII 的 `preds`（.mat、.h5）或 COCO 的结果（.json）。

# %%
FILE, TRUTH = (os.path.relpath(path) for path in (theirs or ("val/pred.mat", root)))

# %%
# !python {ROOT}/val.py --results {FILE} --dataset_root {TRUTH} --output rescored

# %% [markdown]
# ## 8. Flip test, shift, decoding: one network, nine results
#
# The *flip test* averages the heatmaps of the image and of the mirrored image. The cells of a
# heatmap are not mirrored exactly onto each other: unless the flipped heatmap is shifted by one
# cell (*shift*), the two differ by 0.75 of a cell. On COCO, omitting the shift costs HRNet-W32 2.0
# points of AP (published: 0.720 instead of 0.740). A peak is decoded as its cell (`argmax`), moved
# a quarter of a cell towards the higher neighbour (`quarter`, as published), or fitted (`dark`);
# notebook 02 explains why. One pass over the images gives all nine. (On a few synthetic people
# most of these differences are chance: see section 6.)
#
# ## 8. 翻转测试、平移、解码：一个网络，九种结果
#
# **翻转测试**（flip test）对原图和镜像图的热图（heatmap，热力图）取平均。热图的像素在镜像之后并不正好重合：若不把翻转后的热图平移 1 个像素（**shift**），两者相差 0.75 个像素。在 COCO 上，不平移使 HRNet-W32 损失 2.0 点 AP（已发表：0.720，而不是 0.740）。峰值解码可以取所在的像素（`argmax`），向次高邻点偏移 1/4 像素（`quarter`，论文做法），或用拟合（`dark`）；原因见 Notebook 02。一次推理得到全部九种。（只有几十个合成人物时，这些差别多半是偶然，见第 6 节。）

# %%
# !python -m paddle_pose compare --pretrained_model {WEIGHTS} --dataset_root {root}

# %% [markdown]
# ## 9. The result tables
#
# `paddle-pose results` reads the `scores.json` that `val.py` wrote and lists published results
# beside them, with protocol, interval, command and log. Configs without a result are marked as not
# run. Only comparable results are in one table: the complete validation set, the same boxes, the
# same threshold. Synthetic people, and predictions with unknown boxes, have separate tables; for a
# network that was not trained as its config states, the difference is listed. Below: the Hourglass
# networks; `paddle-pose results` prints all.
#
# ## 9. 结果表
#
# `paddle-pose results` 读取 `val.py` 写出的 `scores.json`，与已发表的结果并列，附评估协议、置信区间、命令和日志；没有结果的配置会注明“not run”。只有可比的结果才放在同一张表中：完整的验证集、同样的人体框、同样的阈值。合成人物、以及没有说明人体框来源的预测各有自己的表；没有按配置训练的网络会注明区别。下面只列出 Hourglass；`paddle-pose results` 打印全部。

# %%
from paddle_pose.evaluation import results


def hourglasses(rows):
    """Returns the rows of Hourglasses on MPII, and those of this notebook."""
    ours = ("measured here", "scored here")
    named = [row for row in rows if row.status in ours or "ourglass" in row.model]
    return [row for row in named if row.table.dataset == "mpii"]


tables = hourglasses(results.rows([Path("val/scores.json"), Path("rescored/scores.json")]))
display(Markdown(results.to_markdown(tables)))

# %% [markdown]
# Per joint (`paddle-pose results --joints`). Networks differ mainly in wrists, knees and ankles:
# these move most, and are most often occluded or outside the image.
#
# 逐关键点（`paddle-pose results --joints`）。网络之间的差别主要在腕、膝、踝：它们活动最大，也最常被遮挡或在图像之外。

# %%
display(Markdown(results.to_markdown(results.by_joint(tables), results.BY_JOINT)))

# %% [markdown]
# ## 10. The curve and the published log
#
# The original Paddle project evaluated after each of 210 epochs. Dashed: values from its log,
# published; solid: this run. If a training on MPII with the published recipe is far below the
# dashed line after ten epochs, it will not reach it: check the data first (`paddle-pose check`).
# The log shows two facts: half of the final Mean is reached after one epoch, while Mean@0.1 needs
# all epochs; and the project's result table contains the best of 210 evaluations on the validation
# set itself, 0.2 to 0.3 above the Mean@0.1 of the last epoch.
#
# ## 10. 与已发表日志的曲线对比
#
# 原 Paddle 项目在 210 个 epoch 的每一个之后都做了评估。虚线：其日志中的数值（已发表）；实线：本次训练。在 MPII 上用论文训练配置训练时，如果十个 epoch 之后远低于虚线，就不会追上：请先检查数据（`paddle-pose check`）。日志说明两点：一个 epoch 之后就达到最终 Mean 的一半，而 Mean@0.1 需要全部训练；其结果表是在同一验证集上 210 次评估取最优，比最后一个 epoch 的 Mean@0.1 高 0.2 到 0.3。

# %%
from paddle_pose.configs.published import TXYUGOOD_CURVES
from paddle_pose.evaluation.report import training_curves

evaluations = training_curves.read(run).evaluations
canvas, axes = plot(columns=2, height=3.8)
for column, (axis, name) in enumerate(zip(axes, ("Mean", "Mean@0.1"), strict=True), 1):
    for (size, curve), color in zip(TXYUGOOD_CURVES.items(), ("#0072b2", "#d55e00"), strict=True):
        epochs = [point[0] + 1 for point in curve]
        label = f"published: original project, {size}"
        axis.plot(
            epochs,
            [point[column] for point in curve],
            "o--",
            color=color,
            markersize=3,
            label=label,
        )
    mine = [(record["epoch"] + 1, record[name]) for record in evaluations]
    label = f"this run, {config.codec.input_size[0]}" + (
        ", synthetic people: not comparable" if drawn else ""
    )
    axis.plot(*zip(*mine, strict=True), "o-", color="black", label=label)
    axis.set(xlabel="epochs trained", xscale="log", title=f"{name}, %")
    axis.set_xticks(ticks := [1, 3, 10, 30, 100, 210], [str(tick) for tick in ticks], minor=False)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
canvas.figure.legend(
    *axes[0].get_legend_handles_labels(), loc="outside lower center", frameon=False
)
show(drawing(canvas))
table(
    [
        "published log, after epoch",
        *(f"{size}: {name}" for size in TXYUGOOD_CURVES for name in ("Mean", "Mean@0.1")),
    ],
    [
        (small[0] + 1, *small[1:], *large[1:])
        for small in TXYUGOOD_CURVES[256]
        for large in TXYUGOOD_CURVES[384]
        if small[0] == large[0]
    ],
)

# %% [markdown]
# ## 11. The report
#
# A single value does not show what to improve. `val.py --report` writes one self-contained HTML
# page, which is also readable on a phone, for a training or for predictions of any program.
#
# ## 11. 报告
#
# 单个指标并不说明下一步该改进什么。`val.py --report` 写出一个独立的 HTML 页面，手机上也便于阅读；既可用于一次训练，也可用于任何程序的预测。

# %%
# !python {ROOT}/val.py --results val --report

# %%
page = Path("val/report.html").read_text(encoding="utf-8")
link = os.path.relpath("val/report.html", PROJECT / "notebooks")
display(
    Markdown(
        f"[{Path(WORK).name}/val/report.html]({link}), {len(page) / 1e3:.0f} kB. Its sections:"
    )
)
print("\n".join(re.findall("<h2.*?>(.*?)</h2>", page)))
print("\nDisplaced?", re.search('<p class="verdict.*?>(.*?)</p>', page)[1])

# %% [markdown]
# Its main part: the kind of error of each joint. *Jitter* is close to its position and still
# correct at 0.5; an *inversion* is on the same joint of the other side, a *swap* on another
# person's joint, a *miss* on none of them. And how much correcting one kind alone would improve
# the result.
#
# 报告的核心：每个关键点属于哪类错误。**抖动**（jitter）在正确位置附近，在 0.5 处仍视为正确；**左右混淆**（inversion）落在另一侧的关键点上；**人物混淆**（swap）落在其他人的关键点上；**漏检**（miss）不在任何关键点上。报告还给出只修正其中一类能提高多少。

# %%
from paddle_pose.evaluation.report import write

data, _ = write.read(Path("val"))
kind, names = kinds_of_errors.kinds(data.found), kinds_of_errors.KINDS[:5]
canvas, axis = plot(height=3.6)
left, order = np.zeros(len(counted)), counted[::-1]
for place, (name, color) in enumerate(
    zip(names, ("#009e73", "#56b4e9", "#d55e00", "#cc79a7", "#555555"), strict=True)
):
    share = np.array(
        [100 * (kind[:, k] == place).sum() / max((kind[:, k] >= 0).sum(), 1) for k in order]
    )
    axis.barh([joints[k] for k in order], share, left=left, color=color, label=name)
    left += share
axis.set(xlabel="% of the joint", xlim=(0, 100))
canvas.figure.legend(loc="outside lower center", ncols=5, frameon=False)
show(drawing(canvas))
rows = []
for place, name in enumerate(names[1:], 1):
    mended = data.rescore(data.found.corrected(kind == place), False)
    rows.append(
        (
            name,
            int((kind == place).sum()),
            *(float(mended[g] - data.values[g]) for g in data.gained),
        )
    )
table(["mending", "joints", *(f"gain in {name}" for name in data.gained)], rows)

# %% [markdown]
# ## 12. COCO's AP, and why boxes matter
#
# COCO evaluates people, not joints. *OKS* is the similarity of two poses: the mean over the joints
# of $\exp(-d^2 / (2 \cdot area \cdot (2\sigma)^2))$. $\sigma$ is small for eyes and large for
# hips, so one pixel at an eye costs more. A person counts as correct if OKS exceeds a threshold;
# AP is the mean over the thresholds from 0.50 to 0.95. One person by hand, with joints that are
# off by a few pixels:
#
# ## 12. COCO 的 AP：为什么人体框很重要
#
# COCO 评估的是人，不是关键点。**OKS** 是两个姿态的相似度：各关键点的 $\exp(-d^2 / (2 \cdot area \cdot (2\sigma)^2))$ 取平均。眼睛的 $\sigma$ 小，髋的 $\sigma$ 大，所以眼睛差一个像素代价更高。OKS 高于阈值的人视为检出；AP 是 0.50 到 0.95 各阈值上的平均。手算一个关键点略有偏差的人：

# %%
from paddle_pose.metrics import coco_ap, oks
from paddle_pose.skeletons import COCO_17

synthetic.write_coco(Path("coco"), num_train=1, num_val=24, size=(192, 144), persons=(2, 3))
annotated = json.loads(Path("coco/annotations/person_keypoints_val2017.json").read_text())
rng = np.random.default_rng(0)


def pose(record, noise=0.04):
    """Returns a record's joints [17, 3], displaced by a share of the person's size."""
    keypoints = np.array(record["keypoints"], float).reshape(-1, 3)
    keypoints[:, :2] += rng.normal(0, noise * record["area"] ** 0.5, keypoints[:, :2].shape)
    return keypoints


record = max(annotated["annotations"], key=lambda record: record["num_keypoints"])
true, guess = np.array(record["keypoints"], float).reshape(-1, 3), pose(record)
squared, labelled = ((guess - true)[:, :2] ** 2).sum(axis=1), true[:, 2] > 0
alike = np.exp(-squared / (2 * record["area"] * (2 * np.array(COCO_17.sigmas)) ** 2))
table(
    ["joint", "off, px", "sigma", "similarity"],
    [
        (joint, float(squared[k] ** 0.5), str(COCO_17.sigmas[k]), float(alike[k]))
        for k, joint in enumerate(COCO_17.joints)
        if labelled[k] and "right" not in joint
    ],
)
whole = oks.oks(guess[:, :2], true[:, :2], record["area"], COCO_17.sigmas, labelled)
assert np.isclose(whole, alike[labelled].mean())
display(Markdown(f"OKS {whole:.3f}: the mean over its {labelled.sum()} labelled joints"))

# %% [markdown]
# Top-down networks depend on boxes from another source. Here every row has the same poses, only
# the boxes differ. A missing box loses a person at every threshold; a box without a person costs
# nothing if its score is below all others, and much if it is high. AP with annotated boxes and AP
# with detected boxes are therefore different metrics, in separate tables.
#
# 自顶向下（Top-Down）的网络依赖外部给出的框。下面每行的姿态都相同，只有框不同：漏掉一个框，就在所有阈值上漏检一个人；没有人的框，置信度低于其他所有框时没有代价，置信度高时代价很大。因此使用标注框（GT）的 AP 与使用检测框的 AP 是两个不同的指标，放在不同的表中。

# %%
answers = [
    {
        "image_id": r["image_id"],
        "category_id": 1,
        "keypoints": pose(r).ravel().tolist(),
        "score": 0.9,
    }
    for r in annotated["annotations"]
]
nobody = [
    {**answer, "keypoints": (np.array(answer["keypoints"]) * 0.3).tolist(), "score": 0.1}
    for answer in answers[::2]
]
BOXES = {
    "annotated": answers,
    "one person in five missing": [answer for n, answer in enumerate(answers) if n % 5],
    "all, and half as many round nobody, scores 0.1": answers + nobody,
    "all, and half as many round nobody, scores 0.95": answers
    + [{**answer, "score": 0.95} for answer in nobody],
}
ground_truth = coco_ap.GroundTruth(annotated, COCO_17)
scored = {boxes: ground_truth.score(given) for boxes, given in BOXES.items()}
table(
    ["boxes", "AP", "AP50", "AP75", "AR"],
    [
        (boxes, *(100 * result[name] for name in ("AP", "AP50", "AP75", "AR")))
        for boxes, result in scored.items()
    ],
)

# %% [markdown]
# Published results of one network, HRNet-W32 at 256x192 on COCO val2017 (flip test):
#
# 同一个网络 HRNet-W32（256x192，COCO val2017，翻转测试）已发表的结果：

# %%
PUBLISHED_AP = {
    "annotated (HRNet's issue 174)": 76.5,
    "a detector of 65.1 AP (UDP's baseline)": 75.6,
    "a detector of 56.4 AP (HRNet)": 74.4,
}
table(["boxes, published", "AP"], [(boxes, f"{ap}") for boxes, ap in PUBLISHED_AP.items()])

# %% [markdown]
# ## 13. With real data
#
# With MPII, a trained network and a published prediction file, these are the commands:
#
# ## 13. 真实数据
#
# 有 MPII、训练好的网络和已发表的预测文件时，命令如下：

# %%
print(
    "python val.py --image_size 256 --pretrained_model output/256_best_model/model.pdparams --dataset_root data/mpii --report",
    "python val.py --results hg_s2_b1.mat --dataset_root data/mpii --report --output output/hg_s2_b1",
    "python -m paddle_pose compare --pretrained_model output/256_best_model/model.pdparams --dataset_root data/mpii",
    "python -m paddle_pose results --format html --output_file output/results.html",
    "python -m paddle_pose results --joints",
    sep="\n",
)

# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 10_report.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 10 · Result tables and the report
#
# What to improve, and how a result compares with published ones: the report with kinds of errors,
# tables in total and per joint, and the curve of a published training. Notebook 04 explains the
# metrics.

# %% [markdown] tags=["zh"]
# # 10 · 结果表与评估报告
#
# 下一步该改进什么，结果与已发表的结果相比如何：按错误类型分析的评估报告，总体和逐关键点的结果表，以及已发表训练的曲线。指标的含义见 Notebook 04。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `RUN` is a training with its data set `DATA`, such as those of notebook 03. Without it, a small
# network is trained on synthetic people in about a minute.

# %% [markdown] tags=["zh"]
# `RUN` 是一次训练，`DATA` 是它的数据集，例如 Notebook 03 的结果；没有时，用约一分钟在合成人物上训练一个小网络。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
RUN = ""  # such as "output/notebook_03/256"
DATA = ""  # such as "output/notebook_03/data"
WORK = "output/notebook_10"  # folder for results
PEOPLE = (160, 48)  # synthetic people for training and validation, without RUN
EPOCHS = 8  # of the small network

# %%
from pathlib import Path

import paddle_pose as pp
from paddle_pose.data.synthetic.dataset import write_mpii

if not RUN:
    DATA = f"{WORK}/data"
    write_mpii(Path(DATA), num_train=PEOPLE[0], num_val=PEOPLE[1])
    short = {"train.epochs": EPOCHS, "train.schedule.warmup": 10}
    run = pp.train(
        "hourglass_tiny_128", data=DATA, output=f"{WORK}/run", resume="auto", overrides=short
    )
    RUN = run.folder

# %% [markdown]
# ## 2. The report · 评估报告
#
# A single value does not show what to improve. `val.py --report` writes one self-contained HTML
# page, for a training or, with `--results FILE`, for predictions of any program: open
# `val/report.html` in `WORK`. `--draw` writes `predictions.png`, from the best to the worst person.

# %% [markdown] tags=["zh"]
# 单个指标并不说明下一步该改进什么。`val.py --report` 写出一个独立的 HTML 页面，既可用于一次训练，也可用 `--results FILE` 分析任何程序的预测：请打开 `WORK` 中的 `val/report.html`。`--draw` 写出 `predictions.png`，从预测最好的人排到最差的人。

# %%
# !python val.py --pretrained_model {RUN}/best_model/model.pdparams --dataset_root {DATA} --output {WORK}/val --report --draw

# %% [markdown]
# White: the annotation; coloured: the prediction.

# %% [markdown] tags=["zh"]
# 白色为标注，彩色为预测。

# %%
pp.ImageGrid([f"{WORK}/val/predictions.png"], columns=1, width=720)

# %% [markdown]
# ## 3. Kinds of errors · 错误类型
#
# The main part of the report. *Jitter* is close to its position and still correct at 0.5; an
# *inversion* is on the same joint of the other side, a *swap* on another person's joint, a *miss*
# on none of them. The last columns show how much correcting one kind alone would improve the
# result.

# %% [markdown] tags=["zh"]
# 这是报告的核心。**抖动**（jitter）在正确位置附近，在 0.5 处仍视为正确；**左右混淆**（inversion）落在另一侧的关键点上；**人物混淆**（swap）落在其他人的关键点上；**漏检**（miss）不在任何关键点上。最后几列是只修正其中一类能提高多少。

# %%
from paddle_pose.evaluation.report import write
from paddle_pose.metrics import errors

report, _ = write.read(Path(WORK, "val"))
kinds = errors.kinds(report.found)
rows = []
for number, kind in enumerate(errors.KINDS[1:5], start=1):
    corrected = report.rescore(report.found.corrected(kinds == number), False)
    gains = {f"gain in {name}": corrected[name] - report.values[name] for name in report.gained}
    rows.append({"kind": kind, "joints": (kinds == number).sum()} | gains)
pp.Table(rows)

# %% [markdown]
# Which joints? In percent of each joint:

# %% [markdown] tags=["zh"]
# 出在哪些关键点上？占各关键点的百分比：

# %%
import matplotlib.pyplot as plt
import numpy as np

joints = report.found.skeleton.joints
counted = [k for k in range(len(joints)) if (kinds[:, k] >= 0).any()]
figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
left = np.zeros(len(counted))
for number, color in enumerate(("#009e73", "#56b4e9", "#d55e00", "#cc79a7", "#555555")):
    share = np.array(
        [100 * (kinds[:, k] == number).sum() / (kinds[:, k] >= 0).sum() for k in counted]
    )
    axis.barh(
        [joints[k] for k in counted], share, left=left, color=color, label=errors.KINDS[number]
    )
    left += share
axis.set(xlabel="% of the joint", xlim=(0, 100))
figure.legend(loc="outside lower center", ncols=5, frameon=False)
plt.show()

# %% [markdown]
# ## 4. The published log · 已发表的训练日志
#
# The original Paddle project evaluated after each of 210 epochs. Half of the final Mean is reached
# after one epoch, while Mean@0.1 needs all of them; and the project's result table contains the
# best of 210 evaluations on the validation set itself, 0.2 to 0.3 above the Mean@0.1 of the last
# epoch. If a training on MPII with the published recipe is far below this curve after ten epochs,
# it will not reach it: check the data first. `paddle-pose plot RUN` draws yours.

# %% [markdown] tags=["zh"]
# 原 Paddle 项目在 210 个 epoch 的每一个之后都做了评估。一个 epoch 之后就达到最终 Mean 的一半，而 Mean@0.1 需要全部训练；其结果表是在同一验证集上 210 次评估取最优，比最后一个 epoch 的 Mean@0.1 高 0.2 到 0.3。在 MPII 上用论文训练配置训练时，如果十个 epoch 之后远低于这条曲线，就不会追上：请先检查数据。自己的训练用 `paddle-pose plot RUN` 画出。

# %%
from paddle_pose.configs.published import TXYUGOOD_CURVES

figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for column, (axis, name) in enumerate(zip(axes, ("Mean", "Mean@0.1")), start=1):
    for size, curve in TXYUGOOD_CURVES.items():
        epochs = [point[0] + 1 for point in curve]
        axis.plot(epochs, [point[column] for point in curve], "o-", markersize=3, label=size)
    axis.set(title=f"{name}, %, published", xlabel="epochs trained", xscale="log")
    axis.set_xticks([1, 3, 10, 30, 100, 210], ["1", "3", "10", "30", "100", "210"], minor=False)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
axes[0].legend(title="input", frameon=False)
plt.show()

# %% [markdown]
# ## 5. The result tables · 结果表
#
# `paddle-pose results` reads the `scores.json` that `val.py` wrote and lists published results
# beside them, with protocol, interval, command and log. Only comparable results are in one table:
# the complete validation set, the same boxes, the same threshold. Below: Hourglass on MPII.
#
# ```bash
# python -m paddle_pose results
# python -m paddle_pose results --joints
# python -m paddle_pose results --format html --output_file output/results.html
# ```

# %% [markdown] tags=["zh"]
# `paddle-pose results` 读取 `val.py` 写出的 `scores.json`，与已发表的结果并列，附评估协议、置信区间、命令和日志。只有可比的结果才放在同一张表中：完整的验证集、同样的人体框、同样的阈值。下面只列出 MPII 上的 Hourglass。

# %%
from paddle_pose.evaluation import results

rows = [
    row
    for row in results.rows([Path(WORK, "val/scores.json")])
    if row.table.dataset == "mpii" and row.status != "not run" and "ourglass" in row.model
]
pp.Table(
    [
        {"input": row.input, "whose": f"{row.status}: {row.source}"}
        | {"people": row.table.extent.split(" of ")[0] or "all 2,958"}
        | row.numbers
        for row in rows
    ],
    columns=["input", "Mean", "Mean@0.1", "people", "whose"],
)

# %% [markdown]
# Per joint, where the source states it. Networks differ mainly in wrists, knees and ankles: these
# move most, and are most often occluded or outside the image.

# %% [markdown] tags=["zh"]
# 逐关键点（来源给出时）。网络之间的差别主要在腕、膝、踝：它们活动最大，也最常被遮挡或在图像之外。

# %%
pp.Table(
    [
        {"whose": row.source, "input": row.input}
        | {name: text.split(" ")[0] for name, text in row.numbers.items()}
        for row in results.by_joint(rows)
    ],
    columns=["whose", "input", *results.BY_JOINT],
)

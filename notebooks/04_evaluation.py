# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 04_evaluation.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 04 · How results are computed
#
# "Mean@0.1 37" in two papers need not be the same metric. This notebook computes PCKh and OKS by
# hand, and shows what changes a value without a better network (thresholds, weighting, flip test,
# decoding, boxes, one pixel) and how much of a difference is chance. Notebook 10 continues with
# result tables and the report.

# %% [markdown] tags=["zh"]
# # 04 · 评估指标如何计算
#
# 两篇论文都写着“Mean@0.1 37”，含义却可能不同。本 Notebook 手算 PCKh 和 OKS，说明在网络不变的情况下哪些因素会改变指标（阈值、加权、翻转测试、解码、人体框、一个像素），差异中有多少是偶然。结果表和评估报告见 Notebook 10。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `RUN` is a training with its data set `DATA`, such as those of notebook 03. Without it, a small
# network is trained on synthetic people in about a minute. `PREDICTIONS` is a published prediction
# file for the 2,958 people of MPII's validation set, such as pytorch-pose's `hg_s2_b1.mat`: with
# MPII's annotations in `MPII` (no images needed), sections 4 to 7 use it.

# %% [markdown] tags=["zh"]
# `RUN` 是一次训练，`DATA` 是它的数据集，例如 Notebook 03 的结果；没有时，用约一分钟在合成人物上训练一个小网络。`PREDICTIONS` 是已发表的、对 MPII 验证集 2,958 人的预测文件，例如 pytorch-pose 的 `hg_s2_b1.mat`：`MPII` 中有 MPII 的标注时（不需要图像），第 4 至 7 节分析该文件。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
RUN = ""  # such as "output/notebook_03/256"
DATA = ""  # such as "output/notebook_03/data"
PREDICTIONS = ""
MPII = "data/mpii"  # for PREDICTIONS
WORK = "output/notebook_04"  # folder for results
PEOPLE = (160, 48)  # synthetic people for training and validation, without RUN
EPOCHS = 8  # of the small network

# %%
from pathlib import Path

import paddle_pose as pp
from paddle_pose.data.synthetic.dataset import write_coco, write_mpii

if not DATA:
    DATA = f"{WORK}/data"
    write_mpii(Path(DATA), num_train=PEOPLE[0], num_val=PEOPLE[1])
if not RUN:
    short = {"train.epochs": EPOCHS, "train.schedule.warmup": 10}
    run = pp.train(
        "hourglass_tiny_128", data=DATA, output=f"{WORK}/run", resume="auto", overrides=short
    )
    RUN = run.folder

# %% [markdown]
# ## 2. The command · 命令
#
# `val.py` writes the predictions, the metrics with their 95 % intervals, the protocol and its own
# command line into one folder. `--no-shift` is the original Paddle project's protocol, `--no-flip`
# turns the flip test off.

# %% [markdown] tags=["zh"]
# `val.py` 把预测、指标及其 95 % 置信区间、评估协议和命令本身写入同一个文件夹。`--no-shift` 是原 Paddle 项目的评估协议，`--no-flip` 关闭翻转测试（flip test）。

# %%
# !python val.py --pretrained_model {RUN}/best_model/model.pdparams --dataset_root {DATA} --output {WORK}/val

# %% [markdown]
# ## 3. One person, by hand · 手算一个人
#
# MPII annotates a box around every head. Its diagonal times 0.6 is the *head size*, by which PCKh
# ("h") normalizes distances. A joint counts as correct if its distance to the annotation is at
# most half the head size; for @0.1 at most a tenth. In the chart: circles with these two radii
# around the annotated joints, and a line from each to the prediction, orange if it is not correct.

# %% [markdown] tags=["zh"]
# MPII 为每个头部标了框，其对角线乘 0.6 就是**头部尺寸**，PCKh（"h"）以它归一化距离。预测与标注的距离不超过头部尺寸的一半，关键点就视为预测正确；@0.1 则是十分之一。图中：以标注为圆心、以这两个距离为半径的圆，连线指向预测，不正确的为橙色。

# %%
import numpy as np
import scipy.io

joints = pp.load_model(RUN).joints


def read(folder, predictions):
    """Returns errors in head sizes [people, 16], and the arrays that they are computed from."""
    truth = scipy.io.loadmat(f"{folder}/annotations/mpii_gt_val.mat")
    annotated = truth["pos_gt_src"].transpose(2, 0, 1)  # [people, 16, 2] px
    labelled = truth["jnt_missing"].T == 0  # [people, 16]
    boxes = truth["headboxes_src"].transpose(2, 0, 1)  # [people, 2, 2]: two corners
    heads = 0.6 * np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1)
    predicted = scipy.io.loadmat(predictions)["preds"]
    errors = np.linalg.norm(predicted - annotated, axis=2) / heads[:, None]
    return errors, labelled, heads, annotated, predicted


errors, labelled, heads, annotated, predicted = read(DATA, f"{WORK}/val/pred.mat")

# %%
found = ((errors <= 0.5) & labelled).sum(axis=1) / labelled.sum(axis=1)
n = int(np.argmin(np.abs(found - 0.75)))  # neither the best person nor the worst
pp.Table(
    [
        {
            "joint": joints[k],
            "error, px": errors[n, k] * heads[n],
            "error, head sizes": errors[n, k],
            "correct @0.5": errors[n, k] <= 0.5,
            "correct @0.1": errors[n, k] <= 0.1,
        }
        for k in np.flatnonzero(labelled[n])
    ]
)

# %%
import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(4, 5), layout="constrained")
for k in np.flatnonzero(labelled[n]):
    color = "#0072b2" if errors[n, k] <= 0.5 else "#d55e00"
    for radius in (0.5, 0.1):
        axis.add_patch(plt.Circle(annotated[n, k], radius * heads[n], fill=False, color=color))
    axis.plot(*zip(annotated[n, k], predicted[n, k]), color=color)
    if errors[n, k] > 0.5:
        axis.annotate(joints[k], predicted[n, k], color=color, ha="right", va="top")
axis.invert_yaxis()
axis.set(aspect="equal", xlabel="px", title=f"person {n}: head size {heads[n]:.1f} px")
plt.show()

# %%
data = pp.Dataset("hourglass52_mpii_256", DATA, split="val")
sample = next(one for one in data.samples if one.persons[0].annotation_id == n)
index = data.samples.index(sample)
result = pp.load_model(RUN).predict(sample.image_path, boxes=[sample.persons[0].box])
pp.ImageGrid(
    [data.whole_image(index), result], captions=["annotated", "predicted"], width=480, color="side"
)

# %% [markdown]
# ## 4. All people, by hand · 手算所有人
#
# The PCKh of a joint is the fraction of people with a correct prediction, among those for whom the
# joint is labelled; occluded joints count. Pelvis and thorax are excluded: their positions follow
# from the joints beside them, and would only raise the result. There are two means:
#
# - **Mean** (HRNet, mmpose, this project): correct joints divided by labelled joints; joints that
#   are labelled more often have more weight.
# - **Plain mean** (pytorch-pose): the mean of the fourteen percentages. Ankles and knees, which
#   are often outside the image, have the same weight as heads, so it is lower.

# %% [markdown] tags=["zh"]
# 一个关键点的 PCKh，是标注了它的人中预测正确的比例；被遮挡的关键点也计入。骨盆和胸部不计入：它们的位置由相邻关键点即可推出，只会抬高结果。均值有两种：
#
# - **Mean**（HRNet、mmpose、本项目）：预测正确的关键点数除以标注的关键点数，标注多的关键点权重大。
# - **Plain mean**（pytorch-pose）：十四个百分比的简单平均。常在图像之外的踝和膝与头部权重相同，因此数值更低。

# %%
if PREDICTIONS:
    errors, labelled, heads, annotated, predicted = read(MPII, PREDICTIONS)

counted = [k for k, joint in enumerate(joints) if joint not in ("pelvis", "thorax")]
errors, labelled = errors[:, counted], labelled[:, counted]
correct = ((errors <= 0.5) & labelled).sum(axis=0)
total = labelled.sum(axis=0)
print(
    f"Mean {100 * correct.sum() / total.sum():.2f}, plain mean {100 * (correct / total).mean():.2f}"
)

pp.Table(
    [
        {"joint": joints[k], "labelled": of, "correct": right, "PCKh": 100 * right / of}
        for k, of, right in sorted(zip(counted, total, correct), key=lambda row: row[2] / row[1])
    ]
)

# %% [markdown]
# The project computes the same; `score_file` reads predictions of any program, MPII's `preds` as
# .mat or .h5, or COCO's results as .json. On the command line:
# `python val.py --results hg_s2_b1.mat --dataset_root data/mpii`.

# %% [markdown] tags=["zh"]
# 本项目的结果与此相同；`score_file` 读取任何程序的预测：MPII 的 `preds`（.mat、.h5）或 COCO 的结果（.json）。命令行：`python val.py --results hg_s2_b1.mat --dataset_root data/mpii`。

# %%
if PREDICTIONS:
    scores = pp.score_file(PREDICTIONS, data=MPII)
else:
    scores = pp.score_file(f"{WORK}/val/pred.mat", data=DATA)
assert np.isclose(scores.values["Mean"], 100 * correct.sum() / total.sum())
scores

# %% [markdown]
# ## 5. @0.10 or @0.11? · @0.10 还是 @0.11？
#
# What HRNet, SimpleBaseline and PaddleDetection print as *Mean@0.1* is the fraction within 0.11
# head sizes: their code takes the twelfth of the thresholds 0, 0.01, 0.02 …; mmpose did so until
# 2021. Where the curve is as steep as here, 0.01 changes the result by several points. This
# project never puts the two into one column.

# %% [markdown] tags=["zh"]
# HRNet、SimpleBaseline 和 PaddleDetection 打印的 *Mean@0.1* 其实是 0.11 个头部尺寸之内的比例：代码取的是阈值 0、0.01、0.02……中的第十二个；mmpose 在 2021 年之前也是如此。曲线在这里很陡，0.01 的差别就是几个百分点。本项目从不把两者放在同一列。

# %%
thresholds = np.arange(51) / 100
means = [100 * (errors[labelled] <= threshold).mean() for threshold in thresholds]

figure, axis = plt.subplots(figsize=(7, 3), layout="constrained")
axis.plot(thresholds, means, color="black")
for step, color in ((10, "#0072b2"), (11, "#d55e00"), (50, "#009e73")):
    label = f"@{thresholds[step]:.2f}: {means[step]:.2f}"
    axis.plot([thresholds[step]] * 2, [0, means[step]], color=color, label=label)
axis.set(xlabel="threshold, head sizes", ylabel="Mean, %", xlim=(0, 0.51), ylim=(0, None))
axis.legend(frameon=False)
plt.show()

# %% [markdown]
# ## 6. How much is chance? · 有多少是偶然？
#
# Other people would have given another value. The *bootstrap* resamples as many people from those
# we have, with replacement, a thousand times; the interval contains 95 % of the results. With all
# 2,958 people it extends about 0.6 to either side of Mean and 0.5 of Mean@0.1: most differences
# between published Hourglass results are smaller. It does not include the variation between
# trainings with different seeds, which is added to it.

# %% [markdown] tags=["zh"]
# 换一批人会得到另一个数值。**自助法**（bootstrap）从现有的人中有放回地抽取同样多的人，重复一千次；置信区间包含其中 95 % 的结果。用全部 2,958 人时，区间在 Mean 两侧约为 0.6，在 Mean@0.1 两侧约为 0.5：多数已发表的 Hourglass 结果之间的差别比这更小。它不包含换随机种子重新训练带来的波动。

# %%
rng = np.random.default_rng(0)
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for axis, threshold in zip(axes, (0.5, 0.1)):
    means = []
    for _ in range(1000):
        people = rng.integers(0, len(errors), len(errors))
        means.append(100 * (errors[people][labelled[people]] <= threshold).mean())
    low, high = np.quantile(means, (0.025, 0.975))
    axis.hist(means, bins=40, color="#56b4e9")
    axis.axvline(low, color="#d55e00")
    axis.axvline(high, color="#d55e00")
    axis.set(title=f"@{threshold}: 95 % from {low:.2f} to {high:.2f}", xlabel="Mean, %")
plt.show()

# %% [markdown]
# ## 7. The same network, other results · 同一个网络，不同的结果
#
# The most frequent mistakes in evaluation, on the same predictions. Pixel coordinates in MPII's
# own files start at 1, in NumPy at 0. On MPII this pixel changes Mean by about 0.2, so that it
# remains unnoticed, and Mean@0.1 by up to 5 points.

# %% [markdown] tags=["zh"]
# 评估时最常见的错误，用的是同一份预测。MPII 文件的像素坐标从 1 开始，NumPy 从 0 开始。在 MPII 上，差这一个像素使 Mean 变化约 0.2，因此不易察觉，却使 Mean@0.1 变化多达 5 个百分点。

# %%
flip = list(data[0].skeleton.flip)
mistakes = {
    "none": predicted,
    "one pixel too far right and down": predicted + 1,
    "one pixel too far left and up": predicted - 1,
    "left and right exchanged": predicted[:, flip],
    "people in another order": predicted[::-1],
}
rows = []
for mistake, points in mistakes.items():
    off = (np.linalg.norm(points - annotated, axis=2) / heads[:, None])[:, counted][labelled]
    means = {f"Mean@{at}": 100 * (off <= at).mean() for at in (0.5, 0.1, 0.11)}
    rows.append({"mistake": mistake} | means)
pp.Table(rows)

# %% [markdown]
# ## 8. Flip test, shift, decoding · 翻转测试、平移、解码
#
# The *flip test* averages the heatmaps of the image and of the mirrored image; unless the flipped
# heatmap is shifted by one cell (*shift*), the two differ by 0.75 of a cell. On COCO, omitting the
# shift costs HRNet-W32 2.0 points of AP (published: 0.720 instead of 0.740). Notebook 02 explains
# the decoding methods. One pass over the images gives all nine results of one network. (On a few
# synthetic people most of these differences are chance: see section 6.)

# %% [markdown] tags=["zh"]
# **翻转测试**（flip test）对原图和镜像图的热图（heatmap，热力图）取平均；若不把翻转后的热图平移 1 个像素（**shift**），两者相差 0.75 个像素。在 COCO 上，不平移使 HRNet-W32 损失 2.0 点 AP（已发表：0.720，而不是 0.740）。解码方法见 Notebook 02。一次推理得到一个网络的全部九种结果。（只有几十个合成人物时，这些差别多半是偶然，见第 6 节。）

# %%
# !python -m paddle_pose compare --pretrained_model {RUN}/best_model/model.pdparams --dataset_root {DATA}

# %% [markdown]
# ## 9. COCO's AP: one person · COCO 的 AP：一个人
#
# COCO evaluates people, not joints. *OKS* is the similarity of two poses: the mean over the joints
# of $\exp(-d^2 / (2 \cdot area \cdot (2\sigma)^2))$. $\sigma$ is small for eyes and large for
# hips, so one pixel at an eye costs more. A person counts as correct if OKS exceeds a threshold;
# AP is the mean over the thresholds from 0.50 to 0.95. Here the joints are off by a few pixels.

# %% [markdown] tags=["zh"]
# COCO 评估的是人，不是关键点。**OKS** 是两个姿态的相似度：各关键点的 $\exp(-d^2 / (2 \cdot area \cdot (2\sigma)^2))$ 取平均。眼睛的 $\sigma$ 小，髋的 $\sigma$ 大，所以眼睛差一个像素代价更高。OKS 高于阈值的人视为检出；AP 是 0.50 到 0.95 各阈值上的平均。这里的关键点都偏差几个像素。

# %%
import json

write_coco(Path(WORK, "coco"), num_train=1, num_val=24, size=(192, 144), persons=(2, 3))
file = Path(WORK, "coco/annotations/person_keypoints_val2017.json")
records = json.loads(file.read_text())["annotations"]
skeleton = pp.Dataset("hrnet_w32_coco_256x192", f"{WORK}/coco", split="val")[0].skeleton

rng = np.random.default_rng(0)
guesses = []
for record in records:
    guess = np.reshape(record["keypoints"], (17, 3)).astype(float)
    guess[:, :2] += rng.normal(0, 0.04 * record["area"] ** 0.5, (17, 2))
    guesses.append(guess)

# %%
record, guess = records[0], guesses[0]
true = np.reshape(record["keypoints"], (17, 3))
distance = np.linalg.norm((guess - true)[:, :2], axis=1)
similarity = np.exp(-(distance**2) / (2 * record["area"] * (2 * np.array(skeleton.sigmas)) ** 2))
print(f"OKS: {similarity[true[:, 2] > 0].mean():.3f}")
pp.Table(
    [
        {"joint": joint, "distance, px": distance[k], "similarity": similarity[k]}
        | {"sigma": str(skeleton.sigmas[k])}
        for k, joint in enumerate(skeleton.joints)
        if true[k, 2] > 0 and "right" not in joint
    ]
)

# %% [markdown]
# ## 10. Why boxes matter · 为什么人体框很重要
#
# Top-down networks depend on boxes from another source. Here every row has the same poses, only
# the boxes differ. A missing box loses a person at every threshold; a box without a person costs
# nothing if its score is below all others, and much if it is high.

# %% [markdown] tags=["zh"]
# 自顶向下（Top-Down）的网络依赖外部给出的框。下面每行的姿态都相同，只有框不同：漏掉一个框，就在所有阈值上漏检一个人；没有人的框，置信度低于其他所有框时没有代价，置信度高时代价很大。

# %%
results = [
    {"image_id": record["image_id"], "category_id": 1, "keypoints": guess.ravel().tolist()}
    for record, guess in zip(records, guesses)
]
people = [result | {"score": 0.9} for result in results]
nobody = [result | {"keypoints": [0.3 * v for v in result["keypoints"]]} for result in results[::2]]
cases = {
    "all people": people,
    "one person in five missing": [result for n, result in enumerate(people) if n % 5],
    "also half as many without a person, score 0.1": people
    + [one | {"score": 0.1} for one in nobody],
    "also half as many without a person, score 0.95": people
    + [one | {"score": 0.95} for one in nobody],
}
rows = []
for case, content in cases.items():
    file = Path(WORK, "results.json")
    file.write_text(json.dumps(content))
    values = pp.score_file(file, data=f"{WORK}/coco").values
    rows.append(
        {"boxes": case} | {name: 100 * values[name] for name in ("AP", "AP50", "AP75", "AR")}
    )
pp.Table(rows)

# %% [markdown]
# AP with annotated boxes and AP with detected boxes are therefore different metrics, in separate
# tables. Published results of one network, HRNet-W32 at 256x192 on COCO val2017 (flip test):
#
# | boxes | AP, published |
# |---|---:|
# | annotated (HRNet's issue 174) | 76.5 |
# | a detector of 65.1 AP (UDP's baseline) | 75.6 |
# | a detector of 56.4 AP (HRNet) | 74.4 |
#
# Next: notebook 10, result tables and the report.

# %% [markdown] tags=["zh"]
# 因此使用标注框（GT）的 AP 与使用检测框的 AP 是两个不同的指标，放在不同的表中。同一个网络 HRNet-W32（256x192，COCO val2017，翻转测试）已发表的结果如上表：标注框 76.5，检测框 75.6（检测器 65.1 AP）与 74.4（检测器 56.4 AP）。
#
# 接下来：Notebook 10，结果表与评估报告。

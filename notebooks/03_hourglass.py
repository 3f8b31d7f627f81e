# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 03_hourglass.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 03 · Hourglass on MPII at 256 and 384
#
# The steps of the AI Studio article on Hourglass: unpack the archive, view the data, train at 256
# and at 384, evaluate both, and compare the results with published ones.
#
# With a GPU and the archive, the notebook runs the published recipe. Without them it runs
# completely, too, in minutes on one CPU core: **on synthetic people instead of photographs, with a
# small network of few channels**. Such results show that the steps work, and nothing about the
# accuracy on MPII.
#
# # 03 · 在 MPII 上训练 Hourglass（256 与 384）
#
# 本 Notebook 按 AI Studio 上 Hourglass 文章的步骤进行：解压数据集、查看数据、分别以 256 和 384 的输入训练、评估两个模型，最后与已发表的结果比较。
#
# 有 GPU 和数据集压缩包时，使用论文训练配置；没有时也能完整运行，单个 CPU 核心几分钟即可：**用合成人物代替照片，并使用缩小通道数的小网络**。这样得到的结果只说明流程正确，不代表 MPII 上的精度。

# %% [markdown]
# ## 1. The machine
#
# What follows depends on the machine: Python and Paddle, GPU, memory, disk. The unpacked images
# need about as much space as the archive.
#
# ## 1. 运行环境
#
# 后面的步骤取决于运行环境：Python、Paddle、GPU、内存和磁盘。解压后的图像还需要与压缩包差不多大的空间。

# %%
import json
import os
import sys
import time
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
# On AI Studio, every reset restores `/home/aistudio/data`, while the rest of `/home/aistudio` is
# kept. The working folder with the unpacked data and all results is therefore in the project.
#
# ## 2. 设置
#
# 在 AI Studio 上，每次重置都会恢复 `/home/aistudio/data`，`/home/aistudio` 下的其他内容会保留。因此工作目录（解压后的数据和全部结果）放在项目之内。

# %% tags=["parameters"]
ARCHIVE = "/home/aistudio/data/data107551/mpii.tar.gz"
WORK = "output/notebook_03"  # folder, seen from the project
DATA = "data"  # the data set's folder, seen from WORK
PEOPLE = (256, 32)  # drawn for training and validation where there is no archive
EPOCHS = 6  # of the narrow network; the published recipe has 210
HOURS = (
    7.5  # of one sitting, for both trainings of the published recipe: a little less than the quota
)

# %%
REAL = Path(ARCHIVE).is_file()
PUBLISHED_RECIPE = REAL and len(here.gpus) > 0
if PUBLISHED_RECIPE:
    changes = {}
else:
    changes = {
        "model.channels": (16, 16, 24, 24, 24, 32),
        "model.blocks": (1, 1, 1, 1, 1, 1),
        "model.stem_channels": 8,
        "model.feature_channels": 16,
        "augment": None,
        "train.batch_size": 4,
        "train.learning_rate": 0.004,
        "train.schedule.warmup": 0,
        "train.schedule.milestones": (EPOCHS - 1,),
        "train.epochs": EPOCHS,
        "train.log_every": 32,
    }
NARROW = " ".join(f'-o "{key}={value}"' for key, value in changes.items())


ENDS = time.monotonic() + 3600 * HOURS


def sitting():
    """Returns the flags of a training in the time that is left of this sitting."""
    hours = max(1e-6, (ENDS - time.monotonic()) / 3600)  # at least one step
    return f"--max_hours {hours:.6f} --resume auto" if PUBLISHED_RECIPE else NARROW


os.chdir(PROJECT)
Path(WORK).mkdir(parents=True, exist_ok=True)
os.chdir(WORK)
ROOT = os.path.relpath(
    PROJECT
)  # the project, seen from here: commands write into this folder's output/
print(
    "Data:",
    "MPII" if REAL else f"{PEOPLE[0]} + {PEOPLE[1]} synthetic people, since there is no {ARCHIVE}",
)
print(
    "Network:", "Hourglass-52, published recipe" if PUBLISHED_RECIPE else f"narrow, {EPOCHS} epochs"
)

# %% [markdown]
# ## 3. The data set
#
# `paddle-pose prepare_mpii` unpacks the archive, skips the `._*` files of macOS, and continues an
# interrupted run. Without an archive, synthetic people are created in the same layout:
# `images/*.jpg`, `annotations/mpii_{train,val}.json`, `mpii_gt_val.mat`.
#
# ## 3. 数据集
#
# `paddle-pose prepare_mpii` 解压数据集，跳过 macOS 的 `._*` 文件，中断之后可以继续。没有压缩包时，按同样的目录结构生成合成人物：`images/*.jpg`、`annotations/mpii_{train,val}.json`、`mpii_gt_val.mat`。

# %%
from IPython import get_ipython

PREPARE = f"python -m paddle_pose prepare_mpii {ARCHIVE} --output {DATA}"
if REAL:
    get_ipython().system(PREPARE)  # what a line `!python …` does
else:
    from paddle_pose.data.synthetic.dataset import write_mpii

    print("With the archive this would run:", PREPARE)
    write_mpii(Path(DATA), num_train=PEOPLE[0], num_val=PEOPLE[1], size=(192, 192))

# %% [markdown]
# The dataset check finds problems that affect training: missing or damaged images, misplaced
# joints, a wrong order.
#
# 数据检查脚本找出影响训练的问题：缺失或损坏的图像、位置不对的关键点、错误的顺序。

# %%
# !python -m paddle_pose check --dataset_root {DATA}

# %% [markdown]
# ## 4. The network's input
#
# One person, one *window*: the square around 1.25 times the person's box. Augmentation chooses
# another window: scaled by 0.5 to 1.5, rotated by up to 80 degrees, mirrored. Below: the image
# with its window (white) and two augmented ones (yellow), then the contents of the three windows,
# with the joints to learn. The person's left is blue, the right orange.
#
# ## 4. 网络的输入
#
# 一个人对应一个**窗口**：人体框放大 1.25 倍的正方形。数据增强改变窗口：缩放 0.5 到 1.5 倍、旋转至多 80 度、镜像。下图每行依次为：原图及其窗口（白色）和两个增强窗口（黄色），随后是这三个窗口的内容和要学习的关键点。人物的左侧为蓝色，右侧为橙色。

# %%
import cv2
import numpy as np
from IPython.display import Image, Markdown, display

import paddle_pose as pp
from paddle_pose import build, geometry, visualize
from paddle_pose.configs import registry
from paddle_pose.data import dataset
from paddle_pose.data.augment import Augment
from paddle_pose.io import images
from paddle_pose.structures import Poses

SIDE = 160  # px of a tile


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


def outline(sample, windows, side=SIDE):
    """Returns the sample's image with the outlines of windows on it; the first is white."""
    pixels, _ = images.read(sample.image_path)
    matrix = geometry.box_window((0, 0, *pixels.shape[1::-1]), (side, side), 1.5).to_input(
        (side, side)
    )
    tile = geometry.warp(pixels, matrix, (side, side))
    for window in reversed(windows):
        corners = geometry.move(
            [[0, 0], [1, 0], [1, 1], [0, 1]], geometry.compose(matrix, window.to_image((1, 1)))
        )
        cv2.polylines(
            tile,
            [corners.round().astype(int)],
            True,
            (255, 255, 255 if window is windows[0] else 0),
            1,
        )
    return tile


def crop_with_joints(sample, window, codec, side=SIDE):
    """Returns what a window shows, the annotated joints drawn into it."""
    keypoints, visible = dataset.input_keypoints(sample, window, codec)
    crop = cv2.resize(
        dataset.crop(sample, window, codec), (side, side), interpolation=cv2.INTER_AREA
    )
    poses = Poses(keypoints * side / codec.input_size[0], visible, np.ones(1))
    return visualize.draw_poses(crop // 2, poses, codec.skeleton)


# %%
config = registry.for_image_size(256)
training = build.samples(config, DATA, "train")
rng, tiles = np.random.default_rng(0), []
for sample in training[:3]:
    windows = [
        sample.window,
        *(Augment().window(sample, config.codec.skeleton, rng) for _ in range(2)),
    ]
    tiles += [
        outline(sample, windows),
        *(crop_with_joints(sample, window, config.codec) for window in windows),
    ]
show(visualize.grid(tiles, columns=4))

# %% [markdown]
# The *target* is one heatmap per joint: a Gaussian with a standard deviation of 2 cells and peak
# 1, where a cell corresponds to 4 x 4 px of the input. At 256 the maps have 64 x 64 cells, at 384
# they have 96 x 96: positions are more precise, which improves Mean@0.1 more than Mean.
#
# **训练目标**是每个关键点一张热图（heatmap，热力图）：标准差 2 格、峰值为 1 的高斯，热图的一个像素（格）对应输入的 4 x 4 像素。输入 256 时热图为 64 x 64 格，384 时为 96 x 96 格：位置更精细，所以 Mean@0.1 的提高比 Mean 明显。

# %%
sample = training[0]
keypoints, visible = dataset.input_keypoints(sample, sample.window, config.codec)
targets = config.codec.encode(keypoints, visible)
crop = cv2.resize(
    dataset.crop(sample, sample.window, config.codec), (128, 128), interpolation=cv2.INTER_AREA
)
show(visualize.draw_heatmaps(crop, targets["heatmaps"], config.codec.skeleton))

# %% [markdown]
# ## 5. Training at 256
#
# The command of the original project. The `-o` flags after it are only for the small network; with
# a GPU and the archive there are `--max_hours` and `--resume auto` (see the next section). At the
# end of each epoch the network is evaluated, and the best weights so far and a checkpoint are
# saved.
#
# ## 5. 以 256 训练
#
# 与原项目的命令相同。其后的 `-o` 参数只用于缩小通道数的小网络；有 GPU 和数据集时，则是 `--max_hours` 和 `--resume auto`（见下一节）。每个 epoch 结束时进行评估，保存目前最好的权重和一个检查点。

# %%
# !python -u {ROOT}/train.py --dataset_root {DATA} --image_size 256 {sitting()}

# %% [markdown]
# ## 6. Training at 384, within a daily quota
#
# The published trainings took 40 hours at 256 and 53 hours at 384 on a V100 (the original
# project's logs): more than a daily quota. So train in several sessions. `--max_hours` saves after
# the step in which the time is over and ends with exit status 124; `--resume auto` starts a run, or
# continues the newest run of that size with its optimizer, learning rate and best result, also in
# the middle of an epoch. Both trainings share one clock: the time that the first one leaves is the
# second one's. With the archive, run this notebook again every day until both trainings are done.
# Without it the time is over after the first step, so that interruption and resuming can be seen.
#
# ## 6. 以 384 训练：每日限额之内
#
# 据原项目日志，在单卡 V100 上完整训练 256 需要 40 小时，384 需要 53 小时，超过一天的限额，因此分几次训练。`--max_hours` 在时间用完的那一步之后保存并以退出码 124 结束；`--resume auto` 开始训练，或断点续训，继续该尺寸最近一次训练，优化器、学习率和最好结果都会恢复，在 epoch 中间也可以。两个训练共用一个计时：第一个用剩的时间归第二个。有数据集时，每天重新运行本 Notebook，直到两个训练都完成。没有数据集时，时间只够一步，以便看到中断和断点续训。

# %%
QUOTA = sitting() if PUBLISHED_RECIPE else f"{NARROW} --max_hours 1e-6"

# %%
# !python -u {ROOT}/train.py --dataset_root {DATA} --image_size 384 {QUOTA}

# %%
if not PUBLISHED_RECIPE:
    get_ipython().system(
        f"python -u {ROOT}/train.py --dataset_root {DATA} --image_size 384 --resume"
    )

# %% [markdown]
# ## 7. The curves
#
# Every run stores its values in `metrics.jsonl`. `paddle-pose plot` draws one or several runs,
# also **while they train**: run it in a terminal at any time. For live curves, and heatmaps of
# eight validation images, use VisualDL: `visualdl --logdir output` on your own computer, the
# VisualDL panel on AI Studio, with the folder `vdl` of the run as its log folder.
#
# What to expect: a loss that falls within the first hundred steps (in the original project from
# about 0.0027 to 0.00055 at 256, and from 0.0013 to 0.00032 at 384), and on MPII a Mean above 70
# after six epochs. Notebook 04 compares your curve with that of the original project.
#
# ## 7. 训练曲线
#
# 每次训练的数值保存在 `metrics.jsonl` 中。`paddle-pose plot` 画出一次或多次训练的曲线，**训练过程中**也可以在终端里随时运行。需要实时曲线以及八幅验证图像的热图时使用 VisualDL：在自己的电脑上运行 `visualdl --logdir output`，在 AI Studio 上使用 VisualDL 面板，日志目录设为该次训练的 `vdl` 文件夹。
#
# 应当看到：损失在前一百步之内下降（据原项目日志，256 从约 0.0027 降到约 0.00055，384 从约 0.0013 降到约 0.00032），在 MPII 上训练六个 epoch 之后 Mean 超过 70。Notebook 04 把原项目的曲线与自己的曲线放在一起。

# %%
RUNS = [Path(f"output/{size}_best_model/from_run.txt").read_text().strip() for size in (256, 384)]

# %%
# !python -m paddle_pose plot {RUNS[0]} {RUNS[1]} --output_file curves.png

# %%
show(cv2.resize(images.read_upright(Path("curves.png")), (560, 560), interpolation=cv2.INTER_AREA))

# %% [markdown]
# ## 8. Evaluation
#
# Again the commands of the original project, with a separate folder for each result. A joint
# counts as correct if its error is at most half the head size (`Mean`) or a tenth of it
# (`Mean@0.1`). The flip test is on: the network runs on the image and on the mirrored image.
#
# ## 8. 评估
#
# 仍是原项目的命令，只是各自指定结果目录。误差不超过头部尺寸的一半（`Mean`）或十分之一（`Mean@0.1`）的关键点视为预测正确。默认使用翻转测试（flip test）：网络对原图和镜像图各推理一次。

# %%
# !python {ROOT}/val.py --image_size 256 --pretrained_model output/256_best_model/model.pdparams --dataset_root {DATA} \
#     --output output/256_val

# %%
# !python {ROOT}/val.py --image_size 384 --pretrained_model output/384_best_model/model.pdparams --dataset_root {DATA} \
#     --output output/384_val

# %% [markdown]
# People that the networks were not trained on: the annotation in faint white, and the predictions
# at 256 (first row) and 384 (second row). Every joint is drawn, however low its peak.
#
# 未参与训练的人物：淡白色为标注，其上为预测结果，第一行 256，第二行 384。不论峰值高低，所有关键点都画出。


# %%
def tile(result, person, title, side=SIDE):
    """Returns a result's image with the annotated person (white) and the predicted pose, at the size of a tile."""
    drawing = visualize.draw_truth(result.image // 2, person, result.skeleton)
    drawing = visualize.draw_poses(drawing, result.poses, result.skeleton, threshold=-1.0)
    whole = geometry.box_window((0, 0, *drawing.shape[1::-1]), (side, side), 1.0)
    small = geometry.warp(drawing, whole.to_input((side, side)), (side, side))
    visualize.caption(small, title, (3, 12))
    return small


chosen, tiles = build.samples(config, DATA, "val")[:4], []
for size in (256, 384):
    model = pp.load_model(f"output/{size}_best_model/model.pdparams")
    for sample in chosen:
        person = sample.persons[0]
        tiles.append(
            tile(model.predict(sample.image_path, boxes=[person.box]), person, f"{size} x {size}")
        )
show(visualize.grid(tiles, columns=4))

# %% [markdown]
# ## 9. The result table
#
# PCKh on MPII's validation set, in percent. *Published* rows are results of others: those of
# mmpose 0.x are from its model zoo; those of the original Paddle project are, according to its
# logs, the best of 210 evaluations on the same validation set, and its flip test does not shift
# the flipped heatmaps. Rows of *this run* are read from the `scores.json` that `val.py` wrote
# above.
#
# ## 9. 结果
#
# MPII 验证集上的 PCKh（%）。标有 *published* 的行是他人发表的结果：mmpose 0.x 的结果来自其模型库（model zoo）；原 Paddle 项目的结果，据其日志，是在同一验证集上 210 次评估取最优，其翻转测试不做热图平移。*this run* 各行来自上面 `val.py` 写出的 `scores.json`。

# %%
from paddle_pose.configs.published import PUBLISHED, numbers_of

ORIGINAL = {one.config: one.values for one in PUBLISHED if one.who == "original Paddle project"}


def row(size, values, source):
    """Returns a line of the table."""
    return f"| {size} | {values['Mean']:.5g} | {values['Mean@0.1']:.5g} | {source} |"


def this_run(size):
    """Returns the line of the result that val.py wrote."""
    scores = json.loads(Path(f"output/{size}_val/scores.json").read_text())
    people = f"{scores['protocol']['people']} {'people of MPII' if REAL else 'synthetic people, not comparable'}"
    network = "published recipe" if PUBLISHED_RECIPE else f"narrow network, {EPOCHS} epochs"
    return row(size, scores["values"], f"**this run**: {people}; {network}")


lines = ["| input | Mean | Mean@0.1 | whose |", "|---|---|---|---|"]
for size in (256, 384):
    lines.append(
        row(size, numbers_of(registry.for_image_size(size).name), "*published*, mmpose 0.x")
    )
    lines.append(
        row(
            size,
            ORIGINAL[f"hourglass52_mpii_{size}"],
            "*published*, original project, best of 210 evaluations",
        )
    )
    lines.append(this_run(size))
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## 10. Poses in any image, in three lines
#
# The weights have their config beside them. `boxes` are the people, `(x, y, width, height)` in
# pixels; with `detector=None` the whole image is one person's window; without both, a detector,
# which is downloaded once, finds the people first. The result is displayed. `predict.py` does the
# same from the command line.
#
# ## 10. 三行代码预测姿态
#
# 权重旁边保存着配置。`boxes` 是人体框 `(x, y, 宽, 高)`，单位为像素；`detector=None` 把整幅图像作为一个人的窗口；两者都不给时，先用检测器（只下载一次）检测人体。结果会自动显示。命令行的 `predict.py` 功能相同。

# %%
model = pp.load_model("output/256_best_model/model.pdparams")
result = model.predict(chosen[0].image_path, detector=None)
result

# %%
for joint, (x, y), score in zip(result.joints, result.keypoints[0], result.scores[0], strict=True):
    print(f"{joint:15} x {x:6.1f}  y {y:6.1f}  score {score:.2f}")

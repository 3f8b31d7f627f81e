# ruff: noqa: RUF003 - Chinese has its own punctuation
# Paired with 02_maps.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 02 · Maps, there and back
#
# A pose network does not answer with coordinates but with maps. A *codec* draws the maps that it is taught (there), and reads
# coordinates from the maps that it answers (back). Here nothing is trained: perfect maps go in, and whatever is wrong with
# the points that come out is the codec's own error, which no training can remove. Mean@0.1 of PCKh and AP at high thresholds
# depend on it. All of it is NumPy and takes seconds.
#
# 姿态网络输出的不是坐标，而是特征图。**编解码器**（codec）画出训练用的目标图（去），再从网络输出的图中读出坐标（回）。
# 本笔记不训练网络：输入完美的图，读出的点若有误差，就是编解码器自身的误差，任何训练都无法消除。
# PCKh 的 Mean@0.1 和高阈值下的 AP 正取决于此。全部由 NumPy 完成，只需几秒。

# %% [markdown]
# ## 1. The machine
#
# ## 1. 运行环境

# %%
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

from paddle_pose.engine import machine

print(machine.probe())

# %% [markdown]
# ## 2. Settings
#
# `DATA` is a folder in MPII's layout (notebook 01 makes it). Without it people are drawn: for perfect maps it makes no
# difference whose joints they are.
#
# ## 2. 设置
#
# `DATA` 是 MPII 目录结构的文件夹（由笔记 01 生成）；没有时绘制人物：对完美的图来说，关节属于谁并不重要。

# %% tags=["parameters"]
DATA = "output/notebook_01/data"  # folder in MPII's layout, seen from the project
WORK = "output/notebook_02"  # folder for synthetic people, seen from the project
POINTS = 3200  # joints to send there and back

# %%
from paddle_pose import build, visualize
from paddle_pose.configs import registry
from paddle_pose.data import coco, dataset, framing
from paddle_pose.data.synthetic import dataset as synthetic
from paddle_pose.data.synthetic.body import Style

REAL = Path(DATA, "annotations/mpii_val.json").is_file()
if not REAL:
    synthetic.write_mpii(Path(WORK, "mpii"), num_train=4, num_val=4)
root = Path(DATA) if REAL else Path(WORK, "mpii")
print(
    "People:", root if REAL else "drawn, since there is no data set. With the archive, first run:"
)
if not REAL:
    print(
        "python -m paddle_pose prepare_mpii /home/aistudio/data/data107551/mpii.tar.gz --output",
        DATA,
    )

# %% [markdown]
# ## 3. There: heatmaps
#
# `HeatmapCodec` (Hourglass, HRNet, SimpleBaseline) draws one map per joint: a Gaussian whose peak is 1. A cell of the map is
# 4 x 4 px of the input (`stride`), so 256 px become 64 cells. Below: a person's window with the sixteen targets laid over it.
#
# ## 3. 去：热图
#
# `HeatmapCodec`（Hourglass、HRNet、SimpleBaseline）为每个关节画一张图：峰值为 1 的高斯。图的一格对应输入的 4 x 4 像素
# （`stride`），所以 256 像素变成 64 格。下图为一个人的窗口，上面叠加十六个目标。

# %%
import cv2
import numpy as np
from IPython.display import Image, Markdown, display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


config = registry.for_image_size(256)
codec = config.codec
sample = build.samples(config, root, "val")[0]
keypoints, visible = dataset.input_keypoints(sample, sample.window, codec)
crop = dataset.crop(sample, sample.window, codec)
targets = codec.encode(keypoints, visible)
print({name: array.shape for name, array in targets.items()})
small = cv2.resize(crop, (128, 128), interpolation=cv2.INTER_AREA)
show(visualize.draw_heatmaps(small, targets["heatmaps"], codec.skeleton))

# %% [markdown]
# ## 4. Back: four ways to read a peak
#
# The published target rounds the joint to the nearest cell before it draws the Gaussian: where in the cell the joint was is
# lost. Three remedies exist, and they concern different halves of the journey:
#
# - **quarter** (Newell; HRNet's default) reads: from the highest cell, a quarter cell towards the higher neighbour;
# - **DARK** reads, too: the logarithm of a Gaussian is a parabola, so one Newton step leads to its summit. Its targets are
#   drawn round the exact place (`unbiased`);
# - **UDP** changes what a cell *is*: the corner cells lie on the corner pixels, so that 64 cells span 255 px and not 256. It
#   draws exact targets and reads by a Newton step.
#
# The table: mean distance between what went in and what came out, in px of the 256 px input. Read it by columns. On rounded
# targets nothing helps, their error is in the map: up to half a cell each way, 0.38 cells on average, 1.5 px.
#
# ## 4. 回：读取峰值的四种方法
#
# 论文中的目标先把关节取整到最近的格，再画高斯：关节在格内的位置就此丢失。补救方法有三种，作用于不同的环节：
#
# - **quarter**（Newell；HRNet 的默认方法）改进读取：从最高的格向较高的邻格移动四分之一格；
# - **DARK** 同样改进读取：高斯的对数是抛物面，一步牛顿法即到顶点；其目标围绕精确位置绘制（`unbiased`）；
# - **UDP** 改变格的**含义**：角上的格落在角上的像素，64 格跨越 255 而不是 256 像素；目标精确，读取也用一步牛顿法。
#
# 表中是输入与读出之间的平均距离，单位为 256 像素输入中的像素，请按列阅读。对取整的目标，任何读法都无济于事，
# 误差已在图中：每个方向最多半格，平均 0.38 格，即 1.5 像素。

# %%
JOINTS = codec.skeleton.num_joints
rng = np.random.default_rng(0)
points = rng.uniform(40, 215, (POINTS // JOINTS, JOINTS, 2))  # input px, away from the border
rounded = codec
exact = replace(codec, unbiased=True)
udp = replace(codec, alignment="udp")
CODECS = {"rounded (published)": rounded, "exact (DARK)": exact, "UDP": udp}


def draw(codec, points):
    """Returns heatmaps [N, 1, K, h, w] of points [N, K, 2] in input px."""
    return np.stack(
        [codec.encode(person[None], np.ones((1, JOINTS)))["heatmaps"][None] for person in points]
    )


def read(codec, maps, decode_by):
    """Returns points [N, K, 2] in input px."""
    return np.concatenate(
        [
            poses.keypoints
            for poses in replace(codec, decode_by=decode_by).decode({"heatmaps": maps})
        ]
    )


def table(maps_of):
    """Returns the mean distance in px for every codec and every way of reading."""
    lines = ["| targets | argmax | quarter | Newton step |", "|---|---|---|---|"]
    for name, codec in CODECS.items():
        maps = maps_of(codec)
        off = [
            np.linalg.norm(read(codec, maps, way) - points, axis=-1).mean()
            for way in ("argmax", "quarter", "dark")
        ]
        lines.append(f"| {name} | " + " | ".join(f"{mean:.3f}" for mean in off) + " |")
    return Markdown("\n".join(lines))


display(table(lambda codec: draw(codec, points)))

# %% [markdown]
# Why it matters where in its cell a joint lies: the error in x, against the joint's place between the centres of two cells.
# `argmax` is right on a cell's centre and half a cell off at its edge; `quarter` is wrong by a quarter on the centre too, but
# never by more; the Newton step is right everywhere. (Exact targets; on average argmax is a quarter of a cell off in x, quarter
# an eighth.)
#
# 关节在格内的位置为何重要：下图为 x 方向的误差，横轴是关节相对于格中心的位置。`argmax` 在格中心没有误差，在边缘差半格；
# `quarter` 在中心也差四分之一格，但不会更多；牛顿法处处正确。（精确目标；`argmax` 在 x 方向平均差四分之一格，`quarter` 八分之
# 一格。）


# %%
def plot(curves, x_label, y_label):
    """Shows curves {name: (x, y)}."""
    figure = Figure(figsize=(7, 3.2), dpi=90, layout="constrained")
    canvas, axis = FigureCanvasAgg(figure), figure.add_subplot()
    for name, (x, y) in curves.items():
        axis.plot(x, y, "o-", label=name, markersize=3)
    axis.set(xlabel=x_label, ylabel=y_label, ylim=(0, None))
    axis.legend(frameon=False)
    canvas.draw()
    show(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def by_place(maps, way, bins=20):
    """Returns the centres of bins of the place within a cell, and the mean error in x in cells."""
    place = points[..., 0] / codec.stride
    place = place - np.round(place)
    error = np.abs(read(exact, maps, way) - points)[..., 0] / codec.stride
    number = ((place + 0.5) * bins).astype(int).clip(0, bins - 1)
    means = [error[number == n].mean() for n in range(bins) if (number == n).any()]
    return [(n + 0.5) / bins - 0.5 for n in range(bins) if (number == n).any()], means


maps = draw(exact, points)
plot(
    {way: by_place(maps, way) for way in ("argmax", "quarter", "dark")},
    "place of the joint between cells' centres, cells",
    "mean error in x, cells",
)

# %% [markdown]
# ## 5. What a trained network answers
#
# If rounded targets lose the place in the cell, why do the quarter step and DARK raise the scores of networks that were trained
# on them? Because a network does not know exactly where the joint is. Trained with the squared error, it answers the *mean*
# of the targets of all images that look alike to it, and the mean of blobs rounded to different cells leans towards the
# true place. Below the joint's place is uncertain by about 0.7 cells (normal, 64 draws averaged): now the published targets
# and the quarter step do well, and DARK's reading does better. This is a simulation of that argument, not a measurement of
# a network; `paddle-pose compare` measures yours, see the end.
#
# ## 5. 训练好的网络输出什么
#
# 既然取整的目标丢失了格内位置，为什么 quarter 和 DARK 仍能提高用这种目标训练的网络的成绩？因为网络并不确切知道关节的位置。
# 以平方误差训练时，它输出的是所有看起来相似的图像的目标的**平均**；取整到不同格的高斯平均之后，会偏向真实位置。
# 下表假设关节位置有约 0.7 格的不确定性（正态分布，64 次平均）：此时论文的目标配合 quarter 就已不错，DARK 的读法更好。
# 这只是对上述论点的模拟，不是对网络的测量；测量自己的网络请用文末的 `paddle-pose compare`。


# %%
def uncertain(codec, spread=0.7, draws=64):
    """Returns the mean of the targets of joints whose place is uncertain, [N, 1, K, h, w]."""
    rng, total = np.random.default_rng(1), 0.0
    for _ in range(draws):
        total = total + draw(codec, some + rng.normal(0, spread * codec.stride, some.shape)) / draws
    return total


some = points[: max(1, len(points) // 20)]
every, points = points, some  # `table` compares with `points`
display(table(uncertain))
points = every

# %% [markdown]
# ## 6. The grid: 256 or 384
#
# With 384 px the same window has 96 x 96 cells, so that a cell covers two thirds of what it covers at 256. The table is in px
# of a photograph whose window is 320 px wide, for exact targets. The codec's error shrinks with the cell; the way of reading
# matters more than the grid: a quarter step at 192 beats argmax at 256, and a Newton step on perfect maps leaves nothing at
# any size.
#
# ## 6. 网格大小：256 还是 384
#
# 输入 384 像素时，同一窗口有 96 x 96 格，一格覆盖的范围是 256 时的三分之二。表中单位是照片的像素（窗口宽 320 像素），目标为精
# 确目标。编解码器的误差与格的大小成正比；读法比网格更重要：192 时的 quarter 好于 256 时的 argmax，而对完美的图，牛顿法在任何
# 尺寸都几乎没有误差。

# %%
lines = ["| input | cells | argmax | quarter | Newton step |", "|---|---|---|---|---|"]
for size in (128, 192, 256, 384):
    of_size = replace(exact, input_size=(size, size))
    inside = some * size / 256
    maps = draw(of_size, inside)
    off = [
        np.linalg.norm(read(of_size, maps, way) - inside, axis=-1).mean()
        for way in ("argmax", "quarter", "dark")
    ]
    lines.append(
        f"| {size} | {size // 4} | " + " | ".join(f"{mean * 320 / size:.3f}" for mean in off) + " |"
    )
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## 7. The flip test and its shift
#
# The flip test averages the maps with those of the mirrored image, mirrored back. Pixel x becomes W - 1 - x, cell c becomes
# w - 1 - c, and a cell is four pixels wide: the mirrored maps come back 3 px (three quarters of a cell) too far left. The
# published remedy moves them by one whole cell, 4 px, so that 1 px remains, and half of it in the mean of both. Under UDP
# nothing is left, since cells and pixels mirror onto each other. The table: mean error in x, with its sign, of the averaged
# maps read by a Newton step.
#
# ## 7. 翻转测试及其平移
#
# 翻转测试把原图的输出与镜像图的输出（再镜像回来）取平均。像素 x 变为 W - 1 - x，格 c 变为 w - 1 - c，而一格宽四个像素：
# 镜像回来的图偏左 3 像素（四分之三格）。论文的做法是平移一整格，即 4 像素，还剩 1 像素，两者平均后剩一半。
# UDP 中格与像素的镜像一致，没有残差。表中是平均后的图用牛顿法读取时 x 方向带符号的平均误差。


# %%
def flip_test(codec, shift):
    """Returns the mean error in x, px, of maps averaged with those of the mirrored image."""
    mirrored = points[:, list(codec.skeleton.flip)] * (-1, 1) + (codec.input_size[0] - 1, 0)
    back = codec.mirror({"heatmaps": draw(codec, mirrored)}, shift)["heatmaps"]
    return (read(codec, (draw(codec, points) + back) / 2, "dark") - points)[..., 0].mean()


rows = [
    ("exact, without shift", exact, False),
    ("exact, shifted by a cell", exact, True),
    ("UDP", udp, False),
]
lines = ["| codec | bias in x, px |", "|---|---|"]
lines += [f"| {name} | {flip_test(codec, shift):+.3f} |" for name, codec, shift in rows]
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## 8. Sigma
#
# Near its top a wide Gaussian is flat, so that little noise moves the highest cell: `argmax` and `quarter` lose with every
# step of sigma. The Newton step smooths first, with a kernel as wide as the blob, and hardly cares; only below one cell are
# there too few cells to fit a parabola to. Below, the maps carry noise of 2 % and 5 % of the peak. Then why 2 for 64 cells
# and 3 for 96, as published? Because the map has to be learned: a narrow blob is a handful of cells among thousands of zeros,
# answering zeros everywhere costs next to nothing, and the training stays there.
#
# ## 8. Sigma
#
# 宽的高斯顶部平坦，少许噪声就会移动最高的格：sigma 越大，`argmax` 和 `quarter` 越差。牛顿法先用与高斯同宽的核平滑，几乎不受影
# 响；只有 sigma 小于一格时，格数太少，难以拟合抛物面。下图中的热图带有峰值 2% 和 5% 的噪声。那么论文为何 64 格取 2、96 格取
# 3？因为图要学得出来：太窄的高斯只是几千个零当中的几格，处处输出零的代价几乎为零，训练便停在那里。

# %%
sigmas, curves = (0.75, 1.0, 1.5, 2.0, 3.0, 4.0), {}
for noise in (0.02, 0.05):
    for way in ("quarter", "dark"):
        means = []
        for sigma in sigmas:
            wide = replace(exact, sigma=sigma)
            maps = draw(wide, some)
            maps = maps + np.random.default_rng(2).normal(0, noise, maps.shape)
            means.append(np.linalg.norm(read(wide, maps, way) - some, axis=-1).mean())
        curves[f"{way}, noise {noise:.0%}"] = sigmas, means
plot(curves, "sigma, cells", "mean error, px")

# %% [markdown]
# ## 9. MoveNet's four maps
#
# `MoveNetCodec` keeps the place in the cell in a map of its own: the *offsets* (x, y of every joint, in cells). So rounding
# loses nothing. And it holds several people: *centres* say where somebody is, *regressions* lead from there to each joint's
# cell, *heatmaps* say where joints are, whoever's they may be. What is encoded is decoded exactly; take one of the maps away,
# and see what it was for.
#
# ## 9. MoveNet 的四种图
#
# `MoveNetCodec` 把格内位置存在专门的图中：**偏移**（每个关节的 x、y，单位为格），所以取整不丢失信息。它还能容纳多人：
# **中心**图表示哪里有人，**回归**图从中心指向每个关节所在的格，**热图**表示哪里有关节，不论属于谁。
# 编码后再解码，结果完全一致；去掉其中一种图，就能看出它的作用。

# %%
crowd = replace(registry.find("movenet_lightning_coco").codec, max_persons=6)
folder = Path(WORK, "coco")
synthetic.write_coco(
    folder, num_train=1, num_val=8, size=(256, 192), persons=(2, 3), style=Style(overlap=0.5)
)
groups = framing.one_per_image(coco.read_coco(folder, "val"), crowd.input_size)


def encoded(group):
    """Returns a group's keypoints, visible joints and maps."""
    keypoints, visible = dataset.input_keypoints(group, group.window, crowd)
    boxes = dataset.input_boxes(group, group.window, crowd)
    return keypoints, visible > 0, crowd.encode(keypoints, visible, boxes)


seen = cv2.resize(dataset.crop(groups[0], groups[0].window, crowd), (144, 144))
show(visualize.draw_maps(seen, crowd.visualize(encoded(groups[0])[2])))


# %%
def distances(keypoints, visible, maps):
    """Returns how far decoded joints are from the person's own, px: of every joint, its nearest decoded person's."""
    (poses,) = crowd.decode({name: maps[name][None] for name in crowd.outputs})
    off = np.linalg.norm(poses.keypoints[:, None] - keypoints[None], axis=-1)  # [found, P, K]
    mean = (off * visible).sum(axis=-1) / np.maximum(visible.sum(axis=-1), 1)
    return off[mean.argmin(axis=0), np.arange(len(keypoints))][visible]


lines = ["| without | mean error, px | joints more than 8 px off |", "|---|---|---|"]
for name in ("nothing", "offsets", "regressions"):
    off = []
    for group in groups:
        keypoints, visible, maps = encoded(group)
        maps = {
            key: np.zeros_like(values) if key == name else values for key, values in maps.items()
        }
        off.append(distances(keypoints, visible, maps))
    off = np.concatenate(off)
    lines.append(f"| {name} | {off.mean():.3f} | {(off > 8).mean():.1%} |")
display(Markdown("\n".join(lines)))

# %% [markdown]
# ## 10. Your own network
#
# How its maps are best read is a question for the validation set, and needs no training: every way of reading, with and without
# the flip test and its shift, in one pass. Say in a report which one a number belongs to.
#
# ## 10. 自己的网络
#
# 用哪种方法读取最好，由验证集回答，不需要重新训练：一次推理比较所有读法，含翻转测试及其平移。报告数值时请注明读法。

# %%
print(
    "python -m paddle_pose compare --pretrained_model output/256_best_model/model.pdparams --dataset_root",
    DATA,
)

# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 02_maps.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 02 · Encoding and decoding heatmaps
#
# A pose network predicts maps, not coordinates. A *codec* encodes joints as target maps for
# training, and decodes predicted maps to coordinates. Nothing is trained here: ideal maps are
# decoded, so every error of the result is the codec's own, which no training can remove. PCKh's
# Mean@0.1 and AP at high thresholds depend on it. All of it is NumPy and takes seconds.
#
# # 02 · 热图的编码与解码
#
# 姿态网络输出的不是坐标，而是输出特征图，例如热图（heatmap，热力图）。**编解码器**（codec）把关键点编码成训练用的目标热图，再把网络输出的热图解码成坐标。本 Notebook 不训练网络：对理想热图解码，所得的误差就是编解码器自身的误差（量化误差），任何训练都无法消除。PCKh 的 Mean@0.1 和高阈值下的 AP 取决于它。全部由 NumPy 完成，只需几秒。

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
# `DATA` is a folder in MPII's layout (notebook 01 makes it). Without it, synthetic people are
# created: for ideal maps the source of the joints does not matter.
#
# ## 2. 设置
#
# `DATA` 是 MPII 目录结构的文件夹（由 Notebook 01 生成）；没有时生成合成人物：对理想热图来说，关键点的来源并不重要。

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
# ## 3. Encoding: heatmaps
#
# `HeatmapCodec` (Hourglass, HRNet, SimpleBaseline) creates one map per joint, a Gaussian with peak
# 1. A cell of the map corresponds to 4 x 4 px of the input (`stride`), so 256 px become 64 cells.
# Below: the window of a person with the sixteen targets.
#
# ## 3. 编码：生成热图
#
# `HeatmapCodec`（Hourglass、HRNet、SimpleBaseline）为每个关键点生成一张热图：峰值为 1 的高斯。热图的一个像素（以下称为格）对应输入的 4 x 4 像素（`stride`），所以 256 像素变成 64 格。下图为一个人的窗口，叠加十六张目标热图。

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
# ## 4. Decoding: four methods
#
# The published target rounds the joint to the nearest cell before the Gaussian is drawn: the
# position within the cell is lost. Three methods address this, in different steps:
#
# - **quarter** (Newell; HRNet's default) changes decoding: from the highest cell, a quarter of a
#   cell towards the higher neighbour;
# - **DARK** changes decoding, too: the logarithm of a Gaussian is a paraboloid, so one Newton step
#   leads to its maximum. Its targets are centred on the exact position (`unbiased`);
# - **UDP** changes the definition of a cell: the corner cells lie on the corner pixels, so that 64
#   cells span 255 px instead of 256. Its targets are exact, and decoding uses a Newton step.
#
# The table shows the mean distance between the encoded and the decoded position, in px of the 256
# px input. Compare within a column: with rounded targets no decoding method helps, because the
# error is in the map: up to half a cell in each direction, 0.38 cells or 1.5 px on average.
#
# ## 4. 解码：四种峰值解码方法
#
# 论文中的目标热图先把关键点坐标量化到最近的格，再画高斯：格内的位置（亚像素信息）就此丢失，即量化误差。有三种方法，作用于不同的环节：
#
# - **quarter**（Newell；HRNet 的默认方法）改变解码：从最高的格向次高的相邻格偏移 1/4 格；
# - **DARK** 同样改变解码：高斯的对数是抛物面，一步牛顿法即到顶点；其目标热图以精确位置为中心（`unbiased`）；
# - **UDP** 改变格的**定义**：角上的格位于角上的像素，64 格跨越 255 而不是 256 像素；目标热图是精确的，解码也用一步牛顿法。
#
# 表中是编码前与解码后位置之间的平均距离，单位为 256 像素输入中的像素，请按列比较。对量化的目标热图，任何解码方法都无济于事，误差已在热图中：每个方向最多半格，平均 0.38 格，即 1.5 像素。

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
# Why the position within a cell matters: the error in x, against the position of the joint between
# the centres of two cells. `argmax` has no error at a cell's centre and half a cell at its edge;
# `quarter` is off by a quarter of a cell at the centre, but never by more; the Newton step is
# exact everywhere. (Exact targets; the mean error in x is a quarter of a cell for argmax, an
# eighth for quarter.)
#
# 关键点在格内的位置为何重要：下图为 x 方向的误差，横轴是关键点在两个格中心之间的位置。`argmax` 在格中心没有误差，在边缘差半格；`quarter` 在中心差 1/4 格，但不会更多；牛顿法处处精确。（精确的目标热图；x 方向的平均误差，`argmax` 为 1/4 格，`quarter` 为 1/8 格。）


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
# ## 5. The output of a trained network
#
# If rounded targets lose the position within the cell, why do quarter and DARK improve networks
# that were trained on them? Because a network does not know the exact position of the joint.
# Trained with the squared error, it predicts the *mean* of the targets of all images that look
# alike to it, and the mean of Gaussians rounded to different cells is shifted towards the true
# position. Below, the position of the joint has an uncertainty of about 0.7 cells (normal
# distribution, mean of 64 samples): now the published targets work well with quarter, and better
# with DARK's decoding. This simulates the argument, it does not measure a network; `paddle-pose
# compare` measures yours, see the end.
#
# ## 5. 训练好的网络的输出
#
# 既然量化的目标热图丢失了格内位置，为什么 quarter 和 DARK 仍能提高用它训练的网络的精度？因为网络并不确切知道关键点的位置。以平方误差训练时，它输出的是所有看起来相似的图像的目标热图的**平均**；量化到不同格的高斯平均之后，会偏向真实位置。下表假设关键点位置有约 0.7 格的不确定性（正态分布，64 次平均）：此时论文的目标热图配合 quarter 效果良好，DARK 的解码更好。这是对上述论点的模拟，不是对网络的测量；测量自己的网络请用文末的 `paddle-pose compare`。


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
# ## 6. Input size: 256 or 384
#
# With 384 px the same window has 96 x 96 cells, so a cell has two thirds of the side length that
# it has at 256. The table is in px of a photograph whose window is 320 px wide, for exact targets.
# The codec's error is proportional to the cell size; the decoding method matters more than the
# input size: quarter at 192 is better than argmax at 256, and with ideal maps the Newton step has
# almost no error at any size.
#
# ## 6. 输入尺寸：256 还是 384
#
# 输入 384 像素时，同一窗口有 96 x 96 格，一格的边长是 256 时的三分之二。表中单位是照片的像素（窗口宽 320 像素），目标热图是精确的。编解码器的误差与格的大小成正比；解码方法比输入尺寸更重要：192 时的 quarter 好于 256 时的 argmax；对理想热图，牛顿法在任何尺寸都几乎没有误差。

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
# The flip test averages the maps with those of the mirrored image, mirrored back. Pixel x becomes
# W - 1 - x, cell c becomes w - 1 - c, and a cell is four pixels wide: the maps of the mirrored
# image are 3 px (three quarters of a cell) too far left. The published method shifts them by one
# cell, 4 px, so that 1 px remains, and half of it in the mean of both. With UDP no error remains,
# because cells and pixels are mirrored in the same way. The table shows the signed mean error in x
# of the averaged maps, decoded by a Newton step.
#
# ## 7. 翻转测试及其平移
#
# 翻转测试（flip test）把原图的热图与镜像图的热图（再翻转回来）取平均。像素 x 变为 W - 1 - x，格 c 变为 w - 1 - c，而一格宽四个像素：翻转回来的热图偏左 3 像素（3/4 格）。论文的做法是把它平移 1 格（shift），即 4 像素，还剩 1 像素的误差，两者平均后剩一半。UDP 中格与像素的镜像方式一致，没有误差。表中是平均后的热图用牛顿法解码时 x 方向带符号的平均误差。


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
# A wide Gaussian is flat near its peak, so that little noise moves the highest cell: `argmax` and
# `quarter` become worse with increasing sigma. The Newton step smooths first, with a kernel of the
# Gaussian's width, and is hardly affected; only below one cell there are too few cells to fit a
# paraboloid. Below, the maps have noise of 2 % and 5 % of the peak. Why then are the published
# values 2 for 64 cells and 3 for 96? Because the map has to be learned: a narrow Gaussian covers a
# few cells among thousands of zeros, predicting zeros everywhere has nearly no loss, and the
# training stops improving there.
#
# ## 8. Sigma
#
# 宽的高斯顶部平坦，少许噪声就会移动最高的格：sigma 越大，`argmax` 和 `quarter` 越差。牛顿法先用与高斯同宽的核平滑，几乎不受影响；只有 sigma 小于一格时，格数太少，难以拟合抛物面。下图中的热图带有峰值 2% 和 5% 的噪声。那么论文为何 64 格取 2、96 格取 3？因为热图需要能被学会：太窄的高斯只是几千个零当中的几格，处处输出零的损失几乎为零，训练便停滞在那里。

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
# ## 9. MoveNet's four kinds of maps
#
# `MoveNetCodec` stores the position within the cell in maps of its own, the *offsets* (x, y of
# every joint, in cells), so rounding loses nothing. It also supports several people: *centers*
# state where people are, *regressions* point from a centre to the cell of each joint, *heatmaps*
# state where joints are, of whichever person. Encoded joints are decoded exactly; leave out one
# kind of map to see its purpose.
#
# ## 9. MoveNet 的四个输出分支
#
# `MoveNetCodec` 把格内位置存在专门的特征图中：**偏移**（offsets，每个关键点的 x、y，单位为格），所以量化不丢失信息。它还支持多人：**中心热图**（centers）表示哪里有人，**回归**（regressions）从中心指向每个关键点所在的格，**关键点热图**（heatmaps）表示哪里有关键点，不论属于谁。编码后再解码，结果完全一致；去掉其中一种，就能看出它的作用。

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
# Which decoding method is best is decided on the validation set, without training: one pass
# evaluates every method, with and without the flip test and its shift. State the method when you
# report a result.
#
# ## 10. 自己的网络
#
# 哪种解码方法最好，由验证集决定，不需要重新训练：一次推理即可评估所有解码方法，含翻转测试及其平移。报告结果时请注明解码方法。

# %%
print(
    "python -m paddle_pose compare --pretrained_model output/256_best_model/model.pdparams --dataset_root",
    DATA,
)

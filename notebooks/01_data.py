# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 01_data.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 01 · The data
#
# Most failures of a training come from the data: joints that are off by one pixel, swapped sides,
# missing images. This notebook unpacks MPII, counts and views it, shows which part of an image is
# the network's input and how augmentation varies it, and runs the dataset check on everything.
# Nothing is trained here; notebook 03 continues with the same folder.
#
# # 01 · 数据准备
#
# 训练失败大多源于数据：关键点（MPII 称为关节）差一个像素、左右互换、图像缺失。本 Notebook 解压 MPII、统计并查看数据，说明图像的哪一部分是网络的输入、数据增强如何改变它，最后对全部数据运行数据检查脚本。这里不训练；Notebook 03 接着使用同一文件夹。

# %% [markdown]
# ## 1. The machine
#
# ## 1. 运行环境

# %%
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
# On AI Studio, every reset restores `/home/aistudio/data`, while the rest of `/home/aistudio` is
# kept: so unpack into the project. The unpacked images need about as much space as the archive.
# Without an archive, synthetic people are created and packed in the same way, including the `._*`
# files that macOS adds, so that the same command can be run.
#
# ## 2. 设置
#
# 在 AI Studio 上，每次重置都会恢复 `/home/aistudio/data`，`/home/aistudio` 下的其他内容会保留，所以请解压到项目中。解压后的图像还需要与压缩包差不多大的空间。没有压缩包时，生成合成人物（程序绘制），并以同样的方式打包，包括 macOS 加入的 `._*` 文件，因此可以运行同样的命令。

# %% tags=["parameters"]
ARCHIVE = "/home/aistudio/data/data107551/mpii.tar.gz"
WORK = "output/notebook_01"  # folder, seen from the project
DATA = "data"  # the data set's folder, seen from WORK
PEOPLE = (48, 16)  # drawn for training and validation where there is no archive

# %%
import tarfile

from paddle_pose.data.synthetic import dataset as synthetic

Path(WORK).mkdir(parents=True, exist_ok=True)
os.chdir(WORK)
ROOT = os.path.relpath(PROJECT)  # the project, seen from here
REAL = Path(ARCHIVE).is_file()
archive = ARCHIVE if REAL else "drawn.tar.gz"
if not REAL:
    print(f"There is no {ARCHIVE}: drawing {PEOPLE[0]} + {PEOPLE[1]} people instead.")
    synthetic.write_mpii(Path("drawn"), num_train=PEOPLE[0], num_val=PEOPLE[1])
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("images", "annotations"):
            tar.add(f"drawn/{name}", f"mpii/{name}")
        tar.add("drawn/synthetic.json", "mpii/images/._000000001.jpg")
print(
    f"Archive: {archive}, {Path(archive).stat().st_size / 1e9:.3f} GB; free disk: {here.free_disk / 1e9:.0f} GB"
)

# %% [markdown]
# ## 3. Unpacking and counting
#
# An interrupted command continues when it is run again; after it has finished, running it again
# changes nothing. The published counts are printed beside those found: 22,246 people in 14,679
# training images, 2,958 people in 2,729 validation images. This is the split of Tompson et al.,
# which all papers use; the joints of the official test set are not public.
#
# ## 3. 解压与统计
#
# 命令中断之后再次运行即可继续；完成之后再运行则不做任何改动。统计结果旁边打印公布的数量：训练集 14,679 幅图像中有 22,246 人，验证集 2,729 幅图像中有 2,958 人。划分沿用 Tompson 等人，所有论文都用它；官方测试集的关键点没有公开。

# %%
# !python -m paddle_pose prepare_mpii {archive} --output {DATA}

# %%
for folder in sorted(path for path in Path(DATA).iterdir() if path.is_dir()):
    files = sorted(path.name for path in folder.iterdir())
    print(f"{folder}/  {len(files)} files: {', '.join(files[:4])} …")

# %% [markdown]
# COCO needs no unpacking command: put `train2017/`, `val2017/` and
# `annotations/person_keypoints_{train,val}2017.json` into one folder; 149,813 people of train2017
# have labelled joints. Notebook 05 makes MoveNet's single-person crops from it.
#
# COCO 不需要解压命令：把 `train2017/`、`val2017/` 和 `annotations/person_keypoints_{train,val}2017.json` 放在同一文件夹即可；train2017 中有 149,813 人标有关键点。Notebook 05 由它制作 MoveNet 的单人裁剪数据。

# %% [markdown]
# ## 4. A record, before and after reading
#
# In MPII, pixel coordinates start at 1, a person has a centre and a `scale` in units of 200 px
# instead of a box, and unknown joints are marked with -1. Only the reader handles these
# conventions; it returns what the whole project uses: 0-based pixel coordinates, a box, `visible`
# 0 or 1, and for validation the head size, by which PCKh normalizes errors.
#
# ## 4. 一条记录：读取前后
#
# MPII 的像素坐标从 1 开始，每个人没有框，而有中心和以 200 像素为单位的 `scale`，未知的关键点记为 -1。只有读取标注的代码处理这些约定，它返回全项目统一的形式：从 0 开始的像素坐标、人体框、`visible` 为 0 或 1；验证集还有头部尺寸，PCKh 以它归一化误差。

# %%
import json

from paddle_pose import build
from paddle_pose.configs import registry

record = json.loads(Path(DATA, "annotations/mpii_val.json").read_text())[0]
print({key: value[:3] if isinstance(value, list) else value for key, value in record.items()})

config = registry.for_image_size(256)
skeleton = config.codec.skeleton
training = build.samples(config, DATA, "train")
validation = build.samples(config, DATA, "val")
person = validation[0].persons[0]
print("keypoints:", person.keypoints[:3].round(2).tolist(), "visible:", person.visible[:3].tolist())
print("box:", [round(value, 1) for value in person.box], f"head: {person.head_size:.1f} px")

# %% [markdown]
# Which joints are labelled, and how large people are. In MPII ankles and knees are missing most
# often, because they are outside the image; they are also the joints with the lowest accuracy.
#
# 哪些关键点有标注，人有多大。MPII 中缺失最多的是踝和膝，因为它们常在图像之外；它们也是精度最低的关键点。

# %%
import cv2
import numpy as np
from IPython.display import Image, display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from paddle_pose import geometry, visualize
from paddle_pose.data import augment, dataset
from paddle_pose.io import images
from paddle_pose.structures import Poses


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


people = [sample.persons[0] for sample in training]
figure = Figure(figsize=(9, 3.4), dpi=85, layout="constrained")
canvas, (left, right) = FigureCanvasAgg(figure), figure.subplots(1, 2)
left.barh(
    skeleton.joints,
    100 * np.mean([person.visible > 0 for person in people], axis=0),
    color="#0072b2",
)
left.set(xlabel="labelled, % of people", xlim=(0, 100))
left.invert_yaxis()
right.hist([max(person.box[2:]) for person in people], bins=20, color="#d55e00")
right.set(xlabel="longer side of the box, px", ylabel="people")
canvas.draw()
show(np.asarray(canvas.buffer_rgba())[..., :3].copy())

# %% [markdown]
# ## 5. Viewing the data
#
# No check replaces viewing the images. The person's left is blue, the right orange: **seen from
# the front, blue is on the right of the image.** If it is the other way round for most people,
# left and right are swapped.
#
# ## 5. 查看数据
#
# 任何检查都不能代替查看图像。人物自己的左侧为蓝色，右侧为橙色：**从正面看，蓝色在画面右边。** 如果大多数人相反，说明左右互换了。

# %%
SIDE = 176  # px of a tile


def look(sample, window, side=SIDE, hidden=None):
    """Returns what a window shows, with the joints in it; a hidden rectangle (x, y, width, height) is black."""
    keypoints, visible = dataset.input_keypoints(sample, window, config.codec)
    crop = dataset.crop(sample, window, config.codec)
    crop = dataset.black_out(crop, hidden) if hidden else crop
    small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
    poses = Poses(keypoints * side / crop.shape[0], visible, np.ones(1))
    return visualize.draw_poses(small, poses, skeleton)


show(visualize.grid([look(sample, sample.window) for sample in training[:8]], columns=4))

# %% [markdown]
# ## 6. Windows
#
# The input of a top-down network is one *window* per person: the box, extended to a square and
# enlarged by 1.25. The first tile shows the windows of 1.0, 1.25 and 1.5 times the box in the
# whole image, the other tiles their contents. At 1.0 the person touches the edge, and a box that
# is slightly too small cuts off hands and feet; at 1.5 fewer pixels are left for the person.
#
# ## 6. 窗口
#
# 自顶向下（Top-Down）网络的输入是每个人的一个**窗口**：人体框扩成正方形，再放大 1.25 倍。第一格在整幅图像上画出 1.0、1.25、1.5 倍的窗口，随后是各窗口的内容：1.0 倍时人物紧贴边缘，框略小就会截去手脚；1.5 倍时人物所占的像素变少。


# %%
def outlined(sample, windows, side=SIDE):
    """Returns the whole image with the outlines of windows on it."""
    pixels, _ = images.read(sample.image_path)
    matrix = geometry.box_window((0, 0, *pixels.shape[1::-1]), (side, side), 1.5).to_input(
        (side, side)
    )
    tile = geometry.warp(pixels, matrix, (side, side))
    for window in windows:
        corners = geometry.move(
            [[0, 0], [1, 0], [1, 1], [0, 1]], geometry.compose(matrix, window.to_image((1, 1)))
        )
        cv2.polylines(tile, [corners.round().astype(int)], True, visualize.MIDDLE, 1)
    return tile


sample = training[0]
windows = [
    geometry.box_window(sample.persons[0].box, config.codec.input_size, context)
    for context in (1.0, 1.25, 1.5)
]
show(
    visualize.grid(
        [outlined(sample, windows), *(look(sample, window) for window in windows)], columns=4
    )
)

# %% [markdown]
# ## 7. Augmentation
#
# Geometric augmentation chooses another window; image and joints are transformed by the same
# matrix, in one step. One row each: scale (0.5 to 1.5), rotation (up to 80 degrees), mirroring
# (left and right joints are exchanged, see the colours), shift, half body (upper or lower, as in
# HRNet on COCO), and occluding rectangles. As published, occluded joints stay labelled, so that
# the network learns to infer them; with `augment.occlusion_hides_joints=true` they are excluded
# from the loss.
#
# ## 7. 数据增强
#
# 几何增强在程序中就是改变窗口：图像和关键点用同一个矩阵一次变换。每行一种：缩放（0.5 到 1.5 倍）、旋转（至多 80 度）、镜像（左右关键点互换，请看颜色）、平移、半身增强（上半身或下半身，HRNet 在 COCO 上使用）、矩形遮挡。按已发表的做法，被遮挡的关键点仍算有标注，网络由此学会推断；设 `augment.occlusion_hides_joints=true` 则不计入损失。

# %%
QUIET = {
    "flip": 0.0,
    "scale": 0.0,
    "rotation": 0.0,
    "rotation_probability": 1.0,
    "shift_probability": 1.0,
}
KINDS = {
    "scale": {"scale": 0.5},
    "rotation": {"rotation": 40.0},
    "mirror": {"flip": 0.5},
    "shift": {"shift": 0.2},
    "half body": {"half_body": 1.0},
    "occlusion": {"occlusion": 1.0},
}


def variants(title, changes, count=4, side=SIDE - 36):
    """Returns tiles of one sample, varied in one way."""
    how, tiles = augment.Augment(**{**QUIET, **changes}), []
    for n in range(count):
        rng = np.random.default_rng(n)
        window, hidden = how.window(sample, skeleton, rng), how.hidden(config.codec.input_size, rng)
        tiles.append(look(sample, window, side, hidden))
    visualize.caption(tiles[0], title, (3, 12))
    return tiles


show(visualize.grid([tile for kind in KINDS.items() for tile in variants(*kind)], columns=4))

# %% [markdown]
# The config defines the strength of each augmentation; any value can be changed on the command
# line, such as `-o augment.half_body=0.3 -o augment.occlusion=0.5`.
#
# 各种增强的强度由配置决定；任何值都可以在命令行修改，例如 `-o augment.half_body=0.3 -o augment.occlusion=0.5`。

# %%
print(config.augment)

# %% [markdown]
# ## 8. The dataset check
#
# The check decodes every image and compares the records with the published conventions: counts,
# joints outside the image, left and right, boxes, the order of json and mat. Exit status 1 means
# that a problem was found that affects training.
#
# ## 8. 数据检查
#
# 数据检查脚本解码每幅图像，并把记录与公布的约定逐一比较：数量、图像之外的关键点、左右、人体框、json 与 mat 的顺序。退出码 1 表示有影响训练的问题。

# %%
# !python -m paddle_pose check --dataset_root {DATA}

# %% [markdown]
# Its findings on a data set with errors: 0-based instead of 1-based joints in one file, a
# truncated image, a missing image. (Made from synthetic people, so that your data are not
# changed.)
#
# 下面是对一个有错误的数据集的检查结果：一个文件的关键点坐标从 0 而不是 1 开始，一幅图像不完整，另一幅缺失。（使用合成人物，不改动用户的数据。）

# %%
import shutil

shutil.rmtree("broken", ignore_errors=True)
synthetic.write_mpii(Path("broken"), num_train=PEOPLE[0] if not REAL else 48, num_val=16)
file = Path("broken/annotations/mpii_val.json")
records = json.loads(file.read_text())
for record in records:
    record["joints"] = [
        [x - 1, y - 1] if seen else [x, y]
        for (x, y), seen in zip(record["joints"], record["joints_vis"], strict=True)
    ]
file.write_text(json.dumps(records))
first, second = sorted(Path("broken/images").iterdir())[:2]
first.write_bytes(first.read_bytes()[: first.stat().st_size // 2])
second.unlink()

# %%
# !python -m paddle_pose check --dataset_root broken

# %% [markdown]
# Next: notebook 02 shows how joints are encoded as heatmaps; notebook 03 trains.
#
# 接下来：Notebook 02 说明关键点如何编码成热图，Notebook 03 进行训练。

# %%
print(f"python train.py --dataset_root {WORK}/{DATA} --image_size 256")

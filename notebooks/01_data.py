# ruff: noqa: RUF003 - Chinese has its own punctuation
# Paired with 01_data.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 01 · The data
#
# Most trainings that fail have failed here: joints off by one, left and right exchanged, images missing. This notebook
# unpacks MPII, counts it, looks at it, shows which part of an image the network gets to see and how that part is varied, and
# lets the dataset check examine everything. Nothing is trained; notebook 03 goes on with the same folder.
#
# 训练失败大多始于数据：关节差一个像素、左右颠倒、图像缺失。本笔记解压 MPII、清点、查看，说明网络看到图像的哪一部分、
# 这一部分如何变化，最后由检查程序检查全部内容。这里不训练；笔记 03 可以接着使用同一文件夹。

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
# On AI Studio `/home/aistudio/data` is restored at every reset, and the rest of `/home/aistudio` is kept: unpack into the
# project. Unpacked, the images need about as much room again as the archive. Without an archive, people are drawn and
# packed as the archive is, with the `._*` files that macOS leaves behind, so that the same command has the same work to do.
#
# ## 2. 设置
#
# 在 AI Studio 上，`/home/aistudio/data` 每次重置都会恢复原状，`/home/aistudio` 下的其他内容会保留，所以请解压到项目中。
# 解压后的图像还需要与压缩包差不多大的空间。没有压缩包时，绘制一些人物，并按压缩包的样子打包，
# 包括 macOS 留下的 `._*` 文件，这样同一条命令做的是同样的事。

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
# Interrupted, the command goes on when it is called again; called once more, it changes nothing. The published counts stand
# beside those found: 22,246 people in 14,679 images to train on, 2,958 in 2,729 to validate with. The split is Tompson's,
# which all papers use; the official test set's joints are not public.
#
# ## 3. 解压与清点
#
# 中断之后再次运行即可继续；完成之后再运行则不做任何改动。找到的数量旁边是公布的数量：训练集 14,679 幅图像中有 22,246 人，
# 验证集 2,729 幅图像中有 2,958 人。划分沿用 Tompson 等人，所有论文都用它；官方测试集的关节没有公开。

# %%
# !python -m paddle_pose prepare_mpii {archive} --output {DATA}

# %%
for folder in sorted(path for path in Path(DATA).iterdir() if path.is_dir()):
    files = sorted(path.name for path in folder.iterdir())
    print(f"{folder}/  {len(files)} files: {', '.join(files[:4])} …")

# %% [markdown]
# COCO needs no unpacking command: put `train2017/`, `val2017/` and `annotations/person_keypoints_{train,val}2017.json` into one
# folder; 149,813 people of train2017 have labelled joints. MoveNet's single-person crops are made from it in notebook 05.
#
# COCO 不需要解压命令：把 `train2017/`、`val2017/` 和 `annotations/person_keypoints_{train,val}2017.json` 放在同一文件夹即可；
# train2017 中有 149,813 人标有关节。MoveNet 的单人裁剪数据见笔记 05。

# %% [markdown]
# ## 4. A record, and what we make of it
#
# MPII counts pixels from 1, gives a centre and a `scale` in units of 200 px instead of a box, and marks joints it does not
# know with -1. The reader, and nobody else, turns that into what the whole project uses: pixels from 0, a box, `visible` 0 or
# 1, and for validation the size of the head, which PCKh measures errors in.
#
# ## 4. 一条记录，以及读入之后
#
# MPII 的像素从 1 数起，不给框而给中心和以 200 像素为单位的 `scale`，未知的关节记为 -1。读取器（也只有它）将其转换为全项目
# 统一的形式：像素从 0 数起、人体框、`visible` 为 0 或 1；验证集还有头部尺寸，PCKh 以它衡量误差。

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
# Which joints are labelled, and how large people are. Ankles and knees are missing most often in MPII, since images cut
# them off: they are also the joints with the lowest scores.
#
# 哪些关节有标注，人有多大。MPII 中缺得最多的是踝和膝，因为常被图像边缘截去；它们也是得分最低的关节。

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
# ## 5. Looking
#
# No check replaces it. The person's own left is blue, the right orange: **seen from the front, blue is on the right of the
# image.** If it is the other way round for most people, left and right are exchanged.
#
# ## 5. 查看
#
# 任何检查都不能代替亲眼查看。人物自己的左侧为蓝色，右侧为橙色：**从正面看，蓝色在画面右边。** 若大多数人相反，说明左右颠倒了。

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
# A top-down network sees one person through one *window*: the box, made square, 1.25 times as large. The first tile shows the
# windows of 1.0, 1.25 and 1.5 times the box in the whole image, the others what each of them shows. At 1.0 the person touches
# the edge, and a box a little too small cuts off hands and feet; at 1.5 there are fewer pixels for the person.
#
# ## 6. 窗口
#
# 自顶向下的网络通过一个**窗口**看一个人：人体框扩成正方形，再放大 1.25 倍。第一格在整幅图像上画出 1.0、1.25、1.5 倍的窗口，
# 随后是各自看到的内容：1.0 倍时人物紧贴边缘，标注略有偏差就会截去手脚；1.5 倍时人物得到的像素变少。


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
# Augmentation is the choice of another window; image and joints go through one and the same matrix, once. A row each: scale
# (0.5 to 1.5), rotation (up to 80 degrees), mirroring (joints change sides with it: look at the colours), a moved window,
# half bodies (upper or lower, as HRNet does on COCO), and hidden rectangles. Their joints stay labelled as published, so that
# the network learns to infer them; `augment.occlusion_hides_joints=true` leaves them out of the loss instead.
#
# ## 7. 数据增强
#
# 数据增强就是另选一个窗口；图像和关节只经过同一个矩阵变换一次。每行一种：缩放（0.5 到 1.5 倍）、旋转（至多 80 度）、
# 镜像（关节随之左右互换，请看颜色）、平移、半身（上半身或下半身，HRNet 在 COCO 上使用）、遮挡矩形。
# 按已发表的做法，被遮挡的关节仍算有标注，网络由此学会推断；`augment.occlusion_hides_joints=true` 则不计入损失。

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
# The recipe of a config says how much of each; any value can be changed on the command line, such as
# `-o augment.half_body=0.3 -o augment.occlusion=0.5`.
#
# 各种增强的程度由配置决定；任何值都可以在命令行更改，例如 `-o augment.half_body=0.3 -o augment.occlusion=0.5`。

# %%
print(config.augment)

# %% [markdown]
# ## 8. The dataset check
#
# It decodes every image and compares records with the published conventions: counts, joints outside the image, left and
# right, boxes, the order of json and mat. Exit code 1 means that something would spoil a training.
#
# ## 8. 检查程序
#
# 它解码每幅图像，并把记录与公布的约定逐一比较：数量、图像之外的关节、左右、人体框、json 与 mat 的顺序。退出码 1 表示有问题会
# 影响训练。

# %%
# !python -m paddle_pose check --dataset_root {DATA}

# %% [markdown]
# What it says of a data set that somebody broke: joints counted from 0 instead of 1 in one file, an image half copied,
# another missing. (Synthetic people again, so that yours stay whole.)
#
# 下面是它对一个损坏的数据集的诊断：一个文件的关节从 0 而不是 1 数起，一幅图像只复制了一半，另一幅缺失。（仍用绘制的人物，您的
# 数据不受影响。）

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
# Next: notebook 02 for what becomes of the joints, notebook 03 to train.
#
# 接下来：笔记 02 说明关节如何变成热图，笔记 03 进行训练。

# %%
print(f"python train.py --dataset_root {WORK}/{DATA} --image_size 256")

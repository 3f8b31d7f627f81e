# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 01_data.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 01 · The data
#
# Most failures of a training come from the data: joints that are off by one pixel, swapped sides,
# missing images. This notebook unpacks MPII, counts and views it, shows which part of an image is
# the network's input and how augmentation varies it, and runs the dataset check on everything.
# Nothing is trained here; notebook 03 continues with the same folder.

# %% [markdown] tags=["zh"]
# # 01 · 数据准备
#
# 训练失败大多源于数据：关键点（MPII 称为关节）差一个像素、左右互换、图像缺失。本 Notebook 解压 MPII、统计并查看数据，说明图像的哪一部分是网络的输入、数据增强如何改变它，最后对全部数据运行数据检查脚本。这里不训练；Notebook 03 接着使用同一文件夹。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# On AI Studio, add data set 107551 to the project; its archive is then at the path below. Every
# reset restores `/home/aistudio/data`, while the rest of `/home/aistudio` is kept: so unpack into
# the project. The images need about as much space as the archive. Without an archive, synthetic
# people are created and packed in its place.

# %% [markdown] tags=["zh"]
# 在 AI Studio 上，为项目添加数据集 107551，压缩包就在下面的路径。每次重置都会恢复 `/home/aistudio/data`，`/home/aistudio` 下的其他内容会保留，所以请解压到项目中。解压后的图像还需要与压缩包差不多大的空间。没有压缩包时，生成合成人物（程序绘制）并打包代替。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
ARCHIVE = "/home/aistudio/data/data107551/mpii.tar.gz"
WORK = "output/notebook_01"  # folder for everything that this notebook writes
DATA = f"{WORK}/data"
PEOPLE = (48, 16)  # synthetic people for training and validation, without an archive

# %%
import json
import shutil
from pathlib import Path

import paddle_pose as pp
from paddle_pose.data.synthetic.dataset import write_mpii

if not os.path.isfile(ARCHIVE):
    print(f"There is no {ARCHIVE}: synthetic people take its place.")
    write_mpii(Path(WORK, "drawn"), num_train=PEOPLE[0], num_val=PEOPLE[1])
    ARCHIVE = shutil.make_archive(f"{WORK}/drawn", "gztar", f"{WORK}/drawn")
    ARCHIVE = os.path.relpath(ARCHIVE)

# %% [markdown]
# ## 2. Unpacking and counting · 解压与统计
#
# An interrupted command continues when it is run again; after it has finished, running it again
# changes nothing. The published counts are printed beside those found: 22,246 people in 14,679
# training images, 2,958 people in 2,729 validation images. This is the split of Tompson et al.,
# which all papers use; the joints of the official test set are not public.

# %% [markdown] tags=["zh"]
# 命令中断之后再次运行即可继续；完成之后再运行则不做任何改动。统计结果旁边打印公布的数量：训练集 14,679 幅图像中有 22,246 人，验证集 2,729 幅图像中有 2,958 人。划分沿用 Tompson 等人，所有论文都用它；官方测试集的关键点没有公开。

# %%
# !python -m paddle_pose prepare_mpii {ARCHIVE} --output {DATA}

# %%
for folder in ("images", "annotations"):
    names = sorted(os.listdir(f"{DATA}/{folder}"))
    print(f"{DATA}/{folder}: {len(names)} files, {', '.join(names[:4])} …")

# %% [markdown]
# COCO needs no unpacking command: put `train2017/`, `val2017/` and
# `annotations/person_keypoints_{train,val}2017.json` into one folder; 149,813 people of train2017
# have labelled joints. Notebook 05 makes MoveNet's single-person crops from it.

# %% [markdown] tags=["zh"]
# COCO 不需要解压命令：把 `train2017/`、`val2017/` 和 `annotations/person_keypoints_{train,val}2017.json` 放在同一文件夹即可；train2017 中有 149,813 人标有关键点。Notebook 05 由它制作 MoveNet 的单人裁剪数据。

# %% [markdown]
# ## 3. A record, before and after reading · 一条记录：读取前后
#
# In MPII, pixel coordinates start at 1, a person has a centre and a `scale` in units of 200 px
# instead of a box, and unknown joints are marked with -1. Only the reader handles these
# conventions; it returns what the whole project uses: 0-based pixel coordinates, a box, `visible`
# 0 or 1, and for validation the head size, by which PCKh normalizes errors.

# %% [markdown] tags=["zh"]
# MPII 的像素坐标从 1 开始，每个人没有框，而有中心和以 200 像素为单位的 `scale`，未知的关键点记为 -1。只有读取标注的代码处理这些约定，它返回全项目统一的形式：从 0 开始的像素坐标、人体框、`visible` 为 0 或 1；验证集还有头部尺寸，PCKh 以它归一化误差。

# %%
record = json.loads(Path(DATA, "annotations/mpii_val.json").read_text())[0]
{key: value[:3] if isinstance(value, list) else value for key, value in record.items()}

# %%
training = pp.Dataset("hourglass52_mpii_256", DATA, split="train")
validation = pp.Dataset("hourglass52_mpii_256", DATA, split="val")

person = validation.samples[0].persons[0]
print("keypoints", person.keypoints[:3].round(2).tolist(), "visible", person.visible[:3].tolist())
print(f"box {[round(value, 1) for value in person.box]}, head size {person.head_size:.1f} px")

# %% [markdown]
# How many of the people have each joint labelled? Synthetic people have nearly all. On MPII's
# validation set, the cell prints 71.5 % and 71.6 % for the ankles, 84 % for the knees and 97 % or
# more for the others: ankles and knees are often outside the image. They are also the joints with
# the lowest accuracy.

# %% [markdown] tags=["zh"]
# 各关键点有多少人标注？合成人物几乎全部都有。对 MPII 的验证集，这段代码的结果是：两踝 71.5 % 和 71.6 %，两膝 84 %，其余不低于 97 %：踝和膝常在图像之外，它们也是精度最低的关键点。

# %%
visible = [sample.persons[0].visible > 0 for sample in validation.samples]
share = [100 * sum(column) / len(visible) for column in zip(*visible)]
pp.Table([{"joint": name, "labelled, %": part} for name, part in zip(validation[0].joints, share)])

# %% [markdown]
# ## 4. Viewing the data · 查看数据
#
# No check replaces viewing the images. The person's left is blue, the right orange: **seen from
# the front, blue is on the right of the image.** If it is the other way round for most people,
# left and right are swapped.

# %% [markdown] tags=["zh"]
# 任何检查都不能代替查看图像。人物自己的左侧为蓝色，右侧为橙色：**从正面看，蓝色在画面右边。** 如果大多数人相反，说明左右互换了。

# %%
pp.ImageGrid(training[:8], color="side")

# %% [markdown]
# ## 5. Windows · 窗口
#
# The input of a top-down network is one *window* per person (white): the box, extended to a square
# and enlarged by 1.25. At 1.0 the person touches the edge, and a box that is slightly too small
# cuts off hands and feet; at 1.5 fewer pixels are left for the person.

# %% [markdown] tags=["zh"]
# 自顶向下（Top-Down）网络的输入是每个人的一个**窗口**（白色）：人体框扩成正方形，再放大 1.25 倍。1.0 倍时人物紧贴边缘，框略小就会截去手脚；1.5 倍时人物所占的像素变少。

# %%
tiles = [training.whole_image(0)]
for context in (1.0, 1.25, 1.5):
    data = pp.Dataset("hourglass52_mpii_256", DATA, overrides={"data.context": context})
    tiles.append(data[0])

captions = ["whole image", "1.0 x the box", "1.25 x", "1.5 x"]
pp.ImageGrid(tiles, captions=captions, color="side", windows=True)

# %% [markdown]
# ## 6. Augmentation · 数据增强
#
# Geometric augmentation chooses another window; image and joints are transformed by the same
# matrix, in one step. Mirroring exchanges left and right joints (see the colours). Half body is
# HRNet's on COCO. Under an occluding rectangle, joints stay labelled as published, so that the
# network learns to infer them; `augment.occlusion_hides_joints=true` excludes them from the loss.

# %% [markdown] tags=["zh"]
# 几何增强在程序中就是改变窗口：图像和关键点用同一个矩阵一次变换。镜像时左右关键点互换（请看颜色）。半身增强是 HRNet 在 COCO 上使用的。矩形遮挡下的关键点按已发表的做法仍算有标注，网络由此学会推断；设 `augment.occlusion_hides_joints=true` 则不计入损失。

# %%
none = {"augment.flip": 0, "augment.scale": 0, "augment.rotation": 0}
kinds = {
    "none": {},
    "scale": {"augment.scale": 0.5},
    "rotation": {"augment.rotation": 40, "augment.rotation_probability": 1},
    "mirror": {"augment.flip": 1},
    "shift": {"augment.shift": 0.2, "augment.shift_probability": 1},
    "half body": {"augment.half_body": 1},
    "occlusion": {"augment.occlusion": 1},
    "all of the recipe": {"augment.flip": 0.5, "augment.scale": 0.5, "augment.rotation": 40},
}
tiles = []
for changes in kinds.values():
    data = pp.Dataset("hourglass52_mpii_256", DATA, overrides=none | changes)
    tiles.append(data.augmented(0, epoch=2))

pp.ImageGrid(tiles, captions=list(kinds), color="side")

# %% [markdown]
# The config defines the strength of each augmentation; any value can be changed on the command
# line, such as `python train.py -o augment.half_body=0.3 -o augment.occlusion=0.5`.

# %% [markdown] tags=["zh"]
# 各种增强的强度由配置决定；任何值都可以在命令行修改，例如 `python train.py -o augment.half_body=0.3 -o augment.occlusion=0.5`。

# %% [markdown]
# ## 7. The dataset check · 数据检查
#
# The check decodes every image and compares the records with the published conventions: counts,
# joints outside the image, left and right, boxes, the order of json and mat. Exit status 1 means
# that a problem was found that affects training.

# %% [markdown] tags=["zh"]
# 数据检查脚本解码每幅图像，并把记录与公布的约定逐一比较：数量、图像之外的关键点、左右、人体框、json 与 mat 的顺序。退出码 1 表示有影响训练的问题。

# %%
# !python -m paddle_pose check --dataset_root {DATA}

# %% [markdown]
# What it finds in a data set with errors: 0-based joints in one file, a truncated image, a missing
# image. The data are synthetic people, so that yours are not changed.

# %% [markdown] tags=["zh"]
# 下面是它在一个有错误的数据集中发现的问题：一个文件的关键点坐标从 0 开始，一幅图像不完整，另一幅缺失。这里使用合成人物，不改动用户的数据。

# %%
shutil.rmtree(f"{WORK}/broken", ignore_errors=True)
write_mpii(Path(WORK, "broken"), num_train=48, num_val=16)
first, second = sorted(Path(WORK, "broken/images").iterdir())[:2]
first.write_bytes(first.read_bytes()[:2000])
second.unlink()

file = Path(WORK, "broken/annotations/mpii_val.json")
records = json.loads(file.read_text())
for record in records:
    record["joints"] = [[x - 1, y - 1] if x > 0 else [x, y] for x, y in record["joints"]]
file.write_text(json.dumps(records))
# %%
# !python -m paddle_pose check --dataset_root {WORK}/broken

# %% [markdown]
# ## 8. The data set · 数据集
#
# Next: notebook 02 shows how joints are encoded as heatmaps; notebook 03 trains.

# %% [markdown] tags=["zh"]
# 接下来：Notebook 02 说明关键点如何编码成热图，Notebook 03 进行训练。

# %%
pp.Table(
    [
        {"split": "train", "people": len(training), "published": 22246},
        {"split": "val", "people": len(validation), "published": 2958},
    ]
)

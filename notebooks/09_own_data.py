# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 09_own_data.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 09 · Training on your own keypoints
#
# From images labelled with labelme to a network that predicts your own keypoints: of people, hands,
# horses or screwdrivers. It takes six commands:
#
# ```bash
# python -m paddle_pose prepare_labelme photos --output data/mine
# python -m paddle_pose check --train_annotations data/mine/train.json --val_annotations data/mine/val.json --images photos
# python -m paddle_pose download movenet_lightning
# python train.py --config movenet_lightning_coco --preset finetune --train_annotations data/mine/train.json --val_annotations data/mine/val.json --images photos --output output/mine
# python val.py --weights output/mine/best_model/model.pdparams
# python predict.py new_photo.jpg --weights output/mine/best_model/model.pdparams --names
# ```
#
# The notebook runs them one by one, and shows what each needs and prints. Without images of yours
# it uses **synthetic people** and a small network that one CPU core trains in a minute.

# %% [markdown] tags=["zh"]
# # 09 · 用自己的关键点训练
#
# 从用 labelme 标注的图像，到能预测自定义关键点的网络：可以是人、手、马或螺丝刀。只需上面的六条命令：转换标注、数据检查、下载权重、训练、评估、预测。
#
# 本 Notebook 逐条运行，并说明每条命令需要什么、输出什么。没有自己的图像时使用**合成人物**，以及单个 CPU 核心一分钟即可训练的小网络。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `IMAGES` is your folder of images with labelme's JSON files beside them. The commands above, with
# `--preset finetune`, train photographs of people on a CPU in 15 to 30 minutes: what they reach is
# in the documentation, "Your own keypoints". On a GPU, `CONFIG = "hrnet_w32_coco_256x192"` and
# as `INIT` published weights of this network are more accurate: `python -m paddle_pose zoo` lists them.

# %% [markdown] tags=["zh"]
# `IMAGES` 为图像文件夹，labelme 的 JSON 文件在图像旁边。上面的命令用 `--preset finetune`，在 CPU 上约 15 到 30 分钟即可用人物照片完成训练，能达到的精度见文档“自定义数据集”。在 GPU 上要得到更高的精度，请用 `CONFIG = "hrnet_w32_coco_256x192"`，`INIT` 填写该网络已发布的权重（用 `python -m paddle_pose zoo` 列出）。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
IMAGES = ""  # such as "photos"; "": synthetic people
CONFIG = "hourglass_tiny_128"
INIT = ""  # weights to fine-tune; "": of a network that is trained here on other synthetic people
WORK = "output/notebook_09"
PEOPLE = 240  # synthetic images: other people for INIT, and half as many with own keypoints
EPOCHS = 10

# %%
import json

import numpy as np

import paddle_pose as pp
from paddle_pose.data.synthetic.labelme import write_labelme

if not IMAGES:
    IMAGES = f"{WORK}/photos"
    points = {"nose": "nose", "left_hand": "left_wrist", "right_hand": "right_wrist"}
    points |= {"left_foot": "left_ankle", "right_foot": "right_ankle"}
    write_labelme(IMAGES, points, num_images=PEOPLE // 2, seed=9, size=(200, 200))
print(len(os.listdir(IMAGES)), "files, such as", *sorted(os.listdir(IMAGES))[:4])

# %% [markdown]
# ## 2. Labels · 标注
#
# In **labelme** (`pip install labelme`) use *Create Point*; the label is the name of the keypoint.
# Name pairs `left_…` and `right_…`, so that mirrored training images exchange them. With several
# people in an image, give the points of each the same *Group ID*. A rectangle with this id is the
# person's box; without one, the box is that of the points. The flag `occluded` marks points whose
# place is known although something covers them; leave out the others.

# %% [markdown] tags=["zh"]
# 在 **labelme**（`pip install labelme`）中使用“创建点”（Create Point），标签即关键点的名称。成对的点以 `left_…`、`right_…` 命名，镜像增强时就会自动互换。一幅图像中有几个人时，同一个人的点使用相同的 Group ID。Group ID 相同的矩形即人体框；没有矩形时取这些点的外接框。标志（flag）`occluded` 表示被遮挡但位置可知的点；其余不可见的点不标。

# %%
# !python -m paddle_pose prepare_labelme {IMAGES} --output {WORK}/data

# %% [markdown]
# A misspelt label would be listed as a joint of its own. Every fifth *image* is for validation.
# Frames of one video look alike: put those for validation into a folder of their own.
#
# Other tools need no conversion, according to their documentation (not tried here): **CVAT**
# exports skeletons as *COCO Keypoints 1.0*, newer versions of **Label Studio** export
# `KeyPointLabels` as *COCO*.

# %% [markdown] tags=["zh"]
# 拼错的标签会单独列为一个关键点。每五幅**图像**取一幅用于验证。同一段视频的帧彼此相似：请把用于验证的视频放在单独的文件夹中。
#
# 其他工具不需要转换（依据其文档，本项目没有试过）：**CVAT** 把骨架标注导出为 COCO Keypoints 1.0，新版本的 **Label Studio** 把 `KeyPointLabels` 导出为 COCO。

# %% [markdown]
# ## 3. Skeleton and dataset check · 骨架与数据检查
#
# The skeleton file is optional; it states the lines to draw, and the *sigmas*: how precisely a
# point can be labelled, as a fraction of the person's size (COCO: eyes and nose 0.03, wrists 0.06,
# ankles 0.09, hips 0.1; the default is 0.067). AP depends on them, the training does not: choose
# them before the first evaluation and do not change them afterwards.

# %% [markdown] tags=["zh"]
# 骨架文件是可选的，说明要画的连线和 sigma：一个点能标注得多准，以人体尺寸的比例计（COCO：眼和鼻 0.03，腕 0.06，踝 0.09，髋 0.1；默认 0.067）。AP 取决于 sigma，训练与其无关：请在第一次评估之前选定，之后不再改动。

# %%
skeleton = {
    "joints": ["nose", "left_hand", "right_hand", "left_foot", "right_foot"],
    "limbs": [
        ["nose", "left_hand"],
        ["nose", "right_hand"],
        ["left_hand", "left_foot"],
        ["right_hand", "right_foot"],
    ],
    "sigmas": [0.03, 0.06, 0.06, 0.09, 0.09],
}
with open(f"{WORK}/skeleton.json", "w") as file:
    json.dump(skeleton, file)

# %%
FILES = f"--train_annotations {WORK}/data/train.json --val_annotations {WORK}/data/val.json --images {IMAGES} --skeleton {WORK}/skeleton.json"
# !python -m paddle_pose check {FILES}

# %% [markdown]
# Look at what the network will receive: the window around each person, with the labels.

# %% [markdown] tags=["zh"]
# 查看网络的输入：每个人的窗口及其标注。

# %%
OWN = {
    "data.dataset": "coco",
    "data.train_annotations": f"{WORK}/data/train.json",
    "data.val_annotations": f"{WORK}/data/val.json",
    "data.images": IMAGES,
    "codec.skeleton": f"{WORK}/skeleton.json",
}
training = pp.Dataset(CONFIG, overrides=OWN)
pp.ImageGrid(training[:8], columns=4, color="side", width=720)

# %% [markdown]
# ## 4. Training · 训练
#
# Own data sets are usually small. A network that has been trained on people, or at least on
# images, needs much less data: start from it with `--init`. Here are two trainings that differ in
# the initial weights only. If none are given, a network for the 16 joints of MPII is trained first,
# on other synthetic people.

# %% [markdown] tags=["zh"]
# 自己的数据往往很少。已经在人体（至少在图像）上训练过的网络，需要的数据少得多：请用 `--init` 由它微调。下面两次训练只有初始权重不同。没有指定权重时，先在另一些合成人物上训练一个预测 MPII 16 个关键点的网络。

# %%
if not INIT:
    from paddle_pose.data.synthetic.dataset import write_mpii

    others = write_mpii(f"{WORK}/people", num_train=PEOPLE, num_val=PEOPLE // 6, size=(160, 160))
    INIT = pp.train(
        CONFIG,
        data=others,
        output=f"{WORK}/pretrained",
        resume="auto",
        overrides={"train.epochs": EPOCHS, "train.eval_every": EPOCHS, "train.num_workers": 0},
    ).last

# %%
RECIPE = f"--epochs {EPOCHS} --num_workers 0 -o train.eval_every={EPOCHS} -o train.log_every=12 --resume auto"
# !python train.py --config {CONFIG} {FILES} {RECIPE} --init none --output {WORK}/scratch

# %%
# !python train.py --config {CONFIG} {FILES} {RECIPE} --init {INIT} --output {WORK}/finetuned

# %% [markdown]
# ## 5. Evaluation · 评估
#
# A checkpoint stores the location of its data. `--baseline` adds the AP of the mean pose of the
# training people, which does not use the image: every network must be far above it.

# %% [markdown] tags=["zh"]
# 检查点记录了数据的位置。`--baseline` 另给出训练人物的平均姿态（不使用图像）的 AP：任何网络都应远高于它。

# %%
# !python val.py --weights {WORK}/finetuned/best_model/model.pdparams --baseline --output {WORK}/val

# %% [markdown]
# AP is one number. The errors of each joint, in percent of the box's longer side, show which point
# needs more labels.

# %% [markdown] tags=["zh"]
# AP 只是一个数。各关键点的误差（以框长边的百分比表示）才看得出哪个点需要更多标注。

# %%
model = pp.load_model(f"{WORK}/finetuned")
labelled = pp.Dataset(model.config, split="val")[:]
predicted = list(model.predict([person.image for person in labelled], detector=None))
errors = [
    np.linalg.norm(found.keypoints[0] - person.keypoints[0], axis=-1) / person.boxes[0, 2:].max()
    for found, person in zip(predicted, labelled, strict=True)
]
errors = np.where([person.scores[0] > 0 for person in labelled], errors, np.nan)
pp.Table(
    {
        "joint": name,
        "labelled": np.isfinite(column).sum(),
        "median error, %": 100 * np.nanmedian(column),
    }
    for name, column in zip(model.joints, errors.T, strict=True)
)

# %%
pp.ImageGrid(predicted[:8], columns=4, color="side", width=720)

# %% [markdown]
# ## 6. Prediction · 预测
#
# For images with known boxes, name a file with boxes, such as annotations; without boxes, the whole
# image is the window: crop it to one person or object. `--save` adds tables, `--maps` draws the
# heatmaps of every joint.

# %% [markdown] tags=["zh"]
# 已知人体框时，用 `--boxes` 指定框的文件，例如标注文件；没有框时，整幅图像作为窗口：请裁剪到一个人或一个物体。`--save` 另写出表格，`--maps` 画出每个关键点的热图（heatmap，热力图）。

# %%
# !python predict.py {IMAGES}/0005.jpg {IMAGES}/0010.jpg --weights {WORK}/finetuned/best_model/model.pdparams --names --save drawing csv --output {WORK}/predicted

# %%
pp.ImageGrid([f"{WORK}/predicted/0005.png", f"{WORK}/predicted/0010.png"], columns=2, width=640)

# %%
model.draw_maps(predicted[0].image, width=720, columns=5)

# %% [markdown]
# ## 7. Data with other joints · 关键点不同的数据
#
# Joints are matched by name: people with 14 joints (Leeds Sports Pose), 16 (MPII) or 17 (COCO) can
# train and evaluate each other's networks. Joints without labels are excluded from the loss and
# from the metric; nothing has to be converted. A joint that nobody has labelled is usually a
# misspelt name, and an error; `-o data.unlabelled_joints=allow` trains the others:
#
# ```bash
# python train.py --config hrnet_w32_mpii_256 --dataset_root data/coco -o data.dataset=coco -o data.unlabelled_joints=allow
# python val.py --weights output/mine/best_model/model.pdparams --dataset_root data/mpii --dataset mpii
# ```

# %% [markdown] tags=["zh"]
# 关键点按名称匹配：14 个关键点（Leeds Sports Pose）、16 个（MPII）或 17 个（COCO）的数据，可以互相训练和评估网络。没有标注的关键点不计入损失和指标，不需要任何转换。没有任何人标注的关键点通常是名称写错了，会报错；`-o data.unlabelled_joints=allow` 只训练其余的关键点。命令见上。

# %% [markdown]
# ## 8. Results · 结果
#
# The two trainings side by side. With few people for validation, small differences are chance.
# **Numbers of synthetic people say nothing about photographs.**

# %% [markdown] tags=["zh"]
# 两次训练的对比。验证人物很少时，小的差别只是偶然。**合成人物上的数值不代表真实图像上的精度。**

# %%
networks = {name: pp.evaluate(f"{WORK}/{name}", baseline=True) for name in ("scratch", "finetuned")}
rows = [{"network": name, "AP": scores.values["AP"]} for name, scores in networks.items()]
pp.Table([*rows, {"network": "mean pose", "AP": networks["finetuned"].baseline["AP"]}])

# %% [markdown]
# ## 9. Common problems · 常见问题
#
# | symptom | cause |
# |---|---|
# | AP is -1 or NaN | `area` is 0, or there is no labelled joint: `check` lists the records |
# | left and right are confused | wrong mirror pairs: state `mirror_pairs` in the skeleton file |
# | good in validation, poor in use | split by row, or the images differ: label some of those |
# | rotated photographs are wrong | labels of the unrotated image (EXIF): `check` says what is assumed |
# | one point is always wrong | look at its labels: annotators disagree, or it is mostly occluded |
# | the loss does not fall | start from a trained network, or take a tenth of the learning rate |

# %% [markdown] tags=["zh"]
# | 现象 | 原因 |
# |---|---|
# | AP 为 -1 或 NaN | `area` 为 0，或没有标注关键点：`check` 会列出是哪些记录 |
# | 左右混淆 | 镜像对有误：在骨架文件中写明 `mirror_pairs` |
# | 验证好，使用差 | 按行划分了数据，或实际图像与训练图像差别大：标注一些实际图像 |
# | 旋转过的照片不准 | 标注的是未旋转的图像（EXIF）：`check` 会说明按哪种处理 |
# | 某个点总是不准 | 看它的标注：标注者意见不一，或多数时候被遮挡 |
# | 损失不下降 | 用预训练权重初始化，或用十分之一的学习率 |

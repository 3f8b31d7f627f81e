# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 06_coco.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 06 · HRNet and SimpleBaseline on COCO
#
# Like Hourglass, HRNet and SimpleBaseline process one person at a time and predict one heatmap per
# joint. On COCO everything around the network differs: the joints, boxes from a detector, and
# another metric, AP. This notebook views the annotations, shows what AP measures, trains both
# networks, and evaluates them as papers do.
#
# With COCO and a GPU, the published recipes run, from backbones pretrained on ImageNet. Without
# them **small networks with randomly initialized backbones are overfitted to a few synthetic
# people**: this shows that data, targets, training and AP fit together, and nothing about COCO.

# %% [markdown] tags=["zh"]
# # 06 · 在 COCO 上训练 HRNet 和 SimpleBaseline
#
# 与 Hourglass 一样，HRNet 和 SimpleBaseline 每次处理一个人，每个关键点输出一张热图（heatmap，热力图）。COCO 上网络以外的部分都不同：关键点不同，人体框来自检测器，指标是 AP。本 Notebook 查看标注，说明 AP 衡量什么，训练两个网络，并按论文的方式评估。
#
# 有 COCO 和 GPU 时，使用论文训练配置，由 ImageNet 预训练的骨干网络（backbone）初始化；没有时，**用随机初始化的小网络在几个合成人物上过拟合**：这只说明数据、目标、训练和 AP 彼此吻合，不代表 COCO 上的精度。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `COCO` is the folder with `train2017/`, `val2017/` and
# `annotations/person_keypoints_{train,val}2017.json`; `DETECTIONS` is a file of detected boxes, such
# as `COCO_val2017_detections_AP_H_56_person.json`; `MPII` is a folder in MPII's layout.

# %% [markdown] tags=["zh"]
# `COCO` 为包含 `train2017/`、`val2017/` 和 `annotations/person_keypoints_{train,val}2017.json` 的目录；`DETECTIONS` 为检测框文件，例如 `COCO_val2017_detections_AP_H_56_person.json`；`MPII` 为 MPII 目录结构的文件夹。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
COCO = ""  # such as "data/coco"; "": synthetic people, and small networks
DETECTIONS = ""  # "": boxes are simulated
MPII = ""  # such as "data/mpii"; "": synthetic people
WORK = "output/notebook_06"
IMAGES = 6  # synthetic, one or two people in each
EPOCHS = 100  # over these; the published recipes have 140 and 210 over COCO
HOURS = 3.7  # of one day's sitting, for each of the two trainings

# %%
import json

import matplotlib.pyplot as plt
import numpy as np

import paddle_pose as pp
from paddle_pose.data.synthetic import dataset as synthetic
from paddle_pose.data.synthetic.body import Style

SIMPLE, HRNET = "simple_baseline_r50_coco_256x192", "hrnet_w32_coco_256x192"
small = {}  # of each config
if not COCO:
    COCO = f"{WORK}/coco"
    drawing = {"num_train": 1, "num_val": IMAGES, "size": (256, 192), "persons": (1, 2)}
    synthetic.write_coco(COCO, **drawing, style=Style(noise=0.0))
    annotations = f"{COCO}/annotations/person_keypoints_val2017.json"
    common = {
        "codec.input_size": (96, 128),
        "augment": None,
        "val.flip": False,  # they never see a mirrored person
        "train.epochs": EPOCHS,
        "train.batch_size": 12,
        "train.learning_rate": 0.004,
        "train.schedule": "cosine",
        "train.schedule.warmup": 10,
        "train.eval_every": max(1, EPOCHS // 4),
        "train.num_workers": 0,
        "data.train_annotations": annotations,  # trained and evaluated on the same people
        "data.val_annotations": annotations,
        "data.images": f"{COCO}/val2017",
        "data.unlabelled_joints": "allow",
    }
    small[SIMPLE] = common | {"model.width": 8, "model.deconv_channels": 32}
    small[HRNET] = common | {"model.width": 16, "model.modules": (1, 1, 1), "model.blocks": 1}
root = None if small else COCO  # annotation files that a config names need no folder

# %% [markdown]
# ## 2. Differences from MPII · 与 MPII 的区别
#
# | | MPII | COCO |
# |---|---|---|
# | joints | 16: limbs, pelvis, thorax, neck, head top | 17: limbs, nose, eyes, ears |
# | coordinates | start at 1 | start at 0 |
# | person | centre and `scale` | box x, y, width, height |
# | window | square, 256 x 256 | 192 x 256 (papers: 256x192, height first) |
# | visible | 0, 1 | 0 not labelled, 1 occluded, 2 visible |
# | metric | PCKh: distance by head size | AP: OKS, by area and joint |
# | boxes in papers | annotated | **detected** |
# | people, val | 2,958 | 6,352 annotated, 104,125 detected |
#
# The readers return the same for both; all later code is the same.

# %% [markdown] tags=["zh"]
# | | MPII | COCO |
# |---|---|---|
# | 关键点 | 16 个：四肢、骨盆、胸、颈、头顶 | 17 个：四肢、鼻、眼、耳 |
# | 坐标 | 从 1 开始 | 从 0 开始 |
# | 人的位置 | 中心和 `scale` | 框 x、y、宽、高 |
# | 窗口 | 正方形，256 x 256 | 192 x 256（论文写作 256x192，高在前） |
# | 可见性 | 0、1 | 0 未标注，1 被遮挡，2 可见 |
# | 指标 | PCKh：距离除以头部尺寸 | AP：OKS，按面积和关键点 |
# | 论文所用的框 | 标注框 | **检测框** |
# | 验证集人数 | 2,958 | 标注 6,352，检测 104,125 |
#
# 两者读入之后的形式相同，此后的代码完全相同。

# %% [markdown]
# ## 3. Boxes and windows · 人体框与窗口
#
# Whole images with their annotations: thin, each person's box; white, the network's window, which
# is the box extended to 3 : 4 and enlarged by 1.25. Joints without a label are not drawn, such as a
# face that is turned away.

# %% [markdown] tags=["zh"]
# 整幅图像及其标注：细线为每个人的人体框，白色为网络的窗口，即框扩展成 3 : 4，再放大 1.25 倍。没有标注的关键点不画，例如背向镜头的面部。

# %%
people = pp.Dataset(HRNET, root, split="val", overrides=small.get(HRNET))
first = {sample.image_id: n for n, sample in reversed(list(enumerate(people.samples[:40])))}
images = [people.whole_image(n) for n in sorted(first.values())[:4]]
pp.ImageGrid(images, columns=4, boxes=True, windows=True, width=720)

# %% [markdown]
# ## 4. OKS and AP · OKS 与 AP
#
# For each labelled joint COCO measures how large the error $d$ is *for this joint of a person of
# this size*: the similarity is $\exp\left(-\frac{d^2}{2 \cdot area \cdot (2\sigma)^2}\right)$, where
# $\sigma$ is the variation between annotators: 0.026 at the nose, 0.107 at the hip. The mean over
# the joints is OKS, 0 to 1. A person counts as correct if OKS reaches a threshold; AP is the mean
# of the average precisions at the thresholds 0.50, 0.55, …, 0.95.
#
# The circles show where the similarity of a joint is 0.5 (yellow) and 0.95 (white): eyes must be
# correct to a pixel, hips need not.

# %% [markdown] tags=["zh"]
# 对每个有标注的关键点，COCO 衡量的是：**对这种大小的人的这个关键点来说**，误差 $d$ 有多大。相似度为 $\exp\left(-\frac{d^2}{2 \cdot area \cdot (2\sigma)^2}\right)$，$\sigma$ 表示标注者之间的差异：鼻 0.026，髋 0.107。对关键点取平均即 OKS，范围 0 到 1。OKS 达到阈值的人视为检出；AP 是阈值 0.50、0.55、…、0.95 处平均精度的平均。
#
# 圆圈表示相似度为 0.5（黄色）和 0.95（白色）的位置：眼睛须精确到像素，髋则宽松得多。

# %%
import PIL.Image
import PIL.ImageDraw

sigmas, tiles = people.config.codec.skeleton.sigmas, []
for sample in people.samples[:3]:
    (person,), scale = sample.persons, 4
    image = PIL.Image.open(sample.image_path)
    image = image.resize((scale * image.width, scale * image.height))
    drawing = PIL.ImageDraw.Draw(image)
    for joint in np.flatnonzero(person.visible):
        for similarity, color in ((0.5, "yellow"), (0.95, "white")):
            radius = 2 * sigmas[joint] * np.sqrt(2 * person.area * np.log(1 / similarity))
            x, y = person.keypoints[joint]
            circle = np.array([x - radius, y - radius, x + radius, y + radius])
            drawing.ellipse(list(scale * circle), outline=color, width=3)
    x, y, width, height = (scale * value for value in person.box)
    tiles.append(image.crop((x - 40, y - 40, x + width + 40, y + height + 40)))
pp.ImageGrid(tiles, columns=3, width=600)

# %% [markdown]
# ## 5. The AP of ideal maps · 理想热图的精度上限
#
# Without a network: encode the annotated joints, decode the maps, measure AP. The difference to 1
# is the codec's own loss. The published targets are rounded to cells, so small inputs lose most;
# targets of DARK and UDP keep the position within the cell (see notebook 02).

# %% [markdown] tags=["zh"]
# 先不用网络：把标注的关键点编码成热图再解码，计算 AP。与 1 的差距就是编解码器自身的损失。论文的目标热图量化到格（即热图像素），输入越小损失越大；DARK 和 UDP 的目标热图保留格内位置（见 Notebook 02）。

# %%
from paddle_pose import build


def ideal_ap(size, kind):
    """Returns the AP of maps that are exactly the targets."""
    changes = small.get(HRNET, {}) | {"codec.input_size": size} | kind
    ideal = pp.Dataset(HRNET, root, split="val", overrides=changes)
    codec, predictions = ideal.config.codec, []
    for n, sample in enumerate(ideal.samples[:500]):
        (poses,) = codec.decode({"heatmaps": ideal.targets(n)["heatmaps"][None, None]})
        matrix = sample.window.to_image(codec.input_size, codec.alignment)
        predictions.append((sample, poses.moved(matrix)))
    return build.metric(ideal.config, root).compute_scores(predictions).values["AP"]


kinds = {
    "published: rounded, quarter": {},
    "DARK": {"codec.unbiased": True, "codec.decode_by": "dark"},
    "UDP": {"codec.alignment": "udp", "codec.decode_by": "dark"},
}
pp.Table(
    (
        {"codec": name, "128x96": ideal_ap((96, 128), kind), "256x192": ideal_ap((192, 256), kind)}
        for name, kind in kinds.items()
    ),
    digits=3,
)

# %% [markdown]
# ## 6. Half-body augmentation · 半身增强
#
# HRNet's recipe on COCO shows only the upper or the lower body in 30 % of the cases (for people
# with more than 8 labelled joints): real boxes are often truncated by the image or by other
# people. It also scales by up to ±35 % and rotates by up to 90 degrees. First row HRNet's recipe,
# second row SimpleBaseline's, without half bodies, for the same person.

# %% [markdown] tags=["zh"]
# HRNet 在 COCO 上的训练配置，以 30% 的概率（标注关键点多于 8 个的人）只显示上半身或下半身：真实的框常被画面边缘或其他人截断。此外缩放至多 ±35%，旋转至多 90 度。第一行为 HRNet 的训练配置，第二行为 SimpleBaseline 的训练配置（没有半身增强），为同一个人。

# %%
files = {key: value for key, value in small.get(HRNET, {}).items() if key.startswith("data.")}
recipes = [pp.Dataset(name, root, overrides=files) for name in (HRNET, SIMPLE)]
examples = [recipe.augmented(0, epoch=epoch) for recipe in recipes for epoch in range(7)]
pp.ImageGrid(examples, columns=7, color="side", width=720)

# %% [markdown]
# ## 7. Training · 训练
#
# The published trainings start from backbones pretrained on ImageNet. Both take longer than a day's
# quota: run the commands again every day, and they continue.
#
# ```bash
# python -m paddle_pose download imagenet_resnet50
# python train.py --config simple_baseline_r50_coco_256x192 --dataset_root data/coco --max_hours 3.7 --resume auto
# python -m paddle_pose download imagenet_hrnet_w32
# python train.py --config hrnet_w32_coco_256x192 --dataset_root data/coco --max_hours 3.7 --resume auto
# ```
#
# The cells below do the same. On synthetic people the small networks start from random weights
# (`init="none"`), and are evaluated on the people that they are trained on. When the time is over,
# a training is saved and raises `Interrupted`: run the next cell, and tomorrow both again.

# %% [markdown] tags=["zh"]
# 论文使用 ImageNet 预训练的骨干网络初始化。两次训练都超过一天的限额：每天重新运行命令，断点续训。
#
# 下面的单元格功能相同。使用合成人物时，小网络随机初始化（`init="none"`），并在训练的人物上评估。时间用完时，训练会保存并抛出 `Interrupted`：继续运行下一个单元格，第二天两个都重新运行。

# %%
settings = {"data": root, "resume": "auto", "max_hours": HOURS, "init": "none" if small else None}
simple = pp.train(SIMPLE, output=f"{WORK}/simple", overrides=small.get(SIMPLE), **settings)

# %%
hrnet = pp.train(HRNET, output=f"{WORK}/hrnet", overrides=small.get(HRNET), **settings)

runs = {"SimpleBaseline-R50": simple, "HRNet-W32": hrnet}
pp.Table(
    (
        {"network": name} | {key: run.values[key] for key in ("AP", "AP50", "AR", "epoch")}
        for name, run in runs.items()
    ),
    digits=3,
)

# %% [markdown]
# Both trainings in one chart. The losses can be compared, because both networks learn the same
# targets at the same size; AP can always be compared.

# %% [markdown] tags=["zh"]
# 两次训练画在一张图中。两个网络的训练目标和尺寸相同，损失可以比较；AP 总是可以比较。

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), dpi=80, layout="constrained")
for name, run in runs.items():
    steps = [record for record in run.history if record["kind"] == "train"]
    evaluations = [record for record in run.history if record["kind"] == "eval"]
    left.plot(
        [record["step"] for record in steps], [record["loss"] for record in steps], label=name
    )
    right.plot(
        [record["epoch"] for record in evaluations], [record["AP"] for record in evaluations], "o-"
    )
left.set(xlabel="step", ylabel="loss", yscale="log")
right.set(xlabel="epoch", ylabel="AP", ylim=(0, 1))
left.legend(frameon=False)
plt.show()

# %% [markdown]
# ## 8. Annotated boxes · 标注框
#
# `baseline=True` adds the AP of the mean pose of the training people, which does not use the image:
# every network must be far above it. The same as a command:
#
# ```bash
# python val.py --weights output/hrnet_w32_coco_256x192/best_model/model.pdparams --dataset_root data/coco --baseline
# ```

# %% [markdown] tags=["zh"]
# `baseline=True` 另给出训练人物的平均姿态（不使用图像）的 AP：任何网络都应远高于它。对应的命令见上。

# %%
annotated = pp.evaluate(hrnet.best, root, output=f"{WORK}/val_annotated", baseline=True)
print(f"AP of HRNet {annotated.values['AP']:.3f}, of the mean pose {annotated.baseline['AP']:.3f}")

model = pp.load_model(hrnet.best)
inputs = [one.image for one in pp.Dataset(model.config, root, split="val")[:8]]
pp.ImageGrid(model.predict(inputs, detector=None), columns=8, color="side", width=720)

# %% [markdown]
# ## 9. Detected boxes: another protocol · 检测框：另一种评估协议
#
# In practice there are no annotated boxes. Papers therefore report AP with the boxes of a person
# detector of 56.4 AP, all papers with the same file; it is about 2 points lower for the same
# network. The two ways side by side, with the published AP of HRNet-W32 at 256x192:

# %% [markdown] tags=["zh"]
# 实际使用时没有标注框，因此论文报告的是用检测框得到的 AP，检测器本身的 AP 为 56.4，所有论文使用同一个检测框文件；同一网络约低 2 个百分点。下图并列两种方式，以及 HRNet-W32（256x192）已发表的 AP：

# %%
steps = {
    "annotated": [
        "5,000 images",
        "annotation",
        "6,352 boxes",
        "window: box\nto 3:4, x 1.25",
        "network,\nflip test",
        "score: mean\nof the joints'",
        "OKS-NMS",
        "AP 0.765",
    ],
    "detected": [
        "5,000 images",
        "detector\n(56.4 AP)",
        "104,125 boxes\nwith scores",
        "window: box\nto 3:4, x 1.25",
        "network,\nflip test",
        "score: box's x\nmean of joints'",
        "OKS-NMS",
        "AP 0.744",
    ],
}
figure, axis = plt.subplots(figsize=(9, 1.7), dpi=90, layout="constrained")
for row, words in enumerate(steps.values()):
    for column, word in enumerate(words):
        differs = steps["annotated"][column] != steps["detected"][column]
        style = {
            "boxstyle": "round,pad=0.4",
            "fc": "#fde0c5" if differs else "#e8e8e8",
            "ec": "none",
        }
        axis.text(column, -row, word, ha="center", va="center", fontsize=7.5, bbox=style)
        if column:
            axis.annotate(
                "", (column - 0.43, -row), (column - 0.57, -row), arrowprops={"arrowstyle": "->"}
            )
axis.set(xlim=(-0.5, 7.5), ylim=(-1.5, 0.5))
axis.axis("off")
plt.show()

# %% [markdown]
# **Never compare the two.** The protocol line and `scores.json` state the source of the boxes, and
# `paddle-pose results` lists them in separate tables. Without a file of detections, one is
# simulated here: the annotated boxes, moved and resized by up to a tenth, without the first person,
# and with a box without a person.
#
# ```bash
# python val.py --weights output/hrnet_w32_coco_256x192/best_model/model.pdparams --dataset_root data/coco --detections COCO_val2017_detections_AP_H_56_person.json
# ```

# %% [markdown] tags=["zh"]
# **两者不能直接比较。** 评估协议一行和 `scores.json` 会注明框的来源，`paddle-pose results` 把它们分在不同的表中。没有检测框文件时，这里模拟生成一份：把标注框移动、缩放至多十分之一，漏掉第一个人，再加一个没有人的框。对应的命令见上。

# %%
if not DETECTIONS:
    DETECTIONS = f"{WORK}/simulated_boxes.json"
    rng = np.random.default_rng(0)
    boxes = [[people.samples[0].image_id, [0, 0, 40, 60], 0.5]]
    for sample in people.samples[1:]:
        x, y, w, h = sample.persons[0].box
        dx, dy, dw, dh = rng.uniform(-0.1, 0.1, 4) * (w, h, w, h)
        boxes.append([sample.image_id, [x + dx, y + dy, w + dw, h + dh], rng.uniform(0.6, 1.0)])
    keys = ("image_id", "bbox", "score")
    with open(DETECTIONS, "w") as file:
        json.dump([{"category_id": 1} | dict(zip(keys, box, strict=True)) for box in boxes], file)

detected = pp.evaluate(hrnet.best, root, detections=DETECTIONS, output=f"{WORK}/val_detected")
print(
    f"AP in annotated boxes {annotated.values['AP']:.3f}, in detected boxes {detected.values['AP']:.3f}"
)

# %% [markdown]
# ## 10. Decoding: DARK and UDP · 解码方法：DARK 与 UDP
#
# One pass of the network evaluates every decoding method. DARK's decoding can be used with any
# network (`val.py --decode dark`). Its full gain, and UDP, need targets that are centred on the
# exact position, and therefore a training of their own: `hrnet_w32_coco_256x192_dark` and
# `hrnet_w32_coco_256x192_udp`. The flip test improves networks that were trained with mirrored
# images, as in all recipes, and makes others worse.

# %% [markdown] tags=["zh"]
# 网络只推理一次，即可评估所有解码方法。DARK 的解码可以用于任何网络（`val.py --decode dark`）；要得到全部收益，或使用 UDP，目标热图须以精确位置为中心，需要另行训练：`hrnet_w32_coco_256x192_dark` 和 `hrnet_w32_coco_256x192_udp`。各训练配置都有镜像增强，翻转测试（flip test）因此有益；没有做过镜像增强的网络反而会变差。

# %%
OWN = f"--dataset_root {root}" if root else ""
# !python -m paddle_pose compare --weights {hrnet.best} {OWN}

# %% [markdown]
# ## 11. A COCO network on MPII · 跨数据集评估
#
# Joints are matched by name: 12 of MPII's 16 exist in COCO. The network is evaluated on these, in
# MPII's boxes, with PCKh. It can also be trained on MPII: the backbone matches, the last layer is
# new, and `--freeze backbone` trains only the head.
#
# ```bash
# python train.py --config hrnet_w32_mpii_256 --dataset_root data/mpii --init output/hrnet_w32_coco_256x192/best_model/model.pdparams --freeze backbone
# ```

# %% [markdown] tags=["zh"]
# 关键点按名称匹配：MPII 的 16 个关键点中有 12 个存在于 COCO。在 MPII 的框中，以 PCKh 评估这些关键点。也可以在 MPII 上继续训练：骨干网络匹配，最后一层重新初始化；`--freeze backbone` 冻结骨干网络，只训练预测头（head）。命令见上。

# %%
if not MPII:  # the same synthetic people, annotated as in MPII
    MPII = f"{WORK}/mpii"
    drawing = {"num_train": 1, "num_val": IMAGES, "size": (256, 192), "persons": (1, 2)}
    synthetic.write_mpii(MPII, **drawing, style=Style(noise=0.0))

# %%
# !python val.py --weights {hrnet.best} --dataset_root {MPII} --dataset mpii --output {WORK}/val_mpii

# %% [markdown]
# ## 12. Results · 结果
#
# AP in percent: as published on COCO val2017 with detected boxes, and as measured in this run. The
# two kinds of boxes, and synthetic people, cannot be compared with each other. Notebook 07 exports
# such a network, notebook 09 trains it on your own joints.

# %% [markdown] tags=["zh"]
# AP，单位 %：在 COCO val2017 上用检测框得到的已发表结果（published），以及本次测得的结果。两种框、以及合成人物之间不能互相比较。Notebook 07 导出这样的网络，Notebook 09 用自己的关键点训练。

# %%
from paddle_pose.evaluation import results

names = {HRNET: "HRNet-W32", SIMPLE: "SimpleBaseline-R50"}
rows = [
    {
        "network": names.get(row.model, row.model),
        "boxes": row.table.boxes.replace("ground truth", "annotated").split()[0],
        "AP": float(row.numbers["AP"].split()[0]),
        "by": f"published: {row.source.split()[0]}",
    }
    for row in results.rows([])
    if row.status == "published" and row.table.metric == "ap" and row.input == "256x192"
    if row.model in (*names, *names.values())
]
who = f"this run, {len(people)} people"
rows += [
    {
        "network": "HRNet-W32" + ", small" * bool(small),
        "boxes": boxes,
        "AP": 100 * scores.values["AP"],
        "by": who,
    }
    for boxes, scores in (("annotated", annotated), ("detected", detected))
]
pp.Table(rows, digits=1)

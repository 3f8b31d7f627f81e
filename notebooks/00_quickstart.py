# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 00_quickstart.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 00 · Poses in five minutes
#
# A photo, several people, a video: from the installation to keypoints in a file. No training, no
# GPU, no Paddle needed. Use your own files in the settings below.

# %% [markdown] tags=["zh"]
# # 00 · 五分钟得到姿态
#
# 一张照片、多个人、一段视频：从安装到把关键点写入文件。无需训练，无需 GPU，也不需要飞桨（PaddlePaddle）。在下面的设置中可换成自己的文件。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# The photograph is [7866247804 on Flickr](http://farm9.staticflickr.com/8292/7866247804_e0486b75b8_z.jpg)
# ([CC BY 2.0](http://creativecommons.org/licenses/by/2.0/)), as in COCO's train2017; skeletons are
# drawn over it.

# %% [markdown] tags=["zh"]
# 照片来自 [Flickr 7866247804](http://farm9.staticflickr.com/8292/7866247804_e0486b75b8_z.jpg)（[CC BY 2.0](http://creativecommons.org/licenses/by/2.0/)），取自 COCO 的 train2017；图上绘制了骨架。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
PHOTO = "docs/people.jpg"
VIDEO = ""  # such as "clip.mp4"; "" pans a camera across the photo
WORK = "output/notebook_00"  # folder for results

# %% [markdown]
# ## 2. Three lines · 三行代码
#
# A person detector (NanoDet-m) finds the people, then Google's MoveNet Thunder predicts 17 joints
# of each. Both files, 16 MB, are downloaded once. Where that fails, fetch them by other means and
# name them: `pp.load_model("movenet_thunder", from_file=...)`, or
# `python -m paddle_pose download NAME --from_file FILE`.

# %% [markdown] tags=["zh"]
# 人体检测器（NanoDet-m）先检测出每个人，再由谷歌的 MoveNet Thunder 预测各人的 17 个关键点。两个文件共 16 MB，只下载一次。下载失败时，请用其他方式取得文件，再指定其位置：`pp.load_model("movenet_thunder", from_file=...)`，或 `python -m paddle_pose download NAME --from_file FILE`。

# %%
import paddle_pose as pp

model = pp.load_model("movenet_thunder")
result = model.predict(PHOTO)
result

# %% [markdown]
# ## 3. The keypoints · 关键点
#
# `result` has NumPy arrays for P people and K joints, in pixels of the image: `keypoints`
# [P, K, 2], `scores` [P, K], `boxes` [P, 4] as (x, y, width, height), and `person_scores` [P].
# Joints with a score below 0.2 are not drawn.

# %% [markdown] tags=["zh"]
# `result` 中是 P 个人、K 个关键点的 NumPy 数组，单位为图像的像素：`keypoints` [P, K, 2]、`scores` [P, K]（置信度）、`boxes` [P, 4]，即 (x, y, 宽, 高)，以及 `person_scores` [P]。置信度低于 0.2 的关键点不画出。

# %%
pp.Table(
    [
        {"joint": joint, "x": x, "y": y, "score": score}
        for joint, (x, y), score in zip(result.joints, result.keypoints[0], result.scores[0])
    ]
)

# %% [markdown]
# ## 4. The people · 人
#
# The score of a person is that of the box times the mean score of the joints. Somebody of whom
# little is visible gets a low one. People below 0.2 are left out; `person_threshold=0` returns all
# candidates.

# %% [markdown] tags=["zh"]
# 人的置信度等于检测框的置信度乘以各关键点的平均置信度。只露出一小部分的人置信度低。默认舍去低于 0.2 的人；`person_threshold=0` 返回所有候选。

# %%
candidates = model.predict(PHOTO, person_threshold=0)
print(f"{len(result)} people of {len(candidates)} candidates: {result.keypoints.shape}")

pp.Table(
    [
        {"score": score, "x": x, "y": y, "width": width, "height": height}
        for score, (x, y, width, height) in zip(result.person_scores, result.boxes)
    ]
)

# %% [markdown]
# ## 5. Another network · 换一个网络
#
# MoveNet MultiPose finds up to six people in one pass, without a detector: faster where there are
# many, less exact where they are small. `python -m paddle_pose zoo` lists the published networks,
# also RTMPose and HRNet; your own checkpoint or ONNX file is loaded in the same way, by its path.

# %% [markdown] tags=["zh"]
# MoveNet MultiPose 不用检测器，一次推理最多得到六个人的姿态：人多时更快，人小时精度较低。`python -m paddle_pose zoo` 列出可用的已发表网络，包括 RTMPose 和 HRNet；自己训练的检查点或 ONNX 文件同样用路径加载。

# %%
fast = pp.load_model("movenet_multipose").predict(PHOTO)
names = ["MoveNet Thunder", "MoveNet MultiPose"]
pp.ImageGrid([result, fast], columns=2, captions=names, width=800, boxes=True, scores=True)

# %% [markdown]
# ## 6. A video · 视频
#
# `track` yields the result of each frame with an id per person: a number from 1, and -1 for a
# person seen in fewer than three frames. `smooth=True` reduces jitter. Without a video, a camera
# pans across the photo.

# %% [markdown] tags=["zh"]
# `track` 逐帧给出结果，每个人有一个编号（id）：从 1 开始；出现不足三帧的人为 -1。`smooth=True` 减小抖动。没有视频时，让镜头在照片上平移。

# %%
frames = VIDEO or [result.image[:, left : left + 480] for left in range(0, 161, 8)]
tracked = list(model.track(frames, smooth=True))

pp.ImageGrid(tracked[:: max(1, len(tracked) // 2)], columns=3, width=720)

# %%
rows = {}
for frame in tracked:
    for person in frame.ids[frame.ids > 0]:
        row = rows.setdefault(person, {"id": person, "frames": 0, "first, s": frame.seconds})
        row["frames"] += 1
        row["last, s"] = frame.seconds
pp.Table(rows.values())

# %% [markdown]
# ## 7. Saving · 保存
#
# Drawings are PIL images. `to_dict` returns lists and numbers for JSON, `to_coco` results in
# COCO's format.

# %% [markdown] tags=["zh"]
# 绘制结果是 PIL 图像。`to_dict` 返回可写成 JSON 的列表和数值，`to_coco` 返回 COCO 格式的结果。

# %%
import json

os.makedirs(WORK, exist_ok=True)
result.draw().save(f"{WORK}/poses.jpg")
with open(f"{WORK}/poses.json", "w") as file:
    json.dump(result.to_dict(), file)
with open(f"{WORK}/video.json", "w") as file:
    json.dump([frame.to_dict() for frame in tracked], file)

# %% [markdown]
# ## 8. The command line · 命令行
#
# `predict.py` does the same with photos, folders, videos and cameras:
#
# ```bash
# python predict.py holiday --save drawing csv
# python predict.py clip.mp4 --track --smooth
# python predict.py 0 --show
# ```

# %% [markdown] tags=["zh"]
# `predict.py` 对照片、文件夹、视频和摄像头做同样的事，命令如上。

# %%
# !python predict.py {PHOTO} --output {WORK}/photo

# %%
written = [path for path in sorted(os.scandir(WORK), key=lambda one: one.name) if path.is_file()]
pp.Table([{"file": path.name, "kB": path.stat().st_size / 1000} for path in written], digits=1)

# %% [markdown]
# ## 9. What next · 接下来
#
# | I want to | notebook |
# |---|---|
# | reproduce Hourglass on MPII | 01 data, 02 heatmaps, 03 training, 04 scores, 10 report |
# | train MoveNet, or HRNet on COCO | 05, 06 |
# | export to ONNX or OpenVINO | 07 |
# | count squats in a video | 08 |
# | train on my own keypoints | 09 |

# %% [markdown] tags=["zh"]
# | 目标 | Notebook |
# |---|---|
# | 复现 MPII 上的 Hourglass | 01 数据、02 热图、03 训练、04 指标、10 报告 |
# | 训练 MoveNet，或 COCO 上的 HRNet | 05、06 |
# | 导出 ONNX、OpenVINO | 07 |
# | 统计视频中的深蹲次数 | 08 |
# | 训练自己的关键点 | 09 |

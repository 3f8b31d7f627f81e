# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 08_squats.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 08 · Counting squats
#
# A common use of poses: track one person in a video, compute an angle from the joints, and count
# repetitions. The steps are the same for push-ups or lifting, with other joints and thresholds.
#
# With a video and MoveNet's weights the notebook counts your squats. Without them it also runs, in
# seconds, on **a synthetic person whose number of squats is known**, with noise like that of a
# network.
#
# # 08 · 深蹲计数
#
# 姿态结果的一种常见用法：在视频中跟踪一个人，由关键点计算角度，再用角度计数。俯卧撑、举重的步骤相同，只需换关键点和阈值。
#
# 给出视频和 MoveNet 权重，就统计视频中的深蹲；没有时也能在几秒内运行完：用**合成人物（深蹲次数已知）**，并加上与网络相似的噪声。

# %% [markdown]
# ## 1. Settings
#
# `VIDEO` and `WEIGHTS` are files; if one is empty, the synthetic person is used. `WEIGHTS` may be
# Google's `movenet_single_pose_lightning` TFLite file or a checkpoint of this project. There
# should be only one person in the video, completely visible, from the side or half from the side.
#
# ## 1. 设置
#
# `VIDEO` 和 `WEIGHTS` 为文件路径；任一为空则使用合成人物。`WEIGHTS` 可以是 Google 的 `movenet_single_pose_lightning` TFLite 文件，也可以是本项目的检查点。画面中应只有一个人，全身可见，侧面或半侧面。

# %% tags=["parameters"]
VIDEO = ""  # a file, such as squats.mp4
WEIGHTS = ""  # MoveNet's
CONFIG = None  # of weights that have none beside them and are no published file, such as "movenet_lightning_coco"
LOW, HIGH = 115, 155  # degrees of the knee: below is down, above is up
SQUATS = 4  # of the drawn person, one in two seconds

# %%
import os
import sys
import warnings
from dataclasses import replace
from pathlib import Path

PROJECT = next(
    folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "paddle_pose").is_dir()
)
os.chdir(PROJECT)
sys.path.insert(0, str(PROJECT))
os.environ["PYTHONPATH"] = str(PROJECT)  # for `python -m paddle_pose`
warnings.filterwarnings("ignore", "No ccache found")

import cv2
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image, display

import paddle_pose as pp
from paddle_pose import visualize
from paddle_pose.skeletons import COCO_17
from paddle_pose.structures import Poses
from paddle_pose.tracking.angles import RepetitionCounter, joint_angle
from paddle_pose.tracking.jitter import jitter, lag, person_size, still
from paddle_pose.tracking.pose_tracker import PoseTracker

REAL = bool(VIDEO and WEIGHTS)


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


def show_figure(figure):
    """Shows a figure as an image."""
    figure.canvas.draw()
    show(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())
    plt.close(figure)


# %% [markdown]
# ## 2. Poses, frame by frame
#
# In a video of one person (`one_person=True`) the network's input is the square around the person
# of the previous frame, in which the person is larger than in the whole image. The One-Euro filter
# (`smooth=True`) smooths the joints, using the real times of the frames. If the person is lost,
# both start again. `track` yields a `PoseResult` for each frame.
#
# The synthetic person has no images: its joints are the true positions with noise, smoothed by the
# same filter.
#
# ## 2. 逐帧姿态
#
# 单人视频中（`one_person=True`），网络的输入是上一帧人物周围的正方形区域，人物在其中比在整幅画面中更大。One-Euro 滤波器（`smooth=True`）按帧的真实时间平滑关键点；人物丢失时，两者都重新开始。`track` 为每一帧返回一个 `PoseResult`。
#
# 合成人物没有图像：关键点为真实位置加噪声，并用同一个滤波器平滑。


# %%
def filmed():
    """Returns the results of the frames, as predicted and smoothed."""
    with pp.load_model(WEIGHTS, config=CONFIG) as model:
        return [
            list(model.track(VIDEO, one_person=True, smooth=smooth)) for smooth in (False, True)
        ]


def drawn(size=(320, 240), rate=25):
    """Returns the same of a drawn person."""
    from paddle_pose.data.synthetic.motion import squats

    times = np.arange(0, 2 * SQUATS + 0.8, 1 / rate)
    points = squats(times, 2.0) + np.random.default_rng(0).normal(
        (55, 20), 1.5, (len(times), 17, 2)
    )
    found = [Poses(p[None], np.full((1, 17), 0.9), np.ones(1)) for p in points]
    image, pose_tracker = np.full((*size[::-1], 3), 48, np.uint8), PoseTracker()
    raw = [
        pp.PoseResult(image, COCO_17, poses, seconds=time)
        for time, poses in zip(times, found, strict=True)
    ]
    frames = [(result, result.seconds, size, result.poses) for result in raw]
    return raw, [replace(result, poses=poses) for result, poses in pose_tracker.stream(frames)]


raw, smoothed = filmed() if REAL else drawn()
times = np.array([result.seconds for result in smoothed])
rate = (len(times) - 1) / (times[-1] - times[0])
print(f"{len(times)} frames, {rate:.3g} per second: {VIDEO if REAL else 'a drawn person'}")
print("Frames with somebody:", sum(len(result) > 0 for result in smoothed))
print("Ids:", *sorted({who for result in smoothed for who in result.ids.tolist() if who > 0}))

# %% [markdown]
# Some frames. The person's left is blue, the right orange.
#
# 部分帧：人物的左侧为蓝色，右侧为橙色。

# %%
chosen = np.linspace(0, min(len(times) - 1, int(2.5 * rate)), 6).astype(int)
tiles = [np.asarray(smoothed[n].draw(min_score=0.3, color="side")) for n in chosen]
shrink = 210 / tiles[0].shape[1]
show(
    visualize.grid(
        [cv2.resize(t, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) for t in tiles], 3
    )
)

# %% [markdown]
# ## 3. Benefit and cost of smoothing
#
# *Jitter* is the movement of joints that should be still: the mean length of $x_{t+1} - 2x_t +
# x_{t-1}$, in percent of the person's size. *Lag* is the time shift at which the smoothed joints
# are most similar to the raw ones.
#
# ## 3. 平滑的收益与代价
#
# **抖动**（jitter）：静止关键点的 $x_{t+1} - 2x_t + x_{t-1}$ 的平均长度，以占人体尺寸的百分比表示。**延迟**（lag）：平滑后的关键点与原始关键点最相似时的时间差。


# %%
def joints_of(results):
    """Returns the joints [T, 17, 2] of the first person; where there is nobody, those before."""
    points = []
    for result in results:
        points.append(result.keypoints[0] if len(result) else points[-1])
    return np.stack(points)


before, after = joints_of(raw), joints_of(smoothed)
where = still(before)
print(
    f"Size of the person: {person_size(before):.0f} px; {where.sum()} places of joints that stand still"
)
print(
    f"Jitter: {100 * jitter(before, where):.2f} % raw, {100 * jitter(after, where):.2f} % smoothed"
)
print(f"Lag: {1000 * lag(after, before) / rate:.0f} ms")

# %%
figure, axis = plt.subplots(figsize=(6.4, 2.6), dpi=90, layout="constrained")
ankle = COCO_17.joints.index("left_ankle")
axis.plot(times, before[:, ankle, 0], color="#d55e00", linewidth=0.8, label="raw")
axis.plot(times, after[:, ankle, 0], color="#0072b2", label="smoothed")
axis.set(xlabel="s", ylabel="left ankle, x in px")
axis.legend(frameon=False)
show_figure(figure)

# %% [markdown]
# ## 4. The angle of the knee
#
# The angle between hip, knee and ankle: 180 degrees is a straight leg. It is measured in the
# image, so for a person who faces the camera the measured bend is smaller than the real one. The
# mean of both legs has less noise than one leg.
#
# ## 4. 膝关节角度
#
# 髋、膝、踝三点构成角度，180 度为伸直的腿。角度在画面内测量，因此正对镜头的人，测得的弯曲小于实际值。两腿取平均，比单腿的噪声小。

# %%
legs = [
    joint_angle(after, (f"{side}_hip", f"{side}_knee", f"{side}_ankle"))
    for side in ("left", "right")
]
knee = np.mean(legs, axis=0)
print(f"Between {np.nanmin(knee):.0f} and {np.nanmax(knee):.0f} degrees")

# %% [markdown]
# ## 5. Counting
#
# A squat is complete when the angle has fallen below `LOW` and risen above `HIGH` again. Between
# the two thresholds the state does not change: jitter around one threshold is not counted twice,
# and a half squat is not counted.
#
# ## 5. 计数
#
# 角度先低于 `LOW`，再回到 `HIGH` 以上，算一次完整的深蹲。两个阈值之间状态不变，因此在阈值附近的抖动不会重复计数，半蹲也不计。

# %%
count = RepetitionCounter(LOW, HIGH)
counts = np.array([count(angle) for angle in knee])

figure, axis = plt.subplots(figsize=(6.4, 3.0), dpi=90, layout="constrained")
axis.plot(times, knee, color="#0072b2")
axis.axhspan(LOW, HIGH, color="#999999", alpha=0.2)
for n in np.flatnonzero(np.diff(counts, prepend=0)):
    axis.plot(times[n], knee[n], "o", color="#d55e00")
    axis.annotate(str(counts[n]), (times[n], knee[n]), (4, -12), textcoords="offset points")
axis.set(xlabel="s", ylabel="knee, degrees", title=f"{count.count} squats")
show_figure(figure)

print(f"{count.count} complete squats" + ("" if REAL else f"; drawn: {SQUATS}"))
for number, n in enumerate(np.flatnonzero(np.diff(counts, prepend=0)), start=1):
    print(f"  {number}: complete at {times[n]:.1f} s")

# %% [markdown]
# ## 6. Other exercises
#
# Choose three joints and look at the curve of the angle: `LOW` and `HIGH` should be well inside
# its range, about a third from either end. For push-ups use shoulder, elbow and wrist; for leg
# raises shoulder, hip and knee.
#
# ## 6. 其他动作
#
# 选三个关键点，先看角度曲线：`LOW` 和 `HIGH` 应在峰谷之内，大约各距两端三分之一。俯卧撑用肩、肘、腕；抬腿用肩、髋、膝。

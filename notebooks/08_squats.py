# ruff: noqa: RUF003 - Chinese has its own punctuation
# Paired with 08_squats.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 08 · Counting squats
#
# What people do with poses next: follow one person through a video, turn joints into an angle, and count repetitions by it.
# The steps are the same for push-ups or lifting: other joints, other bounds.
#
# With a video and MoveNet's weights the notebook counts yours. Without them it runs all the same, in seconds: on **a drawn
# person whose true number of squats is known**, with the noise a network makes.
#
# 姿态结果接下来最常见的用法：在视频中跟踪一个人，把关节变成角度，再用角度计数。
# 俯卧撑、举重的步骤相同，只需换关节和界限。
#
# 给出视频和 MoveNet 权重，就统计您的视频；没有时也能在几秒内运行完：
# 用**绘制的人物（深蹲次数已知）**，并加上网络会产生的噪声。

# %% [markdown]
# ## 1. Settings
#
# `VIDEO` and `WEIGHTS` are files; leave one empty to use the drawn person. `WEIGHTS` may be Google's
# `movenet_single_pose_lightning` TFLite file or a checkpoint of this project. The person should be alone, seen whole, from the
# side or half from the side.
#
# ## 1. 设置
#
# `VIDEO` 和 `WEIGHTS` 为文件路径；任一为空则使用绘制的人物。`WEIGHTS` 可以是谷歌的
# `movenet_single_pose_lightning` TFLite 文件，也可以是本项目的检查点。画面中应只有一个人，全身可见，侧面或半侧面。

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
# In a video of one person (`one_person=True`) the network looks through the square round the person of the previous frame,
# which shows more of them than the whole image does. A filter (One-Euro, `smooth=True`) smooths the joints by the frames' real
# times. When the person is lost, both begin anew. `track` gives a `PoseResult` for each frame.
#
# The drawn person has no images to look at: its joints are the true ones with noise, and the same filter smooths them.
#
# ## 2. 逐帧姿态
#
# 单人视频中（`one_person=True`），网络只看上一帧人物周围的正方形区域，比看整幅画面更清楚。One-Euro 滤波器（`smooth=True`）
# 按帧的真实时间平滑关节；人物丢失时，两者都重新开始。`track` 为每一帧给出一个 `PoseResult`。
#
# 绘制的人物没有图像：关节为真实位置加噪声，并用同一个滤波器平滑。


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
# ## 3. What smoothing gains and costs
#
# *Jitter* is how much joints that stand still tremble: the mean length of x[t+1] - 2 x[t] + x[t-1], in percent of the
# person's size. *Lag* is the shift in time at which the smoothed joints resemble the raw ones most.
#
# ## 3. 平滑的收益与代价
#
# **抖动**：静止关节的 x[t+1] - 2 x[t] + x[t-1] 的平均长度，以占人体尺寸的百分比表示。
# **延迟**：平滑后的关节与原始关节最相似时的时间差。


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
# Hip, knee and ankle make an angle: 180 degrees is a straight leg. It is measured in the image, so a person who faces the
# camera bends their knees by less than they do. The mean of both legs trembles less than one.
#
# ## 4. 膝关节角度
#
# 髋、膝、踝三点构成角度，180 度为伸直的腿。角度在画面内测量，因此正对镜头的人，测得的弯曲小于实际值。
# 两腿取平均，比单腿更稳定。

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
# A squat is complete when the angle fell below `LOW` and rose above `HIGH` again. Between the two nothing is decided: so
# trembling at one bound is not counted twice, and a half squat not at all.
#
# ## 5. 计数
#
# 角度先低于 `LOW`，再回到 `HIGH` 以上，算一次完整的深蹲。两个界限之间不作判断，
# 因此在界限处抖动不会重复计数，半蹲也不计。

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
# ## 6. Your exercise
#
# Choose three joints and look at the angle's curve: `LOW` and `HIGH` belong well inside its peaks, a third of the way from
# either end. For push-ups take shoulder, elbow and wrist; for lifting a leg shoulder, hip and knee.
#
# ## 6. 换成您的动作
#
# 选三个关节，先看角度曲线：`LOW` 和 `HIGH` 应在峰谷之内，大约各距两端三分之一。
# 俯卧撑用肩、肘、腕；抬腿用肩、髋、膝。

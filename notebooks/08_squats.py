# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 08_squats.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 08 · Counting squats in a video
#
# Track one person in a video, smooth the keypoints, compute the angle of the knees, and count
# repetitions. The steps are the same for push-ups or lifting, with other joints and thresholds.
#
# Without a video the notebook runs in seconds on a **synthetic person whose number of squats is
# known**, with noise like that of a network.

# %% [markdown] tags=["zh"]
# # 08 · 视频中的深蹲计数
#
# 在视频中跟踪一个人，平滑关键点，计算膝关节角度，并统计重复次数。俯卧撑、举重的步骤相同，只需换关键点和阈值。
#
# 没有视频时也能在几秒内运行完：使用**合成人物（深蹲次数已知）**，并加上与网络相似的噪声。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `VIDEO` is your clip: one person, completely visible, from the side or half from the side.
# `WEIGHTS` is Google's MoveNet Thunder, downloaded once, or a checkpoint of yours. The outputs
# below are those of a clip from Pexels (test data of tensorflow/tfjs-models), which is not part of
# this project.

# %% [markdown] tags=["zh"]
# `VIDEO` 为自己的视频：画面中只有一个人，全身可见，侧面或半侧面。`WEIGHTS` 为 Google 的 MoveNet Thunder（只下载一次），也可以是自己的检查点。下面保存的输出来自 Pexels 的一段视频（tensorflow/tfjs-models 的测试数据），该视频不包含在本项目中。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
VIDEO = ""  # such as "squats.mp4"; "": a synthetic person
WEIGHTS = "movenet_thunder"  # used with a video
SQUATS = 4  # of the synthetic person
LOW, HIGH = 115, 155  # degrees of the knee: below is down, above is up

# %% [markdown]
# ## 2. Poses, frame by frame · 逐帧姿态
#
# With `one_person=True` the network's input is the square around the person of the previous
# frame, in which the person is larger than in the whole image; no detector is needed. `track`
# yields a `PoseResult` for each frame. As a command:
#
# ```bash
# python predict.py squats.mp4 --one_person --smooth --output output/squats
# ```

# %% [markdown] tags=["zh"]
# 使用 `one_person=True` 时，网络的输入是上一帧人物周围的正方形区域，人物在其中比在整幅画面中更大，也不需要检测器。`track` 为每一帧返回一个 `PoseResult`。对应的命令见上。

# %%
import numpy as np

import paddle_pose as pp
from paddle_pose.inference.synthetic_video import synthetic_squats

if VIDEO:
    with pp.load_model(WEIGHTS) as model:
        results = list(model.track(VIDEO, one_person=True))
else:
    results = synthetic_squats(SQUATS)

found = [result for result in results if len(result)]
keypoints = np.stack([result.keypoints[0] for result in found])  # [T, 17, 2] px
seconds = np.array([result.seconds for result in found])  # [T]
print(
    f"{os.path.basename(VIDEO) or 'synthetic person'}: {len(results)} frames, somebody in {len(found)}"
)

# %% [markdown]
# Six frames of the first squat. The person's left is blue, the right orange.

# %% [markdown] tags=["zh"]
# 第一次深蹲中的六帧。人物的左侧为蓝色，右侧为橙色。

# %%
first = [result for result in found if result.seconds < 2.6]
frames = [first[n] for n in np.linspace(0, len(first) - 1, 6).round().astype(int)]
pp.ImageGrid(
    frames, columns=6, captions=[f"{frame.seconds:.1f} s" for frame in frames], color="side"
)

# %% [markdown]
# ## 3. What smoothing gains and costs · 平滑的收益与代价
#
# `track(…, smooth=True)` smooths the keypoints with the One-Euro filter, in the setting of
# Google's MoveNet demo: a keypoint that moves is hardly smoothed. Below, the same filter is
# applied to the keypoints above, in this and in two stronger settings (a lower cut-off frequency
# smooths more, `beta` raises it with the speed):
#
# - **jitter**: movement of joints that should be still, the mean length of
#   $x_{t+1} - 2x_t + x_{t-1}$ in percent of the person's size;
# - **lag**: time by which the smoothed keypoints are behind.

# %% [markdown] tags=["zh"]
# `track(…, smooth=True)` 用 One-Euro 滤波器平滑关键点，参数与 Google 的 MoveNet 演示相同：运动中的关键点几乎不被平滑。下面对上述关键点使用同一滤波器，比较该参数和两组更强的参数（截止频率越低越平滑，`beta` 使截止频率随速度升高）：
#
# - **抖动**（jitter）：静止关键点的移动，即 $x_{t+1} - 2x_t + x_{t-1}$ 的平均长度，以占人体尺寸的百分比表示；
# - **延迟**（lag）：平滑后的关键点落后的时间。

# %%
from paddle_pose.tracking.angles import joint_angle, repetition_ends
from paddle_pose.tracking.jitter import jitter, lag, still
from paddle_pose.tracking.one_euro import OneEuro, smooth_keypoints

size = found[0].image.shape[1::-1]
tracks = {
    "raw": keypoints,
    "default": smooth_keypoints(keypoints, seconds, size),
    "stronger": smooth_keypoints(keypoints, seconds, size, OneEuro(min_cutoff=0.5, beta=20)),
    "too strong": smooth_keypoints(keypoints, seconds, size, OneEuro(min_cutoff=0.5, beta=0)),
}
standing, frame_time = still(keypoints), np.diff(seconds).mean()
pp.Table(
    {
        "filter": name,
        "jitter, %": 100 * jitter(track, standing),
        "lag, ms": round(1000 * lag(track, keypoints) * frame_time),
    }
    for name, track in tracks.items()
)

# %% [markdown]
# Left, an ankle that should stand still: the stronger the filter, the smoother. Right, the height
# of the hip: the default follows it at once, the strongest filter is late by about the lag of the
# table, and does not reach the lowest point.

# %% [markdown] tags=["zh"]
# 左图为应当静止的踝：滤波越强越平滑。右图为髋的高度：默认参数立即跟上，最强的滤波落后的时间约等于表中的延迟，而且达不到最低点。

# %%
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), dpi=100, layout="constrained")
COLORS = ("#d55e00", "#e69f00", "#009e73", "#0072b2")
ankle, hip = (found[0].joints.index(name) for name in ("left_ankle", "left_hip"))
for (name, track), color in zip(tracks.items(), COLORS, strict=True):
    left.plot(seconds, track[:, ankle, 0], color=color, label=name)
    right.plot(seconds, track[:, hip, 1], color=color, label=name)
left.set(xlabel="s", ylabel="left ankle, x in px", xlim=(0, 5))
right.set(xlabel="s", ylabel="left hip, y in px (down)", xlim=(0, 5))
right.invert_yaxis()
right.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# ## 4. The angle of the knee · 膝关节角度
#
# The angle between hip, knee and ankle: 180 degrees is a straight leg. It is measured in the
# image, so for a person who faces the camera the measured bend is smaller than the real one. The
# mean of both legs has less noise than one leg.
#
# A squat is complete when the angle has fallen below `LOW` and risen above `HIGH` again. Between
# the two thresholds nothing changes: jitter around one of them is not counted twice, and a half
# squat is not counted.

# %% [markdown] tags=["zh"]
# 髋、膝、踝三点构成角度，180 度为伸直的腿。角度在画面内测量，因此正对镜头的人，测得的弯曲小于实际值。两腿取平均，比单腿的噪声小。
#
# 角度先低于 `LOW`，再回到 `HIGH` 以上，算一次完整的深蹲。两个阈值之间状态不变，因此在阈值附近的抖动不会重复计数，半蹲也不计。

# %%
legs = [("left_hip", "left_knee", "left_ankle"), ("right_hip", "right_knee", "right_ankle")]
knees = {
    name: np.mean([joint_angle(track, leg) for leg in legs], axis=0)
    for name, track in tracks.items()
}
ends = {name: seconds[repetition_ends(angles, LOW, HIGH)] for name, angles in knees.items()}

figure, axis = plt.subplots(figsize=(9, 3), dpi=100, layout="constrained")
axis.axhspan(LOW, HIGH, color="#999999", alpha=0.2)
axis.plot(seconds, knees["default"], color="#0072b2")
for number, end in enumerate(ends["default"], start=1):
    axis.axvline(end, color="#d55e00", linestyle=":")
    axis.text(end, LOW, f" squat {number}", color="#d55e00")
axis.set(xlabel="s", ylabel="knee, degrees")
plt.show()

# %% [markdown]
# ## 5. Results · 结果
#
# Too much smoothing makes the bend smaller: a squat can then fail to reach `LOW`, and is not
# counted.

# %% [markdown] tags=["zh"]
# 平滑过强会使弯曲变小：深蹲可能达不到 `LOW`，因而不被计数。

# %%
pp.Table(
    {
        "filter": name,
        "lowest angle": round(knees[name].min()),
        "squats": len(ends[name]),
        "complete at, s": ", ".join(f"{end:.1f}" for end in ends[name]),
    }
    for name in tracks
)

# %% [markdown]
# ## 6. Other exercises · 其他动作
#
# Choose three joints and look at the curve of the angle: `LOW` and `HIGH` should be well inside
# its range, about a third from either end. For push-ups use shoulder, elbow and wrist; for leg
# raises shoulder, hip and knee.

# %% [markdown] tags=["zh"]
# 选三个关键点，先看角度曲线：`LOW` 和 `HIGH` 应在峰谷之内，大约各距两端三分之一。俯卧撑用肩、肘、腕；抬腿用肩、髋、膝。

# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 07_export.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 07 · Export and deployment
#
# A trained network is exported to files that run without this project: ONNX, OpenVINO or Paddle's
# own format, in floating point or INT8, with or without decoding. Every file is compared with the
# network, evaluated on the same people, timed beside it, and used: from a script that does not
# import this project, and without Paddle.
#
# Use your checkpoint, or **a small network that is trained on synthetic people for a minute**: its
# differences and ratios are meaningful, its accuracy and milliseconds are only those of a small
# network. Section 6 has those of real ones.

# %% [markdown] tags=["zh"]
# # 07 · 模型导出与部署
#
# 把训练好的网络导出成脱离本项目也能运行的文件：ONNX、OpenVINO 或 Paddle 格式，浮点或 INT8，含或不含解码（后处理）。每个文件都与网络比较，在同样的人物上评估，并排计时，然后投入使用：在不导入本项目的脚本中，以及在没有安装 Paddle 的环境中。
#
# 可以使用自己的检查点；没有时使用**在合成人物上训练一分钟的小网络**：差异和比值有参考意义，精度和毫秒数只属于这个小网络。真实网络的数值见第 6 节。

# %% tags=["install"]
# AI Studio has Paddle and OpenCV already; on a laptop install ../requirements.txt instead.
# The project is unpacked or cloned, and this notebook is in its folder notebooks.
# %pip install -q -r ../requirements/base.txt

# %% [markdown]
# ## 1. Settings · 设置
#
# `WEIGHTS` is a checkpoint of a top-down network, such as HRNet's, `DATA` the data set to evaluate
# it on. Writing ONNX and OpenVINO files needs `pip install -r requirements/export.txt`, on Python
# 3.10 to 3.12; formats whose package is missing are left out below. *Running* a file needs one
# package: onnxruntime, openvino or Paddle.

# %% [markdown] tags=["zh"]
# `WEIGHTS` 为自顶向下网络（如 HRNet）的检查点，`DATA` 为评估用的数据集。**写出** ONNX 和 OpenVINO 文件需要 `pip install -r requirements/export.txt`（Python 3.10 到 3.12）；缺少软件包的格式在下面跳过。**运行**文件只需一个软件包：onnxruntime、openvino 或 Paddle。

# %% tags=["parameters"]
import os

if not os.path.isdir("paddle_pose"):
    os.chdir("..")  # to the project's folder, where the commands are
WEIGHTS = (
    ""  # such as "output/hrnet_w32_coco_256x192/best_model/model.pdparams"; "": a small network
)
DATA = ""  # such as "data/coco"; "": synthetic people
WORK = "output/notebook_07"
PEOPLE = (160, 40)  # synthetic, for training and validation
EPOCHS = 6  # of the small network
FORMATS = ("Paddle", "ONNX", "OpenVINO", "ONNX INT8", "OpenVINO INT8", "ONNX decoded")
ROUNDS = 15  # of timing

# %%
import time

import numpy as np

import paddle_pose as pp
from paddle_pose.data.synthetic.dataset import write_mpii

if not WEIGHTS:
    DATA = f"{WORK}/data"
    write_mpii(DATA, num_train=PEOPLE[0], num_val=PEOPLE[1], size=(160, 160))
    short = {"train.epochs": EPOCHS, "train.eval_every": EPOCHS, "train.num_workers": 0}
    run = pp.train(
        "hourglass_tiny_128", data=DATA, output=f"{WORK}/run", resume="auto", overrides=short
    )
    WEIGHTS = run.last
model = pp.load_model(WEIGHTS, device="cpu", overrides={"val.flip": False})
model

# %% [markdown]
# ## 2. Export · 导出
#
# One call or command per file; the suffix states the format. Every file is compared with the
# network before it gets its final name, and refused if the keypoints differ. INT8 needs people, on
# whose windows the range of every activation is measured: those of the training split of the data
# set `calibration`, or of the data that a run was trained on.
#
# ```bash
# python export.py --weights output/mine/best_model/model.pdparams --output_file model.onnx
# python export.py --weights output/mine/best_model/model.pdparams --output_file int8.xml --int8
# python export.py --weights output/mine/best_model/model.pdparams --output_file decoded.onnx --decode
# ```

# %% [markdown] tags=["zh"]
# 每个文件一次调用或一条命令，格式由后缀决定。文件先与网络比较，关键点不一致则拒绝写出。INT8 量化（训练后量化 / 离线量化）需要在人物窗口上测量每个激活值的范围：取自数据集 `calibration` 的训练集；对训练得到的检查点，默认使用其训练数据。对应的命令见上。

# %%
int8 = {"calibration": DATA}
exports = {
    "Paddle": ("paddle/model.json", {}),
    "ONNX": ("onnx/model.onnx", {}),
    "OpenVINO": ("openvino/model.xml", {}),
    "ONNX INT8": ("onnx/int8.onnx", int8),
    "OpenVINO INT8": ("openvino/int8.xml", int8),
    "ONNX decoded": ("onnx/decoded.onnx", {"decode": True}),
}
made = {}
for name in FORMATS:
    file, arguments = exports[name]
    try:
        made[name] = pp.export_model(WEIGHTS, f"{WORK}/{file}", **arguments)
    except pp.MissingDependencyError as missing:
        print(f"{name} is left out: {missing}")

# %% [markdown]
# *Maps*: the largest difference of any cell, as a fraction of the largest value. *Keypoints*: the
# distances of decoded keypoints, in px of the input. With INT8 most keypoints stay in place; where
# two cells have about the same value, a keypoint may jump to the other one.

# %% [markdown] tags=["zh"]
# maps：输出特征图中任一像素的最大差异，以最大值的比例表示。keypoints：解码后关键点的距离，单位为输入像素。INT8 的大多数关键点不变；两个像素的值几乎相同时，关键点可能跳到另一个。

# %%
megabytes = {
    name: sum(path.stat().st_size for path in export.path.parent.glob(f"{export.path.stem}.*"))
    / 1e6
    for name, export in made.items()
}
pp.Table(
    {
        "file": name,
        "MB": f"{megabytes[name]:.2f}",
        "maps": f"{export.difference.maps:.0e}",
        "keypoints, median": f"{np.median(export.difference.pixels):.3f}",
        "largest": f"{export.difference.pixels.max():.3f}",
    }
    for name, export in made.items()
)

# %% [markdown]
# ## 3. The metadata · 元数据
#
# `<file>.metadata.json`, and the metadata inside an ONNX file, describe the input (raw uint8 RGB:
# normalization is part of the network, so a wrong mean cannot be used), which part of the image it
# is, the outputs, the joints, and where the file comes from.

# %% [markdown] tags=["zh"]
# `<文件>.metadata.json` 以及 ONNX 文件内部的元数据说明：输入（原始 uint8 RGB，归一化在网络内部，不会用错均值）、窗口是图像的哪一部分、输出、有哪些关键点、文件的来源。

# %%
from paddle_pose.backends.metadata import read_metadata

shipped = made.get("ONNX", made["Paddle"]).path
metadata = read_metadata(shipped)
parts = {
    "input": ("shape", "dtype", "colors", "range", "normalised"),
    "preprocessing": ("context", "alignment"),
}
rows = [
    {"part": part, "key": key, "value": str(metadata[part][key])}
    for part, keys in parts.items()
    for key in keys
]
keys = ("name", "shape", "dtype", "axes", "cell")  # of the last one: px of the input
rows += [{"part": "output", "key": key, "value": str(metadata["outputs"][0][key])} for key in keys]
pp.Table(rows)

# %% [markdown]
# ## 4. Accuracy · 精度
#
# `evaluate` and `val.py` accept a file like a checkpoint. In floating point the scores must be
# equal to those of the network; with INT8 they show what it costs. (A decoded file returns
# keypoints instead of maps, for other programs.)

# %% [markdown] tags=["zh"]
# `evaluate` 和 `val.py` 可以像检查点一样使用导出文件。浮点文件的精度必须与网络相同；INT8 的精度显示量化的损失。（含解码的文件直接输出关键点而不是热图（heatmap，热力图），供其他程序使用。）

# %%
evaluated = {"network in Paddle": model} | {
    name: export.path for name, export in made.items() if name != "ONNX decoded"
}
scores = {
    name: pp.evaluate(weights, DATA, overrides={"val.flip": False}).values
    for name, weights in evaluated.items()
}
shown = [name for name in ("Mean", "Mean@0.1", "AP") if name in scores["network in Paddle"]]
pp.Table({"file": name} | {key: values[key] for key in shown} for name, values in scores.items())

# %% [markdown]
# ## 5. Speed · 速度
#
# One image at a time. Other programs may run on the same machine, so the file and the network take
# turns, and the *ratio* of each round counts: the median and the middle half of the rounds.

# %% [markdown] tags=["zh"]
# 每次一幅图像。机器上可能还有其他程序，所以文件与网络轮流运行，看每一轮的**比值**：中位数，以及中间一半各轮的范围。

# %%
window = pp.Dataset(model.config, DATA, split="train")[0].image[None]


def milliseconds(network, repeats=10):
    """Returns the time of one run on one image."""
    start = time.perf_counter()
    for _ in range(repeats):
        network.maps(window)
    return 1000 * (time.perf_counter() - start) / repeats


rows, times = [], {}
for name in [name for name in evaluated if name in made]:
    with pp.load_model(made[name].path, device="cpu") as exported:
        milliseconds(exported)  # the first run prepares
        rounds = np.array([(milliseconds(model), milliseconds(exported)) for _ in range(ROUNDS)])
    low, middle, high = np.quantile(rounds[:, 0] / rounds[:, 1], (0.25, 0.5, 0.75))
    times[name] = middle
    rows.append(
        {
            "file": name,
            "ms": np.median(rounds[:, 1]),
            "times as fast as Paddle": middle,
            "middle half": f"{low:.2f} to {high:.2f}",
        }
    )
pp.Table(rows)

# %% [markdown]
# ## 6. Real networks in INT8 · 真实网络的 INT8
#
# From [docs/speed.md](../docs/speed.md), measured with `make bench` on two cores of an AMD EPYC,
# milliseconds per image (Hourglass, MoveNet) or per 16 people. INT8 is fast on processors with
# VNNI only: measure on yours.
#
# | network, INT8 with OpenVINO | ms | the other, FP32 or INT8 | times as fast |
# |---|---|---|---|
# | MoveNet Lightning, 2 threads | 1.30 | LiteRT, INT8: 2.07 | 1.61 |
# | Hourglass-52, 256 | 42.41 | mmpose, FP32: 215.93 | 4.95 |
# | HRNet-W32, 256x192 | 314.91 | mmpose, FP32: 1710 | 5.66 |
# | SimpleBaseline-R50, 256x192 | 120.00 | mmpose, FP32: 1190 | 10.05 |
#
# What it costs: MoveNet Lightning has AP 0.352 in FP32 and 0.338 in INT8 on 32 images of COCO;
# networks that were overfitted to four images go from 0.985 to 0.921 (SimpleBaseline-R50) and from
# 0.927 to 0.759 (HRNet-W32).

# %% [markdown] tags=["zh"]
# 数据来自 [docs/speed_zh.md](../docs/speed_zh.md)，由 `make bench` 在 AMD EPYC 的两个核心上测得；时间为每幅图像（Hourglass、MoveNet）或每 16 人的毫秒数，表见上：各网络用 OpenVINO 运行 INT8，与其他项目比较。INT8 只在支持 VNNI 的处理器上有明显加速：请在自己的机器上测量。
#
# 精度损失：MoveNet Lightning 在 32 幅 COCO 图像上的 AP，FP32 为 0.352，INT8 为 0.338；在四幅图像上过拟合的网络，SimpleBaseline-R50 从 0.985 降到 0.921，HRNet-W32 从 0.927 降到 0.759。

# %% [markdown]
# ## 7. Without this project · 脱离本项目
#
# `scripts/minimal_onnx.py` is about eighty lines of NumPy, OpenCV and ONNX Runtime, and uses only
# the metadata. Copy it, or translate it to another language. Given a person's box, it prints x, y
# and the score of every joint; the table compares them with those of `predict`.

# %% [markdown] tags=["zh"]
# `scripts/minimal_onnx.py` 约八十行，只用 NumPy、OpenCV 和 ONNX Runtime，只依据元数据，可以直接复制，或改写成其他语言。给出人体框，它打印每个关键点的 x、y 和置信度（score）；下表与 `predict` 的结果比较。

# %%
from IPython.display import display

sample = pp.Dataset(model.config, DATA, split="val").samples[0]
PHOTO, BOX = sample.image_path, sample.persons[0].box
result = model.predict(PHOTO, boxes=[BOX])

if "ONNX" in made:
    numbers = " ".join(f"{value:.4f}" for value in BOX)
    printed = os.popen(f"python scripts/minimal_onnx.py {shipped} {PHOTO} --box {numbers}").read()
    lines = [line.split("\t") for line in printed.splitlines()]
    rows = [
        {
            "joint": joint,
            "minimal_onnx.py": f"({float(x):.2f}, {float(y):.2f})",
            "predict": f"({expected[0]:.2f}, {expected[1]:.2f})",
        }
        for (joint, x, y, _), expected in zip(lines, result.keypoints[0], strict=True)
    ]
    display(pp.Table(rows[:6]))

# %% [markdown]
# ## 8. On images and videos, without Paddle · 图像与视频（不需要 Paddle）
#
# `load_model`, `predict.py` and `val.py` take the file like a checkpoint, with all options: boxes,
# `--smooth`, `--track`. An ONNX or OpenVINO file needs no Paddle, as the last line shows.
#
# ```bash
# python predict.py photos --weights output/notebook_07/onnx/model.onnx --boxes boxes.json --save drawing json csv
# python predict.py film.mp4 --weights output/notebook_07/onnx/model.onnx --track --smooth
# ```

# %% [markdown] tags=["zh"]
# `load_model`、`predict.py` 和 `val.py` 可以像检查点一样使用导出文件，包括人体框、`--smooth`、`--track` 等全部选项。ONNX 或 OpenVINO 文件不需要 Paddle，见最后一行输出。对应的命令见上。

# %%
people = pp.Dataset(model.config, DATA, split="val").samples[:4]
with pp.load_model(shipped) as exported:
    paths, boxes = [one.image_path for one in people], [[one.persons[0].box] for one in people]
    results = list(exported.predict(paths, boxes=boxes))
pp.ImageGrid(results, columns=4, color="side", width=720)

# %%
# !python -c "import sys, paddle_pose as pp; print(len(pp.load_model('{shipped}').predict('{PHOTO}', detector=None)), 'person; Paddle imported:', 'paddle' in sys.modules)"

# %% [markdown]
# ## 9. Results · 结果
#
# Choose the smallest and fastest file whose loss you accept. For a phone or another program, the
# decoded file is the simplest.

# %% [markdown] tags=["zh"]
# 在可接受的精度损失内，选择最小、最快的文件。用于手机或其他程序时，含解码的文件最简单。

# %%
pp.Table(
    {"file": name, "MB": megabytes[name], shown[0]: scores[name][shown[0]], "times as fast": speed}
    for name, speed in times.items()
)

# %% [markdown]
# | target | file | runs with |
# |---|---|---|
# | server, Python | ONNX, OpenVINO | `pp.load_model(file)`, or onnxruntime and the metadata |
# | C++, C#, Java, Rust | ONNX | ONNX Runtime; translate `minimal_onnx.py` |
# | Intel CPU or GPU | OpenVINO | OpenVINO; INT8 where measured |
# | browser | ONNX | onnxruntime-web; `python -m paddle_pose serve_demo` |
# | phone | ONNX, decoded | ONNX Runtime Mobile; a MoveNet needs no boxes |
# | Paddle Inference, Paddle Serving | Paddle | Paddle |

# %% [markdown] tags=["zh"]
# | 目标 | 文件 | 运行方式 |
# |---|---|---|
# | 服务器，Python | ONNX、OpenVINO | `pp.load_model(文件)`，或 onnxruntime 加元数据 |
# | C++、C#、Java、Rust | ONNX | ONNX Runtime；改写 `minimal_onnx.py` |
# | 英特尔 CPU 或 GPU | OpenVINO | OpenVINO；实测有收益时用 INT8 |
# | 浏览器 | ONNX | onnxruntime-web；`python -m paddle_pose serve_demo` |
# | 手机 | ONNX，含解码 | ONNX Runtime Mobile；MoveNet 不需要人体框 |
# | Paddle Inference、Paddle Serving | Paddle | Paddle |

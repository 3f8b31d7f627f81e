# ruff: noqa: RUF003 - Chinese has its own punctuation, and one line for each paragraph
# Paired with 07_export.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 07 · Export and deployment
#
# A trained network is exported to files that run without this project: ONNX, OpenVINO or Paddle's
# own format, in floating point or INT8, with or without decoding. Every file is compared with the
# original network, evaluated on the same people, timed beside it, and then used: from a script
# that does not import this project, on images, on a video, and without Paddle.
#
# Use your checkpoint, or **a small network that is trained on synthetic people for a minute**:
# differences and ratios are meaningful, its accuracy and milliseconds are only those of a small
# network.
#
# # 07 · 模型导出与部署
#
# 把训练好的网络导出成脱离本项目也能运行的文件：ONNX、OpenVINO 或 Paddle 格式，浮点或 INT8，含或不含解码（后处理）。每个文件都与原网络比较，在同样的人物上评估，并排计时，然后投入使用：在不导入本项目的脚本中、对图像、对视频，以及在没有安装 Paddle 的环境中。
#
# 可以使用自己的检查点；没有时使用**在合成人物上训练一分钟的小网络**：差异和比值有参考意义，精度和毫秒数只属于这个小网络。

# %% [markdown]
# ## 1. The machine
#
# ## 1. 运行环境

# %%
import importlib.util
import json
import os
import shlex
import subprocess
import sys
import time
from importlib import metadata as packages
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
os.environ["GLOG_minloglevel"] = "2"  # noqa: SIM112 - Paddle's errors, not its remark on every export

from paddle_pose.engine import machine

print(machine.probe())

# %% [markdown]
# ## 2. Settings
#
# `WEIGHTS` is a checkpoint of a top-down network with its `config.json` beside it, `DATA` the data
# set for evaluation, in the layout that its config states. If empty, synthetic people are created,
# and a small Hourglass is trained on them.
#
# ## 2. 设置
#
# `WEIGHTS` 为自顶向下网络的检查点（旁边有 `config.json`），`DATA` 为评估用的数据集，目录结构与其配置一致。留空则生成合成人物，并训练一个小的 Hourglass。

# %% tags=["parameters"]
WEIGHTS = ""  # file, seen from the project, such as output/256_best_model/model.pdparams
DATA = ""  # folder, seen from the project
WORK = "output/notebook_07"  # folder, seen from the project
PEOPLE = (240, 40)  # drawn for training and validation
EPOCHS = 8  # of the small network
FILES = (
    "Paddle",
    "ONNX",
    "OpenVINO",
    "ONNX, 8 bits",
    "OpenVINO, 8 bits",
    "ONNX, decoded",
)  # to make
ROUNDS = 15  # of timing

# %%
import paddle_pose as pp
from paddle_pose.data.synthetic import dataset as synthetic

if bool(WEIGHTS) != bool(DATA):
    raise ValueError("WEIGHTS and DATA: give both, or neither")
Path(WORK).mkdir(parents=True, exist_ok=True)
os.chdir(WORK)
ROOT = os.path.relpath(PROJECT)  # the project, seen from here
root = Path(ROOT, DATA) if DATA else Path("data")
if not DATA:
    synthetic.write_mpii(root, num_train=PEOPLE[0], num_val=PEOPLE[1], size=(160, 160))
short = {"train.epochs": EPOCHS, "train.eval_every": EPOCHS, "train.num_workers": 0}
weights = (
    Path(ROOT, WEIGHTS)
    if WEIGHTS
    else pp.train("hourglass_tiny_128", data=root, overrides=short).last
)
model = pp.load_model(weights, device="cpu", overrides={"val.flip": False})
model

# %% [markdown]
# ## 3. Installed packages
#
# *Writing* ONNX and OpenVINO files needs paddle2onnx, which exists for Python 3.10 to 3.12;
# Paddle's format needs no other package. *Running* a file needs one package: onnxruntime, openvino
# or Paddle. Formats whose package is missing here are skipped below, with a message.
#
# ## 3. 已安装的软件包
#
# **写出** ONNX 和 OpenVINO 文件需要 paddle2onnx（支持 Python 3.10 到 3.12）；Paddle 格式不需要其他软件包。**运行**文件只需一个软件包：onnxruntime、openvino 或 Paddle。缺少软件包的格式在下面跳过，并给出提示。

# %%
PACKAGES = (
    "paddlepaddle",
    "paddlepaddle-gpu",
    "paddle2onnx",
    "onnx",
    "onnxruntime",
    "ml_dtypes",
    "openvino",
)
there = {one.metadata["Name"]: one.version for one in packages.distributions()}
for package in PACKAGES:
    print(f"{package:17} {there.get(package, 'not installed')}")

# %% [markdown]
# ## 4. Export
#
# Call `export_model` once per file; the suffix selects the format. Each export is compared with
# the original network before it gets its final name, on `images` or, as here, on synthetic people;
# if the outputs differ, it is refused. INT8 needs people on whose windows the range of every
# activation is measured: those of the training split of the data set `calibration`. For a run,
# `int8=True` takes the data that it was trained on. `export.py` does the same from the command line.
#
# ## 4. 导出
#
# 每个文件调用一次 `export_model`，格式由后缀决定。导出的文件先与原网络比较（用 `images` 的图像，或如这里用合成人物），输出不一致则拒绝写出。INT8 量化（训练后量化 / 离线量化）需要在人物窗口上测量每个激活值的范围：取自数据集 `calibration` 的训练集；对训练得到的检查点，`int8=True` 使用其训练数据。命令行的 `export.py` 功能相同。

# %%
import cv2
import numpy as np
from IPython.display import Image, Markdown, display

from paddle_pose import build, visualize
from paddle_pose.io import images

config = model.config
ONNX = ("paddle2onnx", "onnx", "onnxruntime")
INT8 = {"calibration": root}
WANTED = {  # the file's name, arguments, what they need
    "Paddle": ("model.json", {}, ()),
    "ONNX": ("model.onnx", {}, ONNX),
    "OpenVINO": ("model.xml", {}, (*ONNX, "openvino")),
    "ONNX, 8 bits": ("int8.onnx", INT8, (*ONNX, "ml_dtypes")),
    "OpenVINO, 8 bits": ("int8.xml", INT8, (*ONNX, "ml_dtypes", "openvino")),
    "ONNX, decoded": ("decoded.onnx", {"decode": True}, ONNX),
}
files = {}
for name in FILES:
    file, arguments, needs = WANTED[name]
    missing = [package for package in needs if importlib.util.find_spec(package) is None]
    if missing:
        print(f"{name} is left out: {', '.join(missing)} not installed (requirements/export.txt)")
        continue
    exported = pp.export_model(weights, Path("exported", file), **arguments)
    files[name] = exported.path
    print(f"{name}: {exported.difference}")

# %%
for path in sorted(Path("exported").iterdir()):
    print(f"{path.stat().st_size / 1e6:8.3f} MB  {path.name}")

# %% [markdown]
# ## 5. The metadata
#
# `<file>.metadata.json`, and the metadata inside an ONNX file, contain everything that a program
# needs to use the file: the format of the input (raw uint8 RGB; normalization is part of the
# network, so a wrong mean cannot be used), which part of the image it is, the outputs, the joints,
# and the origin of the file.
#
# ## 5. 元数据
#
# `<文件>.metadata.json` 以及 ONNX 文件内部的元数据，包含使用该文件所需的全部说明：输入的格式（原始 uint8 RGB；归一化在网络内部，不会用错均值）、窗口是图像的哪一部分、输出、有哪些关键点、文件的来源。

# %%
from paddle_pose.backends.metadata import read_metadata

metadata = read_metadata(files.get("ONNX") or next(iter(files.values())))
for title, part in (
    ("input", metadata["input"]),
    *(("output", output) for output in metadata["outputs"]),
):
    print(f"{title}:", *(f"  {key}: {value}" for key, value in part.items()), sep="\n")
print(
    "preprocessing:",
    *(f"  {key}: {value}" for key, value in metadata["preprocessing"].items()),
    sep="\n",
)
print("joints:", ", ".join(metadata["skeleton"]["joints"]))
print("versions:", metadata["versions"])
print("source:", metadata["source"]["checkpoint"], metadata["source"]["sha256"][:16], "…")

# %% [markdown]
# ## 6. Agreement
#
# Each file and the original network run on the same validation people. *Maps*: the largest
# difference of any cell, as a fraction of the map's maximum. *Keypoints*: the distance between
# decoded joints, in px of the input. Then PCKh without the flip test, of the original network and
# of the file. In floating point the results must be equal. With INT8, PCKh shows the loss: most
# keypoints stay in place, but where two cells have about the same value, a keypoint may move to
# the other one.
#
# ## 6. 一致性
#
# 每个文件与原网络在同样的验证人物上推理。*maps*：输出特征图中任一像素的最大差异，以该图最大值的比例表示。*keypoints*：解码后关键点的距离，单位为输入像素。随后是不做翻转测试的 PCKh：原网络与导出文件。浮点文件的精度必须相同。INT8 的精度损失看 PCKh：大多数关键点不变，但两个像素的值几乎相同时，关键点可能移到另一个。

# %%
from paddle_pose.backends.open import open_exported
from paddle_pose.exporting.verify import compare

validation = build.samples(config, root, config.data.val_split)
windows = [seen for seen, _ in build.batches(config, validation)]
opened = {name: open_exported(path, "cpu") for name, path in files.items()}


def scores(weights):
    """Returns the numbers of a file or a loaded model that are shown."""
    values = pp.evaluate(weights, root, overrides={"val.flip": False}).values
    return {name: values[name] for name in ("Mean", "Mean@0.1", "AP") if name in values}


def line(name):
    """Returns a file's row of the table."""
    answers = read_metadata(files[name])["outputs"][0]
    decoded = answers if "columns" in answers else None
    exact = "8 bits" not in name
    found = compare(model.maps, opened[name], config.codec, windows, exact=exact, decoded=decoded)
    values = (
        ["in the file"] * len(live)
        if decoded
        else [f"{v:.2f}" for v in scores(files[name]).values()]
    )
    maps = "-" if decoded else f"{found.maps:.1e}"
    distances = [f"{found.pixels.max():.4f}", f"{np.median(found.pixels):.4f}"]
    return f"| {name} | {maps} | {' | '.join(distances)} | {' | '.join(values)} |"


live = scores(model)
lines = [
    f"| file | maps | keypoints, greatest | median | {' | '.join(live)} |",
    "|---|---|---|---" + "|---" * len(live) + "|",
]
lines.append(
    "| live Paddle | | | | " + " | ".join(f"{value:.2f}" for value in live.values()) + " |"
)
display(Markdown("\n".join([*lines, *map(line, files)])))

# %% [markdown]
# `benchmarks/backend_table.py` prints such a table for every network of the project. `evaluate`
# and `val.py` accept an exported file like a checkpoint, also with the flip test:
#
# `benchmarks/backend_table.py` 为项目的每个网络打印这样的表。`evaluate` 和 `val.py` 可以像检查点一样使用导出文件，包括翻转测试（flip test）：

# %%
shipped = files.get("ONNX") or next(iter(files.values()))
pp.evaluate(shipped, root)

# %% [markdown]
# ## 7. Speed
#
# One image at a time. Other programs may run on the same machine, so the file and the original
# network take turns, and the *ratio* of each round is used: the median, and the range of the
# middle half of the rounds. These are ratios of a small network on this machine; with a larger
# network, or on other processors (INT8 is faster only with VNNI), measure again.
#
# ## 7. 速度
#
# 每次一幅图像。机器上可能还有其他程序，所以文件与原网络轮流运行，看每一轮的**比值**：中位数，以及中间一半各轮的范围。这只是小网络在这台机器上的比值；网络更大或处理器不同时（INT8 需要 VNNI 才能加速），请重新测量。


# %%
def seconds(backend, repeats=5):
    """Returns the time of one look at one image."""
    started = time.perf_counter()
    for _ in range(repeats):
        backend(windows[0][:1])
    return (time.perf_counter() - started) / repeats


lines = [
    "| file | ms (median) | times as fast as live Paddle | middle half of the rounds |",
    "|---|---|---|---|",
]
for name, backend in opened.items():
    seconds(backend)  # the first look prepares
    rounds = np.array([(seconds(model.maps), seconds(backend)) for _ in range(ROUNDS)])
    low, middle, high = np.quantile(rounds[:, 0] / rounds[:, 1], (0.25, 0.5, 0.75))
    lines.append(
        f"| {name} | {1000 * np.median(rounds[:, 1]):.2f} | {middle:.2f} | {low:.2f} to {high:.2f} |"
    )
display(Markdown("\n".join(lines)))
print(*(f"{name}: {backend.device}" for name, backend in opened.items()), sep="\n")

# %% [markdown]
# ## 8. Without this project
#
# `scripts/minimal_onnx.py` is about eighty lines of NumPy, OpenCV and ONNX Runtime and uses only
# the metadata. Copy it, or translate it to another language. Given a person's box, it prints the
# joints; beside it the result of `predict`.
#
# ## 8. 脱离本项目
#
# `scripts/minimal_onnx.py` 只用 NumPy、OpenCV 和 ONNX Runtime，约八十行，只依据元数据，可以直接复制，或改写成其他语言。给出人体框，它打印关键点；旁边是 `predict` 的结果。

# %%
from paddle_pose.structures import Poses


def show(pixels):
    """Shows uint8 RGB [h, w, 3]."""
    display(Image(data=visualize.jpeg(pixels)))


sample = validation[0]
box = sample.persons[0].box
ours = model.predict(sample.image_path, boxes=[box])
photo = ours.image
MINIMAL = [
    "python",
    f"{ROOT}/scripts/minimal_onnx.py",
    "FILE",
    str(sample.image_path),
    "--box",
    *(f"{v:.6f}" for v in box),
]
drawn = {"project": ours.poses}
for name in ("ONNX", "ONNX, decoded"):
    if name not in files:
        print("With the ONNX file this would run:", shlex.join(MINIMAL))
        continue
    command = [str(files[name]) if word == "FILE" else word for word in MINIMAL]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = np.array([row.split("\t")[1:] for row in told.splitlines()], float)
    drawn[name] = Poses(rows[None, :, :2], rows[None, :, 2], np.ones(1))
    away = np.linalg.norm(drawn[name].keypoints - ours.keypoints, axis=-1).max()
    print(
        shlex.join(command),
        told,
        f"farthest from the project's own: {away:.4f} px",
        sep="\n",
        end="\n\n",
    )


def tile(title, poses, side=230):
    """Returns the image with a pose, at the size of a tile."""
    larger = cv2.resize(photo, (side, side), interpolation=cv2.INTER_CUBIC)
    scale = np.diag((side / photo.shape[1], side / photo.shape[0], 1.0))[:2]
    drawing = visualize.draw_poses(
        larger, poses.moved(scale), config.codec.skeleton, threshold=-1.0
    )
    visualize.caption(drawing, title, (4, 14), 10)
    return drawing


show(visualize.grid([tile(title, poses) for title, poses in drawn.items()], columns=3))

# %% [markdown]
# ## 9. On images, on a video, without Paddle
#
# `predict.py` accepts the file like a checkpoint. An ONNX or OpenVINO file works without Paddle,
# too: below, the import of `paddle` is blocked, as if it were not installed. (A Paddle file needs
# Paddle.) First images: a folder, with the boxes of an annotation file or of `{"image": [[x, y,
# width, height]]}`.
#
# ## 9. 图像、视频，以及没有 Paddle 的环境
#
# `predict.py` 可以像检查点一样使用导出文件。没有安装 Paddle 时，ONNX 或 OpenVINO 文件也可用：下面禁止导入 `paddle`，如同没有安装。（Paddle 格式的文件需要 Paddle。）先是图像：一个文件夹，框来自标注文件或 `{"图像": [[x, y, 宽, 高]]}`。

# %%
WITHOUT = (
    'import sys; sys.modules["paddle"] = None; from paddle_pose.cli import run; '
    'sys.argv[0] = "predict.py"; run("predict")'
)
PREDICT = (
    f"PYTHONPATH={ROOT} python -c {shlex.quote(WITHOUT)}"
    if "ONNX" in files
    else f"python {ROOT}/predict.py"
)
Path("photos").mkdir(exist_ok=True)
boxes = {}
for sample in validation[:4]:
    copy = Path("photos", sample.image_path.name)
    copy.write_bytes(sample.image_path.read_bytes())
    boxes.setdefault(copy.name, []).append(
        [round(float(value), 2) for value in sample.persons[0].box]
    )
Path("boxes.json").write_text(json.dumps(boxes))
print(
    f"{PREDICT} photos --weights {shipped} --boxes boxes.json --save drawing json csv --threshold 0.1 --output predicted"
)

# %%
# !{PREDICT} photos --weights {shipped} --boxes boxes.json --save drawing json csv --threshold 0.1 --output predicted

# %%
paths = [Path("predicted", f"{Path(name).stem}.png") for name in boxes]
show(
    visualize.grid([cv2.resize(images.read_upright(path), (170, 170)) for path in paths], columns=4)
)
print(
    *(row[:110] + " …" for row in Path("predicted/predictions.csv").read_text().splitlines()[:3]),
    sep="\n",
)

# %% [markdown]
# Then a video: the camera pans over a synthetic image. In your own videos, `--smooth` reduces
# jitter and `--track` tells people apart; the default detector finds real people only, not
# synthetic ones (notebook 08 counts squats).
#
# 然后是视频：镜头在一幅合成图像上平移。对自己的视频，`--smooth` 减少抖动，`--track` 区分不同的人；默认的检测器只检测真实的人，不检测合成人物（Notebook 08 在视频中数深蹲）。

# %%
from paddle_pose.io.videos import VideoWriter, read_video

still = cv2.resize(photo, (240, 240), interpolation=cv2.INTER_CUBIC)
film = VideoWriter(Path("film.mp4"), (208, 208), 10.0)
for step in range(16):
    film.write(still[step : step + 208, 2 * step : 2 * step + 208])
film.close()

# %%
# !{PREDICT} film.mp4 --weights {shipped} --detector none --smooth --threshold 0.1 --output filmed

# %%
frames = [pixels for pixels, _, _ in read_video(Path("filmed/film.mp4"))]
show(visualize.grid([cv2.resize(frame, (170, 170)) for frame in frames[::5]], columns=4))

# %% [markdown]
# ## 10. Deployment targets
#
# | target | file | runs with |
# |---|---|---|
# | a server, Python | ONNX or OpenVINO | `pp.load_model(file)`, or onnxruntime / openvino and the metadata |
# | C++, C#, Java, Rust | ONNX | ONNX Runtime; translate `minimal_onnx.py` |
# | an Intel CPU or GPU | OpenVINO, INT8 where measured | OpenVINO |
# | a browser | ONNX | onnxruntime-web |
# | a phone | ONNX, decoded | ONNX Runtime Mobile; a MoveNet, which needs no boxes |
# | Paddle Serving, Paddle Inference | Paddle | Paddle |
#
# ## 10. 部署方式
#
# | 目标 | 文件 | 运行方式 |
# |---|---|---|
# | 服务器，Python | ONNX 或 OpenVINO | `pp.load_model(文件)`，或 onnxruntime / openvino 加元数据 |
# | C++、C#、Java、Rust | ONNX | ONNX Runtime；改写 `minimal_onnx.py` |
# | 英特尔 CPU 或 GPU | OpenVINO，实测有收益时用 INT8 | OpenVINO |
# | 浏览器 | ONNX | onnxruntime-web |
# | 手机 | ONNX，含解码 | ONNX Runtime Mobile；MoveNet 不需要人体框 |
# | Paddle Serving、Paddle Inference | Paddle | Paddle |

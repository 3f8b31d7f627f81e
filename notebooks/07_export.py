# ruff: noqa: RUF003 - Chinese has its own punctuation
# Paired with 07_export.ipynb: edit this text, then `make notebooks` executes it and writes the notebook.

# %% [markdown]
# # 07 · Export and deployment
#
# A trained network becomes a file that runs where this project is not: ONNX, OpenVINO, or Paddle's own format, in floating
# point or in 8 bits, with or without decoding inside. Every file is compared with the live network, scored on the same
# people, timed beside it, and finally used: from a script that knows nothing of this project, on images, on a video,
# without Paddle.
#
# Give it your checkpoint, or watch **a small network that has looked at synthetic people for a minute**: differences and ratios
# are real, the scores and milliseconds are those of a toy.
#
# 把训练好的网络变成脱离本项目也能运行的文件：ONNX、OpenVINO 或 Paddle 格式，浮点或 8 位，内含或不含解码。
# 每个文件都与原网络比对，在同样的人物上评分，并排计时，最后投入使用：在完全不依赖本项目的脚本中、对图像、对视频、
# 以及在没有安装 Paddle 的环境中。
#
# 可以使用自己的权重；没有时使用**在绘制的人物上训练一分钟的小网络**：差异和比值是真实的，得分和毫秒数只属于这个小网络。

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
# `WEIGHTS` is a checkpoint of a top-down network with its `config.json` beside it, `DATA` the data set it is scored on, in
# the layout that its config names. Empty: people are drawn, and a small Hourglass learns from them.
#
# ## 2. 设置
#
# `WEIGHTS` 为自顶向下网络的权重（旁边有 `config.json`），`DATA` 为评分用的数据集，目录结构与其配置一致。
# 留空则绘制人物，并训练一个小的 Hourglass。

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
# ## 3. What is installed
#
# *Writing* ONNX and OpenVINO files needs paddle2onnx, which exists for Python 3.10 to 3.12; Paddle's format needs nothing
# more. *Running* a file needs one package: onnxruntime, openvino or Paddle. What is missing here is left out below, and
# said.
#
# ## 3. 已安装的软件包
#
# **写出** ONNX 和 OpenVINO 文件需要 paddle2onnx（支持 Python 3.10 到 3.12）；Paddle 格式不需要其他软件包。
# **运行**文件只需一个软件包：onnxruntime、openvino 或 Paddle。缺少的格式在下面略过，并加以说明。

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
# One call of `export_model` per file; its suffix says the format. Each export is compared with the live network before it gets
# its name, on `images` or, as here, on synthetic people; one that differs is refused. 8 bits need `calibration`, a folder of
# images like those to come, on which the range of every activation is measured: here the windows of training people.
# `export.py` does the same from the command line.
#
# ## 4. 导出
#
# 每个文件调用一次 `export_model`，格式由后缀决定。导出的文件先与原网络比对（用 `images` 的图像，或如这里用绘制的人物），
# 有差异则拒绝写出。8 位需要 `calibration`：一个与实际使用相似的图像文件夹，用来测量每个激活值的范围；这里用训练人物的窗口。
# 命令行的 `export.py` 功能相同。

# %%
import cv2
import numpy as np
from IPython.display import Image, Markdown, display

from paddle_pose import build, visualize
from paddle_pose.io import images

config = model.config
training = build.samples(config, root, config.data.train_split)[:100]
for number, window in enumerate(
    np.concatenate([seen for seen, _ in build.batches(config, training)])
):
    images.write(Path("calibration", f"{number:03}.png"), window)

ONNX = ("paddle2onnx", "onnx", "onnxruntime")
INT8 = {"calibration": "calibration"}
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
# What a program must know to use a file stands in `<file>.metadata.json`, and inside an ONNX file as well: how the input
# looks (raw uint8 RGB; normalising is in the network, so nobody can feed it a wrong mean), which part of the image it is,
# what comes out, which joints there are, and where the file comes from.
#
# ## 5. 约定
#
# 使用一个文件需要知道的一切都写在 `<文件>.metadata.json` 中，ONNX 文件内部也有一份：输入的格式（原始 uint8 RGB；归一化在网络
# 内部，不会用错均值）、窗口是图像的哪一部分、输出是什么、有哪些关节、文件来自哪里。

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
# Each file and the live network look at the same validation people. *Maps*: the greatest difference of any cell, as a share
# of the map's greatest value. *Keypoints*: how far decoded joints are apart, in px of the input. Then PCKh without the flip
# test, live and from the file. In floating point the scores must be the same. What 8 bits cost shows in theirs: most keypoints
# stay where they are, but where two cells are about equally high the keypoint may jump to the other.
#
# ## 6. 一致性
#
# 每个文件与原网络看同样的验证人物。*maps*：任一格的最大差异，以该图最大值的比例表示。*keypoints*：解码后关节的距离，
# 单位为输入像素。随后是不用翻转测试的 PCKh：原网络与导出文件。浮点文件的得分必须相同。8 位的代价看得分：大多数关节
# 不动，但两个格几乎一样高时，关节可能跳到另一个格。

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
# `benchmarks/backend_table.py` prints such a table for every system of the project. `evaluate` and `val.py` take an exported
# file like a checkpoint, with the flip test and everything else:
#
# `benchmarks/backend_table.py` 为项目的每个系统打印这样的表。`evaluate` 和 `val.py` 可以像使用权重一样使用导出文件，
# 包括翻转测试等：

# %%
shipped = files.get("ONNX") or next(iter(files.values()))
pp.evaluate(shipped, root)

# %% [markdown]
# ## 7. Speed
#
# One image at a time. Another program may run on the same machine, so a file and the live network take turns, and the
# *ratio* of each round counts: the median, and between which ratios the middle half of the rounds lies. These are ratios of
# a small network on this machine; with a large one, or on other processors (8 bits need VNNI to gain), measure again.
#
# ## 7. 速度
#
# 每次一幅图像。机器上可能还有别的程序，所以文件与原网络轮流运行，看每一轮的**比值**：中位数，以及中间一半各轮所在的范围。
# 这只是小网络在这台机器上的比值；网络更大或处理器不同时（8 位需要 VNNI 才有收益），请重新测量。


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
# `scripts/minimal_onnx.py` is about eighty lines of NumPy, OpenCV and ONNX Runtime, written from the metadata alone. Copy
# it, or translate it to your language. Given the person's box it prints the joints; beside it what `predict` gives.
#
# ## 8. 脱离本项目
#
# `scripts/minimal_onnx.py` 只用 NumPy、OpenCV 和 ONNX Runtime，约八十行，完全依据约定写成，可以直接复制，或翻译成其他语言。
# 给出人体框，它打印关节；旁边是本项目的预测结果。

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
# `predict.py` takes the file like a checkpoint. Where Paddle is not installed an ONNX or OpenVINO file works all the same:
# below the name `paddle` is barred, as if it were absent. (A Paddle file needs Paddle, of course.) Images first: a folder,
# with the boxes of an annotation file or of `{"image": [[x, y, width, height]]}`.
#
# ## 9. 图像、视频，以及没有 Paddle 的环境
#
# `predict.py` 可以像使用权重一样使用导出文件。没有安装 Paddle 时，ONNX 或 OpenVINO 文件照样可用：下面禁止导入 `paddle`，
# 如同没有安装。（Paddle 格式的文件当然需要 Paddle。）先是图像：一个文件夹，框来自标注文件或
# `{"图像": [[x, y, 宽, 高]]}`。

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
# Then a video: a camera that pans over a drawing. In one's own, `--smooth` takes the trembling out, `--track` keeps people
# apart; the default detector finds real people first, which drawings are not (notebook 08 counts squats).
#
# 然后是视频：镜头在一幅绘制的图像上平移。对自己的视频，`--smooth` 消除抖动，`--track` 区分不同的人；
# 默认的检测器会先找真人，绘制的人不是（笔记 08 在视频中数深蹲）。

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
# ## 10. Where to go with it
#
# | target | file | runs with |
# |---|---|---|
# | a server, Python | ONNX or OpenVINO | `pp.load_model(file)`, or onnxruntime / openvino and the metadata |
# | C++, C#, Java, Rust | ONNX | ONNX Runtime; translate `minimal_onnx.py` |
# | an Intel CPU or GPU | OpenVINO, 8 bits where measured | OpenVINO |
# | a browser | ONNX | onnxruntime-web |
# | a phone | ONNX, decoded | ONNX Runtime Mobile; a MoveNet, which needs no boxes |
# | Paddle Serving, Paddle Inference | Paddle | Paddle |
#
# ## 10. 用在哪里
#
# | 目标 | 文件 | 运行方式 |
# |---|---|---|
# | 服务器，Python | ONNX 或 OpenVINO | `pp.load_model(文件)`，或 onnxruntime / openvino 加约定 |
# | C++、C#、Java、Rust | ONNX | ONNX Runtime；翻译 `minimal_onnx.py` |
# | 英特尔 CPU 或 GPU | OpenVINO，实测有收益时用 8 位 | OpenVINO |
# | 浏览器 | ONNX | onnxruntime-web |
# | 手机 | ONNX，含解码 | ONNX Runtime Mobile；MoveNet 不需要人体框 |
# | Paddle Serving、Paddle Inference | Paddle | Paddle |

"""Literal float64 implementations of MoveNet: forward passes and decoding.

The forward passes are those of a TFLite file's graph and of state dicts. Maps are [C, h, w], for
one image at a time.
"""

import numpy as np


def relu(x):
    return np.maximum(x, 0)


def relu6(x):
    return np.clip(x, 0, 6)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def same(size, kernel, stride):
    """Returns TensorFlow's padding (before, after); the output then has ceil(size / stride)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def convolve(x, weight, stride, padding):
    """Returns a convolution with weight [out, in, k, k], or depthwise with weight [C, 1, k, k]."""
    kernel = weight.shape[-1]
    x = np.pad(x, ((0, 0), padding, padding))
    size = (x.shape[1] - kernel) // stride + 1
    y = np.zeros((len(weight), size, size))
    for i in range(kernel):
        for j in range(kernel):
            window = x[:, i : i + size * stride : stride, j : j + size * stride : stride]
            window = window[:, :size, :size]
            tap = weight[:, :, i, j]
            depthwise = weight.shape[1] == 1 and len(x) > 1
            y += tap[:, :, None] * window if depthwise else np.tensordot(tap, window, 1)
    return y


def doubled(x):
    """Returns a map of twice the size by bilinear interpolation, `align_corners=False`."""
    y = np.empty((len(x), 2 * x.shape[1], 2 * x.shape[2]))
    for axis_rows in range(y.shape[1]):
        for axis_columns in range(y.shape[2]):
            value = 0
            neighbours = []
            for at, size in ((axis_rows, x.shape[1]), (axis_columns, x.shape[2])):
                source = (at + 0.5) / 2 - 0.5
                low = int(np.floor(source))
                share = source - low
                neighbours.append(
                    [
                        (min(max(low, 0), size - 1), 1 - share),
                        (min(max(low + 1, 0), size - 1), share),
                    ]
                )
            for row, row_share in neighbours[0]:
                for column, column_share in neighbours[1]:
                    value = value + row_share * column_share * x[:, row, column]
            y[:, axis_rows, axis_columns] = value
    return y


class Network:
    """Convolutions that read their parameters from a state dict by name.

    `padding` is "same" or "symmetric"; batch normalisation is applied if the state dict has one.
    """

    def __init__(self, state, padding):
        self.state = {name: np.asarray(value, np.float64) for name, value in state.items()}
        self.padding = padding

    def __call__(self, x, name, activation=None, stride=1):
        weight = self.state[f"{name}.conv.weight"]
        kernel = weight.shape[-1]
        pad = (
            same(x.shape[1], kernel, stride)
            if self.padding == "same"
            else (kernel // 2, kernel // 2)
        )
        x = convolve(x, weight, stride, pad)
        if f"{name}.conv.bias" in self.state:
            x = x + self.state[f"{name}.conv.bias"][:, None, None]
        if f"{name}.bn.weight" in self.state:
            parts = ("weight", "bias", "_mean", "_variance")
            scale, shift, mean, variance = (
                self.state[f"{name}.bn.{p}"][:, None, None] for p in parts
            )
            x = (x - mean) / np.sqrt(variance + 1e-5) * scale + shift
        return x if activation is None else activation(x)


def google(state, image):
    """Returns the maps of Google's network by name for a uint8 image [H, W, 3]."""
    net = Network(state, "same")
    x = net(image.transpose(2, 0, 1) * (2 / 255) - 1, "backbone.stem", relu6, stride=2)
    strides = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1]
    added = {2, 4, 5, 7, 8, 9, 11, 12, 14, 15}
    features = []
    for i, stride in enumerate(strides):
        block = f"backbone.blocks.{i}"
        y = net(x, f"{block}.expand", relu6) if i else x
        y = net(net(y, f"{block}.depthwise", relu6, stride), f"{block}.project")
        x = x + y if i in added else y
        features.append(x)
    x = net(net(x, "backbone.top", relu6), "pyramid.top")
    for level, tap in enumerate((9, 5, 2)):
        x = doubled(x) + net(features[tap], f"pyramid.levels.{level}.lateral")
        x = net(
            net(x, f"pyramid.levels.{level}.depthwise"), f"pyramid.levels.{level}.pointwise", relu
        )
    return heads(net, x)


def fire717(state, image, shared):
    """Returns the maps of fire717's network; with `shared`, a stage has one residual block."""
    net = Network(state, "symmetric")
    x = net(image.transpose(2, 0, 1) / 127.5 - 1, "backbone.stem", relu, stride=2)
    x = net(net(x, "backbone.blocks.0.depthwise", relu), "backbone.blocks.0.project")

    def block(x, index, stride=1):
        y = net(
            net(x, f"backbone.blocks.{index}.expand", relu),
            f"backbone.blocks.{index}.depthwise",
            relu,
            stride,
        )
        return net(y, f"backbone.blocks.{index}.project")

    taps, index = [], 1
    for stride, residuals in ((2, 1), (2, 2), (2, 3), (1, 2), (2, 2), (1, 0)):
        x = block(x, index, stride)
        for j in range(residuals):
            x = x + block(x, index + 1 + (0 if shared else j))
        index += 2 if shared else 1 + residuals
        taps.append(x)
    x = doubled(net(net(x, "backbone.top", relu), "pyramid.top")) + net(
        taps[2], "pyramid.levels.0.lateral"
    )
    for level in (0, 1):
        x = net(
            net(x, f"pyramid.levels.{level}.depthwise", relu),
            f"pyramid.levels.{level}.pointwise",
            relu,
        )
        x = doubled(x) + net(taps[1 - level], f"pyramid.levels.{level + 1}.lateral")
    return heads(net, net(net(x, "pyramid.levels.2.depthwise"), "pyramid.levels.2.pointwise", relu))


def heads(net, x):
    maps = {}
    for name in ("centers", "heatmaps", "regressions", "offsets"):
        y = net(net(x, f"heads.{name}.depthwise"), f"heads.{name}.pointwise", relu)
        maps[name] = net(y, f"heads.{name}.out")
    return {name: sigmoid(y) if name in ("centers", "heatmaps") else y for name, y in maps.items()}


def run_tflite(data, image):
    """Runs a TFLite graph in float64, operation by operation.

    Operations after the maps, which decode them with integers, are not run.

    Returns:
        For every convolution its name and its output before the activation, [C, h, w].
    """
    import tflite

    model = tflite.Model.GetRootAs(data, 0)
    graph = model.Subgraphs(0)
    names = {
        value: key for key, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)
    }
    types = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 9: np.int8}
    values = {graph.Inputs(0): image.astype(np.float64)[None]}
    outputs = []

    def constant(index):
        tensor = graph.Tensors(index)
        raw = model.Buffers(tensor.Buffer()).DataAsNumpy()
        shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else ()
        stored = raw.view(types[tensor.Type()]).reshape(shape).astype(np.float64)
        how = tensor.Quantization()
        if how is None or how.ScaleLength() == 0:
            return stored
        scales, zeros = how.ScaleAsNumpy().astype(np.float64), how.ZeroPointAsNumpy()
        side = np.ones(stored.ndim, int)
        if len(scales) > 1:
            side[how.QuantizedDimension()] = -1
        return (
            (stored - zeros.reshape(side)) * scales.reshape(side)
            if stored.ndim
            else (stored - zeros) * scales
        )

    for i in range(graph.OperatorsLength()):
        operator = graph.Operators(i)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = names[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        indices = operator.InputsAsNumpy()
        stored = [model.Buffers(graph.Tensors(j).Buffer()).DataLength() > 0 for j in indices]
        if not all(j in values or has for j, has in zip(indices, stored, strict=True)):
            continue  # depends on an operation that is not run
        inputs = [values[j] if j in values else constant(j) for j in indices]
        table = operator.BuiltinOptions()
        if kind in ("CAST", "QUANTIZE", "DEQUANTIZE"):
            y = inputs[0]
        elif kind in ("SUB", "MUL", "ADD"):
            y = {"SUB": np.subtract, "MUL": np.multiply, "ADD": np.add}[kind](*inputs)
        elif kind == "RESIZE_BILINEAR":
            options = tflite.ResizeBilinearOptions()
            options.Init(table.Bytes, table.Pos)
            assert options.HalfPixelCenters()
            assert not options.AlignCorners()
            y = doubled(inputs[0][0].transpose(2, 0, 1)).transpose(1, 2, 0)[None]
        elif kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            depthwise = kind == "DEPTHWISE_CONV_2D"
            options = tflite.DepthwiseConv2DOptions() if depthwise else tflite.Conv2DOptions()
            options.Init(table.Bytes, table.Pos)
            x, weight, bias = inputs
            weight = weight.transpose(3, 0, 1, 2) if depthwise else weight.transpose(0, 3, 1, 2)
            padding = (0, 0)
            if options.Padding() == tflite.Padding.SAME:
                padding = same(x.shape[1], weight.shape[-1], options.StrideH())
            y = (
                convolve(x[0].transpose(2, 0, 1), weight, options.StrideH(), padding)
                + bias[:, None, None]
            )
            outputs.append((graph.Tensors(indices[1]).Name().decode(), y))
            activation = {0: lambda y: y, 1: relu, 3: relu6}[options.FusedActivationFunction()]
            y = activation(y).transpose(1, 2, 0)[None]
        else:
            continue
        values[operator.Outputs(0)] = y
    return outputs


def best_cell(map_, x0, y0, reach=float("inf")):
    """Returns the cell (x, y) with the highest value / (distance to (x0, y0) + 1.8).

    Of equal cells it is the first one in row-major order. Cells at more than `reach` are ignored.
    """
    best, position = -1.0, None
    for y in range(len(map_)):
        for x in range(len(map_[0])):
            distance = ((x - x0) ** 2 + (y - y0) ** 2) ** 0.5
            if distance <= reach and map_[y][x] / (distance + 1.8) > best:
                best, position = map_[y][x] / (distance + 1.8), (x, y)
    return position


def read_joint(heatmap, offset_x, offset_y, cell):
    """Returns the position (x, y) in cells that is read at a joint's cell, and its score."""
    x, y = cell
    return (x + offset_x[y][x], y + offset_y[y][x]), heatmap[y][x]


def decode_single(centers, heatmaps, regressions, offsets):
    """Returns K pairs of position (x, y) in cells and score by Google's single-person rule.

    The maps are [h, w], [K, h, w], [2K, h, w] and [2K, h, w], x before y.
    """
    height, width = centers.shape
    cx, cy = best_cell(centers, width / 2, height / 2)
    joints = []
    for k, heatmap in enumerate(heatmaps):
        x0, y0 = cx + regressions[2 * k][cy][cx], cy + regressions[2 * k + 1][cy][cx]
        joints.append(
            read_joint(heatmap, offsets[2 * k], offsets[2 * k + 1], best_cell(heatmap, x0, y0))
        )
    return joints


def decode_many(centers, heatmaps, regressions, offsets, threshold, max_persons):
    """Returns (score, K positions, K scores) of each person by this project's rule, best first."""
    height, width = centers.shape
    peaks = []
    for y in range(height):
        for x in range(width):
            exceeded = centers[y][x] < threshold
            for v in range(max(y - 1, 0), min(y + 2, height)):
                for u in range(max(x - 1, 0), min(x + 2, width)):
                    earlier = (v, u) < (y, x)
                    exceeded |= centers[v][u] > centers[y][x] or (
                        earlier and centers[v][u] == centers[y][x]
                    )
            if not exceeded:
                peaks.append((-centers[y][x], y, x))
    people = []
    for negative_score, cy, cx in sorted(peaks)[:max_persons]:
        points = [
            (cx + regressions[2 * k][cy][cx], cy + regressions[2 * k + 1][cy][cx])
            for k in range(len(heatmaps))
        ]
        sides = [max(p[axis] for p in points) - min(p[axis] for p in points) for axis in (0, 1)]
        reach = max(0.3 * max(sides), 2.0)
        found = []
        for k, heatmap in enumerate(heatmaps):
            x0, y0 = min(max(points[k][0], 0), width - 1), min(max(points[k][1], 0), height - 1)
            found.append(
                read_joint(
                    heatmap, offsets[2 * k], offsets[2 * k + 1], best_cell(heatmap, x0, y0, reach)
                )
            )
        positions = [position for position, _ in found]
        scores = [score for _, score in found]
        person_score = -negative_score * sum(scores) / len(scores)
        people.append((person_score, positions, scores))
    return sorted(people, key=lambda person: -person[0])

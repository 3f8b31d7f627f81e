"""Literal float64 implementations of networks, codecs and metrics, with NumPy and SciPy only.

A network is given by its state dict (names of this project, float64 arrays) and the numbers of its
paper. Maps are [C, h, w], for one image at a time.
"""

import numpy as np
from scipy.signal import correlate

MEAN = np.array([0.485, 0.456, 0.406])[:, None, None]
STD = np.array([0.229, 0.224, 0.225])[:, None, None]


def relu(x):
    return np.where(x > 0, x, 0.0)


def doubled(x):
    return np.kron(x, np.ones((1, 2, 2)))


def pooled(x):
    return np.maximum.reduce([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)])


class Network:
    """Layers that read their parameters from a state dict by name."""

    def __init__(self, state):
        self.state = {name: np.asarray(value, np.float64) for name, value in state.items()}

    def conv(self, x, name, stride=1):
        weight = self.state[f"{name}.weight"]
        pad = weight.shape[-1] // 2
        x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
        y = np.stack([correlate(x, kernel, mode="valid", method="direct")[0] for kernel in weight])
        y = y[:, ::stride, ::stride]
        bias = self.state.get(f"{name}.bias")
        return y if bias is None else y + bias[:, None, None]

    def bn(self, x, name):
        parts = (self.state[f"{name}.{part}"] for part in ("weight", "bias", "_mean", "_variance"))
        weight, bias, mean, variance = (part[:, None, None] for part in parts)
        return (x - mean) / np.sqrt(variance + 1e-5) * weight + bias

    def conv_bn(self, x, name, stride=1):
        return self.bn(self.conv(x, f"{name}.conv", stride), f"{name}.bn")

    def basic_block(self, x, name, stride=1):
        y = relu(self.bn(self.conv(x, f"{name}.conv1", stride), f"{name}.bn1"))
        y = self.bn(self.conv(y, f"{name}.conv2"), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in self.state:
            x = self.bn(self.conv(x, f"{name}.downsample.0", stride), f"{name}.downsample.1")
        return relu(x + y)

    def bottleneck(self, x, name):
        y = x
        for i in (1, 2, 3):
            y = self.conv(relu(self.bn(y, f"{name}.bn{i}")), f"{name}.conv{i}")
        if f"{name}.downsample.weight" in self.state:
            x = self.conv(x, f"{name}.downsample")
        return x + y


def hourglass(state, image, blocks, num_stacks):
    """Returns the heatmaps [S, K, h, w] of CornerNet's network for a uint8 image [H, W, 3]."""
    net = Network(state)

    def run(x, name, count, stride=1):
        for i in range(count):
            x = net.basic_block(x, f"{name}.{i}", stride if i == 0 else 1)
        return x

    def level(x, name, depth):
        if depth == len(blocks) - 1:
            return run(x, name, blocks[-1])
        low = run(x, f"{name}.low1", blocks[depth], stride=2)
        low = level(low, f"{name}.low2", depth + 1)
        low = run(low, f"{name}.low3", blocks[depth])
        return run(x, f"{name}.up1", blocks[depth]) + doubled(low)

    x = (image.transpose(2, 0, 1) / 255 - MEAN) / STD
    x = relu(net.conv_bn(x, "stem.0", stride=2))
    x = net.basic_block(x, "stem.1", stride=2)
    stages = []
    for s in range(num_stacks):
        features = relu(net.conv_bn(level(x, f"hourglasses.{s}", 0), f"out_convs.{s}"))
        stages.append(net.conv(features, f"heads.{s}"))
        if s < num_stacks - 1:
            merged = net.conv_bn(x, f"conv1x1s.{s}") + net.conv_bn(features, f"remap_convs.{s}")
            x = net.basic_block(relu(merged), f"inters.{s}")
    return np.stack(stages)


def stacked_hourglass(state, image, depth, num_stacks):
    """Returns the heatmaps [S, K, h, w] of Newell's network for a uint8 image [H, W, 3].

    The network has one residual block per position.
    """
    net = Network(state)

    def level(x, name, below):
        low = net.bottleneck(pooled(x), f"{name}.low1.1.0")
        low = (
            level(low, f"{name}.low2", below - 1)
            if below > 1
            else net.bottleneck(low, f"{name}.low2.0")
        )
        low = net.bottleneck(low, f"{name}.low3.0")
        return net.bottleneck(x, f"{name}.up1.0") + doubled(low)

    x = (image.transpose(2, 0, 1) / 255 - MEAN) / STD
    x = relu(net.bn(net.conv(x, "stem.0", stride=2), "stem.1"))
    x = pooled(net.bottleneck(x, "stem.3"))
    x = net.bottleneck(net.bottleneck(x, "stem.5"), "stem.6")
    stages = []
    for s in range(num_stacks):
        y = net.bottleneck(level(x, f"hourglasses.{s}", depth), f"out_convs.{s}.0.0")
        y = relu(net.bn(net.conv(y, f"out_convs.{s}.1"), f"out_convs.{s}.2"))
        heatmaps = net.conv(y, f"heads.{s}")
        stages.append(heatmaps)
        if s < num_stacks - 1:
            x = x + net.conv(y, f"from_features.{s}") + net.conv(heatmaps, f"from_heatmaps.{s}")
    return np.stack(stages)


def heatmap_targets(keypoints, visible, map_size, stride, sigma):
    """Returns SimpleBaseline's Gaussian targets, joint by joint: maps [K, h, w] and weights [K].

    Args:
        keypoints: Joints, [K, 2] in input px.
        visible: Labels, [K], 0 or 1.
        map_size: (width, height) of the maps in cells.
        stride: Input px per cell.
        sigma: Standard deviation, an integer number of cells.
    """
    width, height = map_size
    maps, weights = np.zeros((len(keypoints), height, width)), np.array(visible, np.float64)
    reach = 3 * sigma
    for k, (x, y) in enumerate(keypoints):
        if weights[k] <= 0.5:
            continue
        mu_x, mu_y = int(x / stride + 0.5), int(y / stride + 0.5)
        left = mu_x - reach
        top = mu_y - reach
        right = mu_x + reach + 1
        bottom = mu_y + reach + 1
        if left >= width or top >= height or right < 0 or bottom < 0:
            weights[k] = 0
            continue
        for cell_y in range(max(0, top), min(height, bottom)):
            for cell_x in range(max(0, left), min(width, right)):
                squared = (cell_x - mu_x) ** 2 + (cell_y - mu_y) ** 2
                maps[k, cell_y, cell_x] = np.exp(-squared / (2 * sigma**2))
    return maps, weights


def heatmap_peaks(heatmaps):
    """Returns the peaks of heatmaps [K, h, w] by SimpleBaseline's decoder.

    Returns:
        Cells [K, 2] with the quarter offset, and values at the peaks [K].
    """
    _, height, width = heatmaps.shape
    cells, heights = [], []
    for heatmap in heatmaps:
        top = heatmap.argmax()
        x, y = float(top % width), float(top // width)
        heights.append(heatmap.max())
        if heights[-1] <= 0:
            x = y = 0.0
        px, py = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
        if 1 < px < width - 1 and 1 < py < height - 1:
            x += 0.25 * np.sign(heatmap[py][px + 1] - heatmap[py][px - 1])
            y += 0.25 * np.sign(heatmap[py + 1][px] - heatmap[py - 1][px])
        cells.append((x, y))
    return np.array(cells), np.array(heights)


def smoothed(heatmap, kernel):
    """Returns a heatmap [h, w] smoothed as in DARK.

    It is padded with zeros, filtered with a Gaussian of `kernel` cells, and scaled to its former
    maximum.
    """
    height, width = heatmap.shape
    reach = (kernel - 1) // 2
    sigma = 0.3 * (reach - 1) + 0.8  # OpenCV's default for a given kernel size
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    if kernel == 3:  # for small kernels OpenCV has a table instead
        weights = np.array([0.25, 0.5, 0.25])
    weights = np.outer(weights, weights) / weights.sum() ** 2
    padded = np.zeros((height + 2 * reach, width + 2 * reach))
    padded[reach : reach + height, reach : reach + width] = heatmap
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            out[y, x] = (padded[y : y + kernel, x : x + kernel] * weights).sum()
    return out * heatmap.max() / out.max()


def dark_peaks(heatmaps, kernel):
    """Returns the peaks [K, 2] in cells of heatmaps [K, h, w] by DARK's decoder."""
    _, height, width = heatmaps.shape
    cells = []
    for heatmap in heatmaps:
        top = heatmap.argmax()
        point = np.array([top % width, top // width], np.float64)
        if heatmap.max() <= 0:
            cells.append(np.zeros(2))
            continue
        log = np.log(np.maximum(smoothed(heatmap, kernel), 1e-10))
        px, py = int(point[0]), int(point[1])
        if 1 < px < width - 2 and 1 < py < height - 2:
            dx = 0.5 * (log[py][px + 1] - log[py][px - 1])
            dy = 0.5 * (log[py + 1][px] - log[py - 1][px])
            dxx = 0.25 * (log[py][px + 2] - 2 * log[py][px] + log[py][px - 2])
            dxy = 0.25 * (
                log[py + 1][px + 1]
                - log[py - 1][px + 1]
                - log[py + 1][px - 1]
                + log[py - 1][px - 1]
            )
            dyy = 0.25 * (log[py + 2][px] - 2 * log[py][px] + log[py - 2][px])
            if dxx * dyy - dxy**2 != 0:
                point -= np.linalg.inv(np.array([[dxx, dxy], [dxy, dyy]])) @ np.array([dx, dy])
        cells.append(point)
    return np.array(cells)


def udp_peaks(heatmaps, kernel):
    """Returns the peaks [K, 2] in cells of heatmaps [K, h, w] by UDP's decoder.

    The heatmaps are smoothed as in DARK.
    """
    _, _, width = heatmaps.shape
    cells = []
    for heatmap in heatmaps:
        top = heatmap.argmax()
        px, py = int(top % width), int(top // width)
        if heatmap.max() <= 0:
            cells.append(np.zeros(2))
            continue
        log = np.pad(np.log(np.clip(smoothed(heatmap, kernel), 1e-3, 50)), 1, mode="edge")
        x, y = px + 1, py + 1
        center = log[y, x]
        left = log[y, x - 1]
        right = log[y, x + 1]
        above = log[y - 1, x]
        below = log[y + 1, x]
        gradient = np.array([(right - left) / 2, (below - above) / 2])
        dxy = log[y + 1, x + 1] - right - below + 2 * center - left - above + log[y - 1, x - 1]
        dxy /= 2
        hessian = np.array([[right - 2 * center + left, dxy], [dxy, below - 2 * center + above]])
        hessian += np.finfo(np.float32).eps * np.eye(2)
        cells.append(np.array([px, py]) - np.linalg.inv(hessian) @ gradient)
    return np.array(cells)


def exact_targets(keypoints, visible, map_size, input_size, sigma, udp):
    """Returns Gaussian targets with exact centres, joint by joint: maps [K, h, w].

    Args:
        keypoints: Joints, [K, 2] in input px, inside the image.
        visible: Labels, [K], 0 or 1.
        map_size: (width, height) of the maps in cells.
        input_size: (width, height) of the input in px.
        sigma: Standard deviation, an integer number of cells.
        udp: Whether to draw UDP's targets, which are limited to 6 sigma + 1 cells; otherwise
            DARK's, which extend over the whole map.
    """
    width, height = map_size
    maps = np.zeros((len(keypoints), height, width))
    for k, (x, y) in enumerate(keypoints):
        if not visible[k]:
            continue
        if udp:
            mu_x = x * (width - 1) / (input_size[0] - 1)
            mu_y = y * (height - 1) / (input_size[1] - 1)
        else:
            mu_x, mu_y = x * width / input_size[0], y * height / input_size[1]
        for cell_y in range(height):
            for cell_x in range(width):
                far = max(abs(cell_x - int(mu_x + 0.5)), abs(cell_y - int(mu_y + 0.5))) > 3 * sigma
                if not (udp and far):
                    squared = (cell_x - mu_x) ** 2 + (cell_y - mu_y) ** 2
                    maps[k, cell_y, cell_x] = np.exp(-squared / (2 * sigma**2))
    return maps


def udp_warp_matrix(degrees, center, input_size, window_size):
    """Returns the matrix [2, 3] from image px to input px of UDP's unbiased warp.

    Args:
        degrees: Angle of the rotation; positive values rotate the image clockwise on the screen.
        center: Centre of the window (x, y) in image px.
        input_size: (width, height) of the input in px.
        window_size: (width, height) of the window in image px.
    """
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    scale_x = (input_size[0] - 1) / window_size[0]
    scale_y = (input_size[1] - 1) / window_size[1]
    x, y = center
    return np.array(
        [
            [
                scale_x * cos,
                -scale_x * sin,
                scale_x * (-x * cos + y * sin + 0.5 * window_size[0]),
            ],
            [
                scale_y * sin,
                scale_y * cos,
                scale_y * (-x * sin - y * cos + 0.5 * window_size[1]),
            ],
        ]
    )


def cells_to_image(cells, center, scale, map_width):
    """Returns cells [K, 2] of a square map in image px by HRNet's formula; scale 1 is 200 px."""
    return np.array(
        [
            [x * scale * 200 / map_width + c - scale * 100 for x, c in zip(p, center, strict=True)]
            for p in cells
        ]
    )


def pckh(predictions, truth, missing, head_boxes, threshold):
    """Returns HRNet's PCKh in percent: the rate of each joint [16], and their weighted mean.

    The weights are the numbers of labels of the joints.

    Args:
        predictions: Predicted joints, [N, 16, 2] in px, with the same origin as `truth`.
        truth: True joints, [N, 16, 2] in px.
        missing: 1 for joints without label, [N, 16].
        head_boxes: Two corners of each head box, [N, 2, 2] in px.
        threshold: Maximum distance of a correct joint in head sizes.
    """
    hits, counts = np.zeros(16), np.zeros(16)
    for n in range(len(truth)):
        (x1, y1), (x2, y2) = head_boxes[n]
        head = 0.6 * np.sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
        for j in range(16):
            if missing[n, j]:
                continue
            dx, dy = predictions[n, j] - truth[n, j]
            counts[j] += 1
            hits[j] += np.sqrt(dx * dx + dy * dy) / head <= threshold
    body = [j for j in range(16) if j not in (6, 7)]
    return 100 * hits / np.maximum(counts, 1), 100 * hits[body].sum() / counts[body].sum()


def oks(points, annotation, sigmas):
    """Returns COCO's object keypoint similarity of points [K, 2] with an annotation."""
    x, y, v = (annotation["keypoints"][i::3] for i in range(3))
    left, top, width, height = annotation["bbox"]
    has_labels = any(visible > 0 for visible in v)
    terms = []
    for k, sigma in enumerate(sigmas):
        if has_labels and not v[k] > 0:
            continue
        if has_labels:
            dx, dy = points[k][0] - x[k], points[k][1] - y[k]
        else:  # distance to a box of three times the size
            dx = max(0, left - width - points[k][0]) + max(0, points[k][0] - left - 2 * width)
            dy = max(0, top - height - points[k][1]) + max(0, points[k][1] - top - 2 * height)
        terms.append(
            np.exp(-(dx**2 + dy**2) / (2 * (annotation["area"] + np.spacing(1)) * (2 * sigma) ** 2))
        )
    return sum(terms) / len(terms)


def _match(annotations, results, similarities, threshold, low, high):
    """Matches the results of one image with its annotations at one threshold.

    Returns:
        (score, hit, ignored) of every result, and the number of annotated people that count.
    """
    ignored = [
        a["iscrowd"] or not any(v > 0 for v in a["keypoints"][2::3]) or not low <= a["area"] <= high
        for a in annotations
    ]
    order = sorted(range(len(annotations)), key=lambda j: ignored[j])
    taken, rows = set(), []
    for i, result in enumerate(results):
        best, match = min(threshold, 1 - 1e-10), None
        for j in order:
            if j in taken and not annotations[j]["iscrowd"]:
                continue
            if match is not None and ignored[j] and not ignored[match]:
                break
            if similarities[i][j] >= best:
                best, match = similarities[i][j], j
        x, y = result["keypoints"][0::3], result["keypoints"][1::3]
        area = (max(x) - min(x)) * (max(y) - min(y))
        if match is None:
            rows.append((result["score"], False, not low <= area <= high))
        else:
            taken.add(match)
            rows.append((result["score"], not ignored[match], ignored[match]))
    return rows, ignored.count(False)


def average_precision(dataset, results, sigmas):
    """Returns COCO's AP and AR by name; NaN if there are no people of a size."""
    images = sorted(image["id"] for image in dataset["images"])
    people = {i: [a for a in dataset["annotations"] if a["image_id"] == i] for i in images}
    ranked = {
        i: sorted((r for r in results if r["image_id"] == i), key=lambda r: -r["score"])[:20]
        for i in images
    }
    similarities = {
        i: [
            [oks(np.reshape(r["keypoints"], (-1, 3))[:, :2], a, sigmas) for a in people[i]]
            for r in ranked[i]
        ]
        for i in images
    }
    values = {}
    for size, low, high in (("", 0, 1e10), ("(M)", 32**2, 96**2), ("(L)", 96**2, 1e10)):
        precisions, recalls = [], []
        for threshold in np.linspace(0.5, 0.95, 10):
            parts = [
                _match(people[i], ranked[i], similarities[i], threshold, low, high) for i in images
            ]
            rows = sorted(
                (row for part, _ in parts for row in part if not row[2]), key=lambda row: -row[0]
            )
            total = sum(number for _, number in parts)
            if not total:
                precisions.append(np.nan)
                recalls.append(np.nan)
                continue
            hits, curve = 0, []
            for n, (_, hit, _) in enumerate(rows, 1):
                hits += hit
                curve.append((hits / total, hits / n))
            at = [
                max((p for r, p in curve if r >= recall), default=0.0)
                for recall in np.linspace(0, 1, 101)
            ]
            precisions.append(np.mean(at))
            recalls.append(hits / total)
        for name, series in (("AP", precisions), ("AR", recalls)):
            values[name + size] = np.mean(series)
            if not size:
                values[f"{name}50"] = series[0]
                values[f"{name}75"] = series[5]
    return values


def pck(predictions, truth, visible, threshold):
    """Returns PCK in percent of every joint [17] and of all joints, if the torso is labelled."""
    left_shoulder, right_hip = 5, 12
    hits, totals = [0] * 17, [0] * 17
    for points, true, labelled in zip(predictions, truth, visible, strict=True):
        if not (labelled[left_shoulder] and labelled[right_hip]):
            continue
        across, down = (true[left_shoulder][i] - true[right_hip][i] for i in (0, 1))
        torso = (across**2 + down**2) ** 0.5
        for k in range(17):
            if labelled[k]:
                distance = (
                    (points[k][0] - true[k][0]) ** 2 + (points[k][1] - true[k][1]) ** 2
                ) ** 0.5
                hits[k] += distance <= threshold * torso
                totals[k] += 1
    per_joint = [100 * hit / total for hit, total in zip(hits, totals, strict=True)]
    return per_joint, 100 * sum(hits) / sum(totals)


def movenet_accuracy(predictions, scores, truth, visible):
    """Returns fire717's accuracy of MoveNet; predictions and truth are fractions of the crop."""
    accuracies = [0.0] * 17
    for points, heights, true, labelled in zip(predictions, scores, truth, visible, strict=True):
        for k in range(17):
            x, y = (-1.0, -1.0) if heights[k] < 0.1 else points[k]
            true_x, true_y = true[k] if labelled[k] else (-1.0, -1.0)
            accuracies[k] += (x - true_x) ** 2 + (y - true_y) ** 2 < 5 / 192
    return sum(hits / len(predictions) for hits in accuracies) / 17

/**
 * Windows on an image, as in `paddle_pose/geometry.py`.
 *
 * Points are [x, y], sizes [width, height], and pixel centres are at integers. A window
 * {center, size} is in image px; its centre maps to the middle of the network's input.
 */

const MIN_SCORE_FOR_BOX = 0.2;
const BOX_MARGIN = 0.1; // of the longer side

/** Returns the window of a box [x, y, width, height], enlarged to the input's aspect ratio. */
export function boxWindow([x, y, width, height], inputSize) {
  const aspect = inputSize[0] / inputSize[1];
  const side = Math.max(width, height * aspect);
  return { center: [x + width / 2, y + height / 2], size: [side, side / aspect] };
}

/**
 * Returns the window of a whole image that lies at the top left of the input, as large as it fits.
 *
 * It is `image_window` of a MultiPoseCodec with a fixed size.
 */
export function topLeftWindow([width, height], inputSize) {
  const scale = Math.min(inputSize[0] / width, inputSize[1] / height);
  const size = inputSize.map((side) => side / scale);
  return { center: size.map((side) => side / 2), size };
}

/** Returns the box [x, y, width, height] of a window. */
export function windowBox({ center, size }) {
  return [center[0] - size[0] / 2, center[1] - size[1] / 2, ...size];
}

/** Returns the part of a box [x, y, width, height] inside an image [width, height]. */
export function clippedBox([x, y, width, height], imageSize) {
  const clip = (value, axis) => Math.min(Math.max(value, 0), imageSize[axis]);
  const [left, top] = [clip(x, 0), clip(y, 1)];
  return [left, top, clip(x + width, 0) - left, clip(y + height, 1) - top];
}

/**
 * Returns the box around a person's joints, as `joints_box` of `paddle_pose/structures.py`.
 *
 * @param {number[][]} keypoints Joints in image px.
 * @param {number[]} scores Scores of the joints; those of at least 0.2 are enclosed, or all if
 *   fewer than two have such a score.
 * @param {number[]} imageSize [width, height] to which the box is clipped.
 */
export function jointsBox(keypoints, scores, imageSize) {
  const counted = keypoints.filter((_, k) => scores[k] >= MIN_SCORE_FOR_BOX);
  const points = counted.length > 1 ? counted : keypoints;
  const ends = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values), Math.max(...values)];
  });
  const [width, height] = ends.map(([low, high]) => high - low);
  const margin = BOX_MARGIN * Math.max(width, height);
  const box = [ends[0][0] - margin, ends[1][0] - margin, width + 2 * margin, height + 2 * margin];
  return clippedBox(box, imageSize);
}

/** Returns a point in image px for a point in input px. */
export function toImage(point, window, inputSize) {
  return point.map((value, axis) => {
    const scale = window.size[axis] / inputSize[axis];
    return window.center[axis] + (value - inputSize[axis] / 2) * scale;
  });
}

/**
 * Returns the network's input for a window: bilinear interpolation, black outside the image.
 *
 * The computation uses 32-bit floats in the order of OpenCV, to get the same bytes: for an
 * uncertain joint, a difference of a few grey levels can change the highest cell of its heatmap.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} pixels Image, RGBA.
 * @param {{center: number[], size: number[]}} window Window in image px.
 * @param {number[]} inputSize [width, height] of the input in px.
 * @returns {Uint8Array} RGB [height, width, 3].
 */
export function warp(pixels, window, inputSize) {
  const [width, height] = inputSize;
  const [left, top] = toImage([0, 0], window, inputSize).map(Math.fround);
  const [stepX, stepY] = window.size.map((side, axis) => Math.fround(side / inputSize[axis]));
  const input = new Uint8ClampedArray(width * height * 3); // rounds halves to even numbers
  let index = 0;
  for (let row = 0; row < height; row++) {
    const exactY = Math.fround(Math.fround(row * stepY) + top);
    const y = Math.floor(exactY);
    for (let column = 0; column < width; column++) {
      const exactX = Math.fround(column * stepX + left);
      const x = Math.floor(exactX);
      for (let channel = 0; channel < 3; channel++) {
        const upper = interpolated(
          valueAt(pixels, x, y, channel),
          valueAt(pixels, x + 1, y, channel),
          exactX - x,
        );
        const lower = interpolated(
          valueAt(pixels, x, y + 1, channel),
          valueAt(pixels, x + 1, y + 1, channel),
          exactX - x,
        );
        input[index++] = interpolated(upper, lower, exactY - y);
      }
    }
  }
  return new Uint8Array(input.buffer);
}

function valueAt({ data, width, height }, x, y, channel) {
  return x >= 0 && x < width && y >= 0 && y < height ? data[(y * width + x) * 4 + channel] : 0;
}

function interpolated(first, second, weight) {
  return Math.fround(Math.fround(second - first) * weight + first);
}

/**
 * Returns the network's input for a window with its image at the top left, scaled down by areas.
 *
 * As `warp` with `by_area=True`: pixels are averaged as OpenCV's INTER_AREA does. Images that are
 * not scaled down are interpolated.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} pixels Image, RGBA.
 * @param {{center: number[], size: number[]}} window Window as of `topLeftWindow`.
 * @param {number[]} inputSize [width, height] of the input in px.
 * @returns {Uint8Array} RGB [height, width, 3], black beside the image.
 */
export function warpByArea(pixels, window, inputSize) {
  const scales = inputSize.map((side, axis) => side / window.size[axis]);
  if (Math.max(...scales) >= 1) return warp(pixels, window, inputSize);
  const [width, height] = [pixels.width, pixels.height].map((side, axis) =>
    Math.max(1, roundedToEven(side * scales[axis])),
  );
  const columns = areas(pixels.width, width);
  const rows = areas(pixels.height, height);
  const input = new Uint8ClampedArray(inputSize[0] * inputSize[1] * 3); // rounds halves to even
  const line = new Float32Array(width * 3); // one row of the image, averaged along x
  const sums = new Float32Array(width * 3);
  rows.forEach((parts, y) => {
    sums.fill(0);
    for (const [row, weight] of parts) {
      averageAlongX(pixels, row, columns, line);
      for (let n = 0; n < line.length; n++) sums[n] += line[n] * weight;
    }
    input.set(sums.subarray(0, Math.min(width, inputSize[0]) * 3), y * inputSize[0] * 3);
  });
  return new Uint8Array(input.buffer);
}

function averageAlongX({ data, width }, row, columns, line) {
  const start = row * width * 4;
  columns.forEach((parts, x) => {
    let [red, green, blue] = [0, 0, 0];
    for (const [column, weight] of parts) {
      const index = start + column * 4;
      red += data[index] * weight;
      green += data[index + 1] * weight;
      blue += data[index + 2] * weight;
    }
    line.set([red, green, blue], 3 * x);
  });
}

/**
 * Returns the [index, weight] of the pixels that each pixel of a shorter line averages.
 *
 * Parts below a thousandth of a pixel are left out, as in OpenCV.
 */
function areas(length, shorter) {
  const scale = length / shorter;
  return Array.from({ length: shorter }, (_, n) => {
    const from = n * scale;
    const to = from + scale;
    const covered = Math.min(scale, length - from);
    const last = Math.min(Math.floor(to), length - 1);
    const first = Math.min(Math.ceil(from), last);
    const parts = [];
    if (first - from > 1e-3) parts.push([first - 1, Math.fround((first - from) / covered)]);
    for (let index = first; index < last; index++) parts.push([index, Math.fround(1 / covered)]);
    if (to - last > 1e-3) {
      parts.push([last, Math.fround(Math.min(to - last, 1, covered) / covered)]);
    }
    return parts;
  });
}

/** Returns the nearest whole number; of two equally near ones the even one, as in Python. */
function roundedToEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}

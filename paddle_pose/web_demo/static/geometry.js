/**
 * Windows on an image, as `paddle_pose/geometry.py` has them. Points are [x, y], sizes [width, height]; pixel centres lie at
 * integers; a window {center, size} is in image px, and its centre lands on the middle of the network's input.
 */

/** Returns the window round a box [x, y, width, height], widened to the input's proportions. */
export function boxWindow([x, y, width, height], inputSize) {
  const aspect = inputSize[0] / inputSize[1];
  const side = Math.max(width, height * aspect);
  return { center: [x + width / 2, y + height / 2], size: [side, side / aspect] };
}

/** Moves a point from input px to image px. */
export function toImage(point, window, inputSize) {
  return point.map((place, axis) => {
    const scale = window.size[axis] / inputSize[axis];
    return window.center[axis] + (place - inputSize[axis] / 2) * scale;
  });
}

/**
 * Warps a window bilinearly into the network's input; what lies outside the image is black.
 *
 * It computes with numbers of 32 bits, in the order in which OpenCV does, so as to answer the same bytes: where the network is
 * unsure, one grey level here and there moves a joint to another place.
 *
 * @param {{data: Uint8ClampedArray, width: number, height: number}} pixels RGBA.
 * @returns {Uint8Array} RGB, [height, width, 3].
 */
export function warp(pixels, window, inputSize) {
  const [width, height] = inputSize;
  const [left, top] = toImage([0, 0], window, inputSize).map(Math.fround);
  const [stepX, stepY] = window.size.map((side, axis) => Math.fround(side / inputSize[axis]));
  const input = new Uint8ClampedArray(width * height * 3); // which rounds halves to even numbers
  let place = 0;
  for (let row = 0; row < height; row++) {
    const exactY = Math.fround(Math.fround(row * stepY) + top);
    const y = Math.floor(exactY);
    for (let column = 0; column < width; column++) {
      const exactX = Math.fround(column * stepX + left);
      const x = Math.floor(exactX);
      for (let channel = 0; channel < 3; channel++) {
        const above = mixed(valueAt(pixels, x, y, channel), valueAt(pixels, x + 1, y, channel), exactX - x);
        const below = mixed(valueAt(pixels, x, y + 1, channel), valueAt(pixels, x + 1, y + 1, channel), exactX - x);
        input[place++] = mixed(above, below, exactY - y);
      }
    }
  }
  return new Uint8Array(input.buffer);
}

function valueAt({ data, width, height }, x, y, channel) {
  return x >= 0 && x < width && y >= 0 && y < height ? data[(y * width + x) * 4 + channel] : 0;
}

function mixed(first, second, share) {
  return Math.fround(Math.fround(second - first) * share + first);
}

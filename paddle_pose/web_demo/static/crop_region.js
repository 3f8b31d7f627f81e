/**
 * Crop region for the next frame of a video of one person, as in
 * `paddle_pose/tracking/crop_region.py`.
 */

const MIN_KEYPOINT_SCORE = 0.2; // joints with a higher score count as visible
const TORSO = ["hip", "shoulder"].map((name) => [`left_${name}`, `right_${name}`]);
const [TORSO_REACH, BODY_REACH] = [1.9, 1.2];
const MIN_POSE_SCORE = 0.25;
const LOW_PASS = 0.9; // weight of the new window; the previous one has the rest

/** Returns the whole image, padded to a square. */
export function wholeSquare([width, height]) {
  const side = Math.max(width, height);
  return { center: [width / 2, height / 2], size: [side, side] };
}

/** Returns whether a skeleton has the joints that the crop region depends on. */
export function hasTorso(joints) {
  return TORSO.flat().every((name) => joints.includes(name));
}

/** Returns whether the scores of a person are high enough for tracking. */
export function isTracked({ scores }) {
  const visible = scores.filter((score) => score > MIN_KEYPOINT_SCORE);
  const sum = visible.reduce((total, score) => total + score, 0);
  return visible.length > 0 && sum / visible.length >= MIN_POSE_SCORE;
}

/**
 * Returns the window for the next frame.
 *
 * @param {{keypoints: number[][], scores: number[]}} person Person in this frame, in image px.
 * @param {number[]} imageSize [width, height] in px.
 * @param {?Object} previous Window of this frame, for the weighted average; null for none.
 * @param {string[]} joints Names of the joints in the person's order.
 */
export function nextWindow({ keypoints, scores }, imageSize, previous, joints) {
  const [hips, shoulders] = TORSO.map((names) => names.map((name) => joints.indexOf(name)));
  let window = wholeSquare(imageSize);
  const isVisible = (slots) => slots.some((slot) => scores[slot] > MIN_KEYPOINT_SCORE);
  if (isVisible(hips) && isVisible(shoulders)) {
    const center = [0, 1].map((axis) => (keypoints[hips[0]][axis] + keypoints[hips[1]][axis]) / 2);
    const reach = keypoints.map(([x, y]) =>
      Math.max(Math.abs(x - center[0]), Math.abs(y - center[1])),
    );
    const torso = Math.max(...[...hips, ...shoulders].map((slot) => reach[slot]));
    const body = Math.max(0, ...reach.filter((_, slot) => scores[slot] >= MIN_KEYPOINT_SCORE));
    const farthest = Math.max(
      ...center.flatMap((value, axis) => [Math.abs(value), Math.abs(imageSize[axis] - value)]),
    );
    const half = Math.min(Math.max(TORSO_REACH * torso, BODY_REACH * body), farthest);
    if (half > 0 && half <= Math.max(...imageSize) / 2) {
      window = { center, size: [2 * half, 2 * half] };
    }
  }
  return previous === null ? window : averaged(window, previous);
}

/**
 * Returns the weighted average of two windows.
 *
 * Averaging centres and sizes is the same as averaging corners.
 */
function averaged(current, previous) {
  const average = (name) =>
    current[name].map((value, axis) => LOW_PASS * value + (1 - LOW_PASS) * previous[name][axis]);
  return { center: average("center"), size: average("size") };
}

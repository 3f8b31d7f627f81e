/** Where to look in the next frame of one person's video: the rule of `paddle_pose/tracking/crop_region.py`. */

const MIN_KEYPOINT_SCORE = 0.2; // a joint with this score is seen
const TORSO = ["hip", "shoulder"].map((name) => [`left_${name}`, `right_${name}`]);
const [TORSO_REACH, BODY_REACH] = [1.9, 1.2];
const MIN_POSE_SCORE = 0.25;
const LOW_PASS = 0.9; // weight of the new corners

/** Returns the whole image, padded to a square. */
export function wholeSquare([width, height]) {
  const side = Math.max(width, height);
  return { center: [width / 2, height / 2], size: [side, side] };
}

/** Whether a skeleton has the joints that the rule goes by. */
export function hasTorso(joints) {
  return TORSO.flat().every((name) => joints.includes(name));
}

/** Whether a person is seen well enough to be tracked. */
export function isTracked({ scores }) {
  const seen = scores.filter((score) => score > MIN_KEYPOINT_SCORE);
  return seen.length > 0 && seen.reduce((sum, score) => sum + score, 0) / seen.length >= MIN_POSE_SCORE;
}

/**
 * Returns the window for the next frame.
 *
 * @param {{keypoints: number[][], scores: number[]}} person tracked in this frame, in image px.
 * @param {number[]} imageSize
 * @param {?Object} previous the window of this frame, whose corners are mixed in; null for none.
 * @param {string[]} joints names, in the person's order.
 */
export function nextWindow({ keypoints, scores }, imageSize, previous, joints) {
  const [hips, shoulders] = TORSO.map((names) => names.map((name) => joints.indexOf(name)));
  let window = wholeSquare(imageSize);
  const isSeen = (slots) => slots.some((slot) => scores[slot] > MIN_KEYPOINT_SCORE);
  if (isSeen(hips) && isSeen(shoulders)) {
    const center = [0, 1].map((axis) => (keypoints[hips[0]][axis] + keypoints[hips[1]][axis]) / 2);
    const reach = keypoints.map(([x, y]) => Math.max(Math.abs(x - center[0]), Math.abs(y - center[1])));
    const torso = Math.max(...[...hips, ...shoulders].map((slot) => reach[slot]));
    const body = Math.max(0, ...reach.filter((_, slot) => scores[slot] >= MIN_KEYPOINT_SCORE));
    const farthest = Math.max(...center.flatMap((place, axis) => [Math.abs(place), Math.abs(imageSize[axis] - place)]));
    const half = Math.min(Math.max(TORSO_REACH * torso, BODY_REACH * body), farthest);
    if (half > 0 && half <= Math.max(...imageSize) / 2) window = { center, size: [2 * half, 2 * half] };
  }
  return previous === null ? window : mixed(window, previous);
}

/** Returns the window whose corners are the weighted means of both, which makes centre and size the same means. */
function mixed(fresh, old) {
  const mix = (name) => fresh[name].map((value, axis) => LOW_PASS * value + (1 - LOW_PASS) * old[name][axis]);
  return { center: mix("center"), size: mix("size") };
}

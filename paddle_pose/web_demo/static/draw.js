/** Drawing of people, as in `paddle_pose/visualize.py`. */

const FULL_SCORE = 0.5; // joints with a lower score are drawn fainter
const MIN_OPACITY = 0.3;
const MIN_JOINTS = 4; // people with fewer joints are neither drawn nor counted

/** Returns whether enough joints of a person have at least a score. */
export function isDrawn({ scores }, threshold) {
  const shown = scores.filter((score) => score >= threshold).length;
  return shown >= Math.min(MIN_JOINTS, scores.length);
}

/**
 * Returns the colours of a person by side of the body.
 *
 * @param {Object} person Person; the colours depend on the id, if there is one.
 * @param {number} n Position of the person among all.
 * @param {boolean} bySide Whether all people have the same colours.
 * @param {Object} drawing Settings: `sides`, `persons` and `untracked`, see `draw`.
 */
export function shades(person, n, bySide, drawing) {
  if (bySide) return drawing.sides;
  if (person.id === undefined) return drawing.persons[n % drawing.persons.length];
  if (person.id < 0) return drawing.untracked;
  return drawing.persons[(person.id - 1) % drawing.persons.length];
}

/**
 * Draws a frame with its people, the first one on top.
 *
 * @param {HTMLCanvasElement} canvas Canvas, which gets the size of the frame.
 * @param {ImageBitmap} frame Frame.
 * @param {Array} people People in px of the frame.
 * @param {Object} drawing Settings: colours {left, middle, right} of all people as `sides`, of each
 *   as `persons`, and of people without a track as `untracked`; `joints`, the side of each joint;
 *   `limbs`, [joint, joint, side]; `widths`, the relative width of each joint.
 * @param {{threshold: number, bySide: boolean, leastWidth: number}} options Lowest score of a joint
 *   that is drawn; whether colours distinguish sides instead of people; lowest width of lines in px
 *   of the frame, as far as the limbs of a person stay apart.
 */
export function draw(canvas, frame, people, drawing, { threshold, bySide, leastWidth }) {
  if (canvas.width !== frame.width || canvas.height !== frame.height) {
    [canvas.width, canvas.height] = [frame.width, frame.height];
  }
  const context = canvas.getContext("2d");
  context.drawImage(frame, 0, 0);
  people
    .map((person, n) => ({ ...person, shades: shades(person, n, bySide, drawing) }))
    .filter((person) => isDrawn(person, threshold))
    .reverse()
    .forEach((person) => drawPerson(context, person, drawing, threshold, leastWidth));
}

function drawPerson(context, { keypoints, scores, shades }, drawing, threshold, leastWidth) {
  const shown = scores.map((score) => score >= threshold);
  const size = extent(keypoints.filter((_, k) => shown[k]));
  const width = lineWidth(size, context.canvas, leastWidth);
  const widths = drawing.widths.map((factor) => factor * width);
  const opacities = scores.map((score) => Math.min(Math.max(score / FULL_SCORE, MIN_OPACITY), 1));
  for (const [a, b, side] of drawing.limbs) {
    if (!shown[a] || !shown[b]) continue;
    const thin = Math.min(widths[a], widths[b]);
    const line = Math.max(1, Math.round(thin));
    const edge = 2 * Math.round(0.28 * thin);
    const ends = [centered(keypoints[a]), centered(keypoints[b])];
    blended(context, Math.min(opacities[a], opacities[b]), ends, line + edge, (target) => {
      if (edge) stroke(target, ends, line + edge, "black");
      stroke(target, ends, line, shades[side]);
    });
  }
  keypoints.forEach((point, k) => {
    if (!shown[k]) return;
    const radius = Math.max(1.2, 1.15 * widths[k]);
    const ring = 0.35 * widths[k];
    const center = centered(point);
    blended(context, opacities[k], [center], radius + ring, (target) => {
      if (ring >= 0.5) disc(target, center, radius + ring, "black");
      disc(target, center, radius, shades[drawing.joints[k]]);
    });
  });
}

/** Returns the diagonal of the box around points. */
function extent(points) {
  const [width, height] = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return Math.max(...values) - Math.min(...values);
  });
  return Math.hypot(width, height);
}

/** Returns the width of the lines of a person in px of the frame. */
function lineWidth(size, { width, height }, leastWidth) {
  const image = Math.sqrt(width * height);
  const low = Math.max(Math.min(image / 550, size / 40), Math.min(leastWidth, size / 25));
  return Math.min(Math.max(size / 75, low), Math.max(2, image / 130, low));
}

let scratch = null; // canvas on which faint lines are drawn before they are blended

/** Calls `paint` with a context, and blends what it draws with what was there before. */
function blended(context, opacity, points, reach, paint) {
  if (opacity >= 1) return paint(context);
  const { width, height } = context.canvas;
  scratch ??= document.createElement("canvas");
  if (scratch.width !== width || scratch.height !== height) {
    [scratch.width, scratch.height] = [width, height];
  }
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const left = Math.max(0, Math.floor(Math.min(...xs) - reach - 1));
  const top = Math.max(0, Math.floor(Math.min(...ys) - reach - 1));
  const across = Math.min(width, Math.ceil(Math.max(...xs) + reach + 1)) - left;
  const down = Math.min(height, Math.ceil(Math.max(...ys) + reach + 1)) - top;
  if (across <= 0 || down <= 0) return;
  const layer = scratch.getContext("2d");
  layer.clearRect(left, top, across, down);
  paint(layer);
  context.globalAlpha = opacity;
  context.drawImage(scratch, left, top, across, down, left, top, across, down);
  context.globalAlpha = 1;
}

/**
 * Draws a line as wide as OpenCV's smoothed line of a thickness, which is wider than its thickness.
 */
function stroke(context, [start, end], thickness, color) {
  context.lineCap = "round";
  context.lineWidth = thickness < 2 ? 1.35 : 2 * Math.floor((thickness + 1) / 2) + 1.4;
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(...start);
  context.lineTo(...end);
  context.stroke();
}

/** Draws a disc as large as OpenCV's smoothed circle of a radius. */
function disc(context, center, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(...center, radius + 0.45, 0, 2 * Math.PI);
  context.fill();
}

/** Returns a point in canvas coordinates, where pixel centres are at halves. */
function centered([x, y]) {
  return [x + 0.5, y + 0.5];
}

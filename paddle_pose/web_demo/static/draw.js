/** Drawing of people, as in `paddle_pose/visualize.py`. */

/**
 * Draws a frame with its people on a canvas.
 *
 * @param {HTMLCanvasElement} canvas Canvas, which gets the size of the frame.
 * @param {ImageBitmap} frame Frame.
 * @param {Array} people People in px of the frame.
 * @param {{joints: string[], limbs: Array}} colors Colours of the joints; limbs are
 *   [joint, joint, colour].
 * @param {number} threshold Lowest score of a joint that is drawn.
 */
export function draw(canvas, frame, people, colors, threshold) {
  if (canvas.width !== frame.width || canvas.height !== frame.height) {
    [canvas.width, canvas.height] = [frame.width, frame.height];
  }
  const context = canvas.getContext("2d");
  context.drawImage(frame, 0, 0);
  const span = Math.max(frame.width, frame.height);
  const radius = Math.max(2, Math.round(span / 140));
  context.lineWidth = Math.max(1, Math.round(span / 200));
  context.lineCap = "round";
  for (const { keypoints, scores } of people) {
    const shown = scores.map((score) => score >= threshold);
    for (const [a, b, color] of colors.limbs) {
      if (!shown[a] || !shown[b]) continue;
      context.strokeStyle = color;
      context.beginPath();
      context.moveTo(...centered(keypoints[a]));
      context.lineTo(...centered(keypoints[b]));
      context.stroke();
    }
    keypoints.forEach((point, joint) => {
      if (!shown[joint]) return;
      disc(context, point, radius, "black");
      disc(context, point, Math.max(1, radius - 1), colors.joints[joint]);
    });
  }
}

function disc(context, point, radius, color) {
  context.fillStyle = color;
  context.beginPath();
  context.arc(...centered(point), radius, 0, 2 * Math.PI);
  context.fill();
}

/** Returns a point in canvas coordinates, where pixel centres are at halves. */
function centered([x, y]) {
  return [x + 0.5, y + 0.5];
}

/** Draws a frame and the people in it, as `paddle_pose/visualize.py` does. */

/**
 * @param {HTMLCanvasElement} canvas takes the frame's size.
 * @param {ImageBitmap} frame
 * @param {Array} people in the frame's px.
 * @param {{joints: string[], limbs: Array}} colors of each joint; limbs are [joint, joint, color].
 * @param {number} threshold joints with a lower score are left out.
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

/** A canvas has pixel centres at halves. */
function centered([x, y]) {
  return [x + 0.5, y + 0.5];
}

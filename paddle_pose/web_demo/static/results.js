/** Files of the shown result: the picture and the people as JSON. */

/**
 * Returns the people as a record with the fields of `PoseResult.to_dict` in Python.
 *
 * @param {{bitmap: ImageBitmap, people: Object[], name: ?string, frame: number, seconds: number}}
 *   shown Shown frame with its people, the name of its file, its number and its time in s.
 * @param {string[]} joints Names of the joints.
 */
export function record({ bitmap, people, name, frame, seconds }, joints) {
  return {
    image: name,
    width: bitmap.width,
    height: bitmap.height,
    frame,
    seconds: rounded(seconds, 4),
    joints,
    persons: people.map(({ id, score, box, window, keypoints, scores }) => ({
      ...(id === undefined ? {} : { id }),
      score: rounded(score, 5),
      box: box.map((value) => rounded(value, 3)),
      window: window.map((value) => rounded(value, 3)),
      keypoints: keypoints.map((point) => point.map((value) => rounded(value, 3))),
      scores: scores.map((value) => rounded(value, 5)),
    })),
  };
}

function rounded(value, digits) {
  return Number(value.toFixed(digits));
}

/** Returns the name of a saved file: that of the source with "_poses" and another suffix. */
export function fileName(name, suffix) {
  return `${(name ?? "camera").replace(/\.[^.]*$/, "")}_poses.${suffix}`;
}

/** Saves a blob as a file with a name. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000); // the download has begun by then
}

/**
 * People in the output of a MoveNet MultiPose whose graph decodes, as in
 * `paddle_pose/codecs/movenet_multipose.py`.
 */

const BOX_COLUMNS = 5; // y0, x0, y1, x1 and the score of the person

/**
 * Returns the people of one image in input px, best first.
 *
 * @param {Float32Array} rows Output of the graph [P, 3K + 5]: y, x and score of K joints, y0, x0,
 *   y1, x1 of the box, and the person's score; positions are fractions of the input's sides.
 * @param {Object} codec Codec in the export metadata: input_size, max_persons and min_score.
 * @param {number} joints Number K of joints.
 * @returns {Array<{keypoints: number[][], scores: number[], score: number, box: number[]}>} People
 *   with their boxes [x, y, width, height].
 */
export function people(rows, codec, joints) {
  const [width, height] = codec.input_size;
  const columns = 3 * joints + BOX_COLUMNS;
  const found = [];
  for (let start = 0; start < rows.length; start += columns) {
    const row = rows.subarray(start, start + columns);
    const [top, left, bottom, right, score] = row.subarray(3 * joints);
    if (score < codec.min_score) continue;
    const keypoints = [];
    const scores = [];
    for (let k = 0; k < joints; k++) {
      keypoints.push([row[3 * k + 1] * width, row[3 * k] * height]);
      scores.push(row[3 * k + 2]);
    }
    const box = [left * width, top * height, (right - left) * width, (bottom - top) * height];
    found.push({ keypoints, scores, score, box });
  }
  return found.sort((one, other) => other.score - one.score).slice(0, codec.max_persons);
}

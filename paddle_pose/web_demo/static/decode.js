/**
 * Decoding of the maps of a MoveNet for one person, as in `paddle_pose/codecs/movenet.py` and
 * `movenet_search.py`, which state the source.
 */

const NEAR = 1.8; // cells; added to distances, so that the weight of distance 0 is finite

/**
 * Returns the most central person in the maps of one image, in input px.
 *
 * @param {Object<string, Float32Array>} maps Maps by name: centers [1, h, w], heatmaps [K, h, w],
 *   regressions and offsets [2K, h, w].
 * @param {Object} codec Codec in the export metadata.
 * @returns {{keypoints: number[][], scores: number[], score: number}} The person.
 */
export function decodePerson(maps, codec) {
  const [width, height] = codec.input_size.map((side) => side / codec.stride);
  const cells = width * height;
  const joints = maps.heatmaps.length / cells;
  const unit = codec.regression_unit === "map" ? [width, height] : [1, 1];
  const center = highestCell(maps.centers, width, [width / 2, height / 2]);
  const keypoints = [];
  const scores = [];
  for (let k = 0; k < joints; k++) {
    const regressed = cellPosition(center, width).map((from, axis) => {
      return from + maps.regressions[(2 * k + axis) * cells + center] * unit[axis];
    });
    const heatmap = maps.heatmaps.subarray(k * cells, (k + 1) * cells);
    const cell = highestCell(heatmap, width, regressed);
    scores.push(heatmap[cell]);
    keypoints.push(
      cellPosition(cell, width).map((position, axis) => {
        return (position + maps.offsets[(2 * k + axis) * cells + cell]) * codec.stride;
      }),
    );
  }
  return { keypoints, scores, score: scores.reduce((sum, score) => sum + score, 0) / joints };
}

function cellPosition(cell, width) {
  return [cell % width, Math.floor(cell / width)];
}

/** Returns the cell of a map with the greatest value divided by (distance to a point + 1.8). */
function highestCell(map, width, [toX, toY]) {
  let cell = 0;
  let highest = -Infinity;
  for (let index = 0; index < map.length; index++) {
    const [x, y] = cellPosition(index, width);
    const weighted = map[index] / (Math.sqrt((x - toX) ** 2 + (y - toY) ** 2) + NEAR);
    if (weighted > highest) {
      cell = index;
      highest = weighted;
    }
  }
  return cell;
}

/**
 * Decoding of MoveNet's maps, as in `paddle_pose/codecs/movenet.py` and `movenet_search.py`, which
 * state the source.
 */

const NEAR = 1.8; // cells; added to distances, so that the weight of distance 0 is finite
const REACH = 0.3; // search radius of a joint, as a fraction of the person's longer side
const MIN_REACH = 2; // cells; smallest search radius

/**
 * Returns the people in the maps of one image.
 *
 * @param {Object<string, Float32Array>} maps Maps by name: centers [1, h, w], heatmaps [K, h, w],
 *   regressions and offsets [2K, h, w].
 * @param {Object} codec Codec in the export metadata.
 * @param {number} maxPeople Greatest number of people; with 1 the most central person is always
 *   returned.
 * @returns {Array<{keypoints: number[][], scores: number[], score: number}>} People in input px,
 *   best first.
 */
export function decode(maps, codec, maxPeople) {
  const [width, height] = codec.input_size.map((side) => side / codec.stride);
  const cells = width * height;
  const joints = maps.heatmaps.length / cells;
  const unit = codec.regression_unit === "map" ? [width, height] : [1, 1];
  const grid = { width, height };
  const centers =
    maxPeople === 1
      ? [{ cell: highestCell(maps.centers, grid, [width / 2, height / 2]), probability: 1 }]
      : peaks(maps.centers, grid, codec.center_threshold, maxPeople);

  const found = centers.map(({ cell, probability }) => {
    const regressed = Array.from({ length: joints }, (_, k) =>
      [cell % width, Math.floor(cell / width)].map((from, axis) => {
        return from + maps.regressions[(2 * k + axis) * cells + cell] * unit[axis];
      }),
    );
    const { points, reach } =
      maxPeople === 1 ? { points: regressed, reach: Infinity } : withinPerson(regressed, grid);
    const jointCells = points.map((point, k) =>
      highestCell(maps.heatmaps.subarray(k * cells, (k + 1) * cells), grid, point, reach),
    );
    const scores = jointCells.map((jointCell, k) => maps.heatmaps[k * cells + jointCell]);
    const keypoints = jointCells.map((jointCell, k) =>
      [jointCell % width, Math.floor(jointCell / width)].map((position, axis) => {
        return (position + maps.offsets[(2 * k + axis) * cells + jointCell]) * codec.stride;
      }),
    );
    const mean = scores.reduce((sum, score) => sum + score, 0) / joints;
    return { keypoints, scores, score: probability * mean };
  });
  return found.sort((one, other) => other.score - one.score);
}

/**
 * Returns the cell of a map with the greatest value divided by (distance to a point + 1.8); cells
 * beyond the reach do not count.
 */
function highestCell(map, { width, height }, [toX, toY], reach = Infinity) {
  let cell = 0;
  let highest = -Infinity;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const distance = Math.sqrt((x - toX) ** 2 + (y - toY) ** 2);
      const weighted = map[y * width + x] / (distance + NEAR);
      if (weighted > highest && distance <= reach) {
        cell = y * width + x;
        highest = weighted;
      }
    }
  }
  return cell;
}

/**
 * Returns the cells that are at least as high as their eight neighbours, highest first; of equal
 * neighbours the first one counts.
 */
function peaks(map, { width, height }, threshold, maxPeople) {
  const found = [];
  for (let cell = 0; cell < map.length; cell++) {
    if (map[cell] >= threshold && isPeak(map, width, height, cell)) {
      found.push({ cell, probability: map[cell] });
    }
  }
  return found.sort((one, other) => other.probability - one.probability).slice(0, maxPeople);
}

function isPeak(map, width, height, cell) {
  const [x, y] = [cell % width, Math.floor(cell / width)];
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
      const other = row * width + column;
      if (map[other] > map[cell] || (other < cell && map[other] === map[cell])) return false;
    }
  }
  return true;
}

/**
 * Returns regressed joints clipped to the map, and the search radius that keeps each joint close to
 * its person.
 */
function withinPerson(points, { width, height }) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const longest = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  const clipped = points.map(([x, y]) => [
    Math.min(Math.max(x, 0), width - 1),
    Math.min(Math.max(y, 0), height - 1),
  ]);
  return { points: clipped, reach: Math.max(REACH * longest, MIN_REACH) };
}

/**
 * People in MoveNet's maps: what `paddle_pose/codecs/movenet.py` and `movenet_search.py` do, where the source is named.
 */

const NEAR = 1.8; // cells; what makes a distance of 0 a finite weight
const REACH = 0.3; // of the longer side of a person, for its joints
const MIN_REACH = 2; // cells

/**
 * Finds people.
 *
 * @param {Object<string, Float32Array>} maps of one image: centers [1, h, w], heatmaps [K, h, w], regressions and offsets
 *   [2K, h, w].
 * @param {Object} codec the metadata's.
 * @param {number} maxPeople how many people to find; 1 takes the most central person, who is always found.
 * @returns {Array<{keypoints: number[][], scores: number[], score: number}>} in input px, best first.
 */
export function decode(maps, codec, maxPeople) {
  const [width, height] = codec.input_size.map((side) => side / codec.stride);
  const cells = width * height;
  const joints = maps.heatmaps.length / cells;
  const unit = codec.regression_unit === "map" ? [width, height] : [1, 1];
  const grid = { width, height };
  const centers =
    maxPeople === 1
      ? [{ cell: best(maps.centers, grid, [width / 2, height / 2]), chance: 1 }]
      : peaks(maps.centers, grid, codec.center_threshold, maxPeople);

  const found = centers.map(({ cell, chance }) => {
    const regressed = Array.from({ length: joints }, (_, k) =>
      [cell % width, Math.floor(cell / width)].map((from, axis) => {
        return from + maps.regressions[(2 * k + axis) * cells + cell] * unit[axis];
      }),
    );
    const { points, reach } = maxPeople === 1 ? { points: regressed, reach: Infinity } : withinPerson(regressed, grid);
    const places = points.map((point, k) => best(maps.heatmaps.subarray(k * cells, (k + 1) * cells), grid, point, reach));
    const scores = places.map((place, k) => maps.heatmaps[k * cells + place]);
    const keypoints = places.map((place, k) =>
      [place % width, Math.floor(place / width)].map((at, axis) => {
        return (at + maps.offsets[(2 * k + axis) * cells + place]) * codec.stride;
      }),
    );
    const mean = scores.reduce((sum, score) => sum + score, 0) / joints;
    return { keypoints, scores, score: chance * mean };
  });
  return found.sort((one, other) => other.score - one.score);
}

/** Returns the highest cell of a map divided by the distance to a point + 1.8; cells beyond the reach do not count. */
function best(map, { width, height }, [toX, toY], reach = Infinity) {
  let cell = 0;
  let highest = -Infinity;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const distance = Math.sqrt((x - toX) ** 2 + (y - toY) ** 2);
      const likely = map[y * width + x] / (distance + NEAR);
      if (likely > highest && distance <= reach) {
        cell = y * width + x;
        highest = likely;
      }
    }
  }
  return cell;
}

/** Finds the cells that none of their eight neighbours exceeds, highest first; of neighbours alike the first one counts. */
function peaks(map, { width, height }, threshold, maxPeople) {
  const found = [];
  for (let cell = 0; cell < map.length; cell++) {
    if (map[cell] >= threshold && isPeak(map, width, height, cell)) found.push({ cell, chance: map[cell] });
  }
  return found.sort((one, other) => other.chance - one.chance).slice(0, maxPeople);
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

/** Moves regressed joints onto the map, and says how far from there to look for them, so as to stay with their person. */
function withinPerson(points, { width, height }) {
  const [xs, ys] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const longest = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys));
  const clipped = points.map(([x, y]) => [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)]);
  return { points: clipped, reach: Math.max(REACH * longest, MIN_REACH) };
}

/**
 * Track ids: each person of a video keeps an id, and thus a colour, from frame to frame.
 *
 * As in `paddle_pose/tracking/tracker.py` with `min_hits=1` and `motion=False`, the rule of Google's
 * demo: an id at first sight, compared with the person's last position by OKS.
 */

const MIN_KEYPOINT_SCORE = 0.3; // lowest score of a joint that is compared
const MIN_JOINTS = 4; // joints that two poses need in common
const MIN_OKS = 0.2;
const NEW_TRACK_SCORE = 0.25; // lowest score of a person that starts a track
const MIN_SCORE = 0.1; // lowest score of a person that continues a track
const MAX_AGE = 1; // s that a track is kept without its person, and at least as many intervals:
const MIN_AGE_IN_INTERVALS = 3.5;
const NUM_INTERVALS = 9; // last intervals between frames, whose median is the usual one
const MAX_TRACKS = 18;

export class Tracker {
  #tracks = [];
  #lastId = 0;
  #lastSeconds = null;
  #intervals = [];

  /** @param {number[]} sigmas Sigmas of the skeleton's joints. */
  constructor(sigmas) {
    this.sigmas = sigmas;
  }

  /**
   * Returns the ids of the people of the next frame; -1 for a score that is too low.
   *
   * @param {Array<{keypoints: number[][], scores: number[], score: number}>} people People in image
   *   px.
   * @param {number} seconds Time of the frame.
   */
  update(people, seconds) {
    const maxAge = this.#maxAge(seconds);
    const unmatched = this.#tracks.filter((track) => seconds - track.seconds <= maxAge);
    const ids = people.map(() => -1);
    const matched = [];
    const order = people.map((_, n) => n).sort((a, b) => people[b].score - people[a].score);
    for (const n of order) {
      const person = people[n];
      if (person.score < MIN_SCORE) continue;
      const similarities = unmatched.map((track) => similarity(person, track, this.sigmas));
      const best = Math.max(...similarities);
      if (best >= MIN_OKS) {
        const [track] = unmatched.splice(similarities.indexOf(best), 1);
        ids[n] = track.id;
      } else if (person.score >= NEW_TRACK_SCORE) {
        ids[n] = ++this.#lastId;
      } else continue;
      const { keypoints, scores } = person;
      matched.push({ id: ids[n], seconds, keypoints, scores });
    }
    this.#tracks = [...matched, ...unmatched].sort((a, b) => b.seconds - a.seconds);
    this.#tracks = this.#tracks.slice(0, MAX_TRACKS);
    return ids;
  }

  /** Returns the age limit in s in a frame: longer at low frame rates. */
  #maxAge(seconds) {
    if (this.#lastSeconds !== null && seconds > this.#lastSeconds) {
      this.#intervals = [...this.#intervals, seconds - this.#lastSeconds].slice(-NUM_INTERVALS);
    }
    this.#lastSeconds = seconds;
    const sorted = [...this.#intervals].sort((a, b) => a - b);
    if (!sorted.length) return MAX_AGE;
    return Math.max(MAX_AGE, MIN_AGE_IN_INTERVALS * sorted[Math.floor((sorted.length - 1) / 2)]);
  }

  /** Ids of the tracks, also of those without the person in the last frame. */
  get ids() {
    return this.#tracks.map((track) => track.id);
  }
}

/** Returns the OKS of a pose and a track over the joints that are visible in both. */
function similarity(person, track, sigmas) {
  const visible = track.scores.map((score) => score >= MIN_KEYPOINT_SCORE);
  const joints = sigmas
    .map((_, k) => k)
    .filter((k) => visible[k] && person.scores[k] >= MIN_KEYPOINT_SCORE);
  if (joints.length < MIN_JOINTS) return 0;
  const points = track.keypoints.filter((_, k) => visible[k]);
  const [width, height] = [0, 1].map((axis) => {
    const values = points.map((point) => point[axis]);
    return Math.max(...values) - Math.min(...values);
  });
  const area = width * height + 1e-6;
  const terms = joints.map((k) => {
    const squared = [0, 1].reduce(
      (sum, axis) => sum + (person.keypoints[k][axis] - track.keypoints[k][axis]) ** 2,
      0,
    );
    return Math.exp(-squared / (2 * area * (2 * sigmas[k]) ** 2));
  });
  return terms.reduce((sum, term) => sum + term, 0) / terms.length;
}

/** One-Euro filter, as in `paddle_pose/tracking/one_euro.py`, which states the source. */

const MIN_CUTOFF = 2.5; // Hz
const BETA = 300;
const DERIVATIVE_CUTOFF = 2.5; // Hz
const THRESHOLD_CUTOFF = 0.5;
const THRESHOLD_BETA = 5;

/** Removes the jitter of joints that stand still, with little lag of fast ones. */
export class OneEuro {
  #seconds = null; // time of the last frame
  #raw; // its points
  #speed; // their speed per s after the low-pass filter
  #smoothed; // its smoothed points

  /**
   * Returns the smoothed points of the next frame.
   *
   * @param {number[][]} points Points as fractions of the image's width and height.
   * @param {number} seconds Time of the frame. If it is not later than that of the last frame, the
   *   points are returned as they are, and the filter does not change.
   */
  smooth(points, seconds) {
    if (this.#seconds === null) {
      this.#speed = points.map((point) => point.map(() => 0));
      return this.#keep(points, points, seconds);
    }
    if (seconds <= this.#seconds) return points;
    const rate = 1 / (seconds - this.#seconds);
    const smoothed = points.map((point, k) =>
      point.map((value, axis) => {
        const measured = (value - this.#raw[k][axis]) * rate;
        const before = this.#speed[k][axis];
        const speed = before + weight(DERIVATIVE_CUTOFF, rate) * (measured - before);
        this.#speed[k][axis] = speed;
        const cutoff = MIN_CUTOFF + BETA * Math.abs(speed);
        const threshold = THRESHOLD_CUTOFF + THRESHOLD_BETA * Math.abs(speed);
        const last = this.#smoothed[k][axis];
        const step = threshold * Math.asinh((value - last) / threshold);
        return last + weight(cutoff, rate) * step;
      }),
    );
    return this.#keep(points, smoothed, seconds);
  }

  #keep(raw, smoothed, seconds) {
    this.#seconds = seconds;
    this.#raw = raw;
    this.#smoothed = smoothed;
    return smoothed;
  }
}

/** Returns the weight of the new value in a low-pass filter of a cut-off frequency in Hz. */
function weight(cutoff, rate) {
  return 1 / (1 + rate / (2 * Math.PI * cutoff));
}

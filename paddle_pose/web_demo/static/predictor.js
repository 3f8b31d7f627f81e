/** Prediction of people in images: window, warp, network, decoding. */

import { hasTorso, isTracked, nextWindow, wholeSquare } from "./crop_region.js";
import { decode } from "./decode.js";
import { boxWindow, toImage, warp } from "./geometry.js";

export class Predictor {
  #window = null; // window of the tracked person

  /**
   * @param {function(Uint8Array): Promise<Object<string, Float32Array>>} network Function that
   *   returns the maps of one input.
   * @param {Object} metadata Export metadata of the model.
   */
  constructor(network, metadata) {
    this.network = network;
    this.codec = metadata.codec;
    this.joints = metadata.skeleton.joints;
  }

  /** Forgets the tracked person. */
  forget() {
    this.#window = null;
  }

  /** Returns the people in a whole image in image px, best first, at most `maxPeople`. */
  async predict(pixels, maxPeople) {
    this.forget();
    return this.#through([0, 0, pixels.width, pixels.height], pixels, maxPeople);
  }

  /** Returns [person] in the next frame of a video, in image px; [] if the person is lost. */
  async track(pixels) {
    if (!hasTorso(this.joints)) return this.predict(pixels, 1);
    const imageSize = [pixels.width, pixels.height];
    const { center, size } = this.#window ?? wholeSquare(imageSize);
    const box = [center[0] - size[0] / 2, center[1] - size[1] / 2, ...size];
    const [person] = await this.#through(box, pixels, 1);
    const found = isTracked(person);
    this.#window = found ? nextWindow(person, imageSize, this.#window, this.joints) : null;
    return found ? [person] : [];
  }

  /** Returns the people in a box of an image, in image px. */
  async #through(box, pixels, maxPeople) {
    const inputSize = this.codec.input_size;
    const window = boxWindow(box, inputSize);
    const maps = await this.network(warp(pixels, window, inputSize));
    const people = decode(maps, this.codec, maxPeople);
    return people.map((person) => ({
      ...person,
      keypoints: person.keypoints.map((point) => toImage(point, window, inputSize)),
    }));
  }
}

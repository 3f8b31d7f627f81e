/** Finds people in images with a network: window, warp, maps, decoding. */

import { hasTorso, isTracked, nextWindow, wholeSquare } from "./crop_region.js";
import { decode } from "./decode.js";
import { boxWindow, toImage, warp } from "./geometry.js";

export class Predictor {
  #window = null; // round the tracked person

  /**
   * @param {function(Uint8Array): Promise<Object<string, Float32Array>>} network returns the maps of one input.
   * @param {Object} metadata of the exported file.
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

  /** Returns at most so many people in a whole image; in image px, best first. */
  async predict(pixels, maxPeople) {
    this.forget();
    return this.#through([0, 0, pixels.width, pixels.height], pixels, maxPeople);
  }

  /** Returns the tracked person in the next frame of a video; nobody when the person is lost. */
  async track(pixels) {
    if (!hasTorso(this.joints)) return this.predict(pixels, 1);
    const imageSize = [pixels.width, pixels.height];
    const { center, size } = this.#window ?? wholeSquare(imageSize);
    const [person] = await this.#through([center[0] - size[0] / 2, center[1] - size[1] / 2, ...size], pixels, 1);
    const found = isTracked(person);
    this.#window = found ? nextWindow(person, imageSize, this.#window, this.joints) : null;
    return found ? [person] : [];
  }

  async #through(box, pixels, maxPeople) {
    const inputSize = this.codec.input_size;
    const window = boxWindow(box, inputSize);
    const people = decode(await this.network(warp(pixels, window, inputSize)), this.codec, maxPeople);
    return people.map((person) => ({
      ...person,
      keypoints: person.keypoints.map((point) => toImage(point, window, inputSize)),
    }));
  }
}

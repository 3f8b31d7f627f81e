/** Looks at pictures through a network: window, warp, maps, people. */

import { hasTorso, isFollowed, nextWindow, wholeSquare } from "./crop_region.js";
import { decode } from "./decode.js";
import { boxWindow, toImage, warp } from "./geometry.js";

export class Looker {
  #window = null; // round the person who is followed

  /**
   * @param {function(Uint8Array): Promise<Object<string, Float32Array>>} network answers one input's maps.
   * @param {Object} metadata of the exported file.
   */
  constructor(network, metadata) {
    this.network = network;
    this.codec = metadata.codec;
    this.joints = metadata.skeleton.joints;
  }

  /** Forgets the person who was followed. */
  forget() {
    this.#window = null;
  }

  /** Finds at most so many people in a whole picture; in image px, best first. */
  async look(pixels, most) {
    this.forget();
    return this.#through([0, 0, pixels.width, pixels.height], pixels, most);
  }

  /** Finds one person in the next frame of a video, looking round where the person was; nobody when the person is lost. */
  async follow(pixels) {
    if (!hasTorso(this.joints)) return this.look(pixels, 1);
    const imageSize = [pixels.width, pixels.height];
    const { center, size } = this.#window ?? wholeSquare(imageSize);
    const [person] = await this.#through([center[0] - size[0] / 2, center[1] - size[1] / 2, ...size], pixels, 1);
    const found = isFollowed(person);
    this.#window = found ? nextWindow(person, imageSize, this.#window, this.joints) : null;
    return found ? [person] : [];
  }

  async #through(box, pixels, most) {
    const inputSize = this.codec.input_size;
    const window = boxWindow(box, inputSize);
    const people = decode(await this.network(warp(pixels, window, inputSize)), this.codec, most);
    return people.map((person) => ({
      ...person,
      keypoints: person.keypoints.map((point) => toImage(point, window, inputSize)),
    }));
  }
}

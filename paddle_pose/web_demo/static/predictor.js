/** Prediction of people in images: window, warp, network, decoding, tracking, smoothing. */

import { hasTorso, isTracked, nextWindow, wholeSquare } from "./crop_region.js";
import { decodePerson } from "./decode.js";
import * as geometry from "./geometry.js";
import { people as peopleOf } from "./movenet_multipose.js";
import { OneEuro } from "./one_euro.js";
import { Tracker } from "./tracker.js";

/**
 * A person is {keypoints, scores, score, box, window, id}: keypoints [[x, y], ...] in image px, box
 * and window [x, y, width, height] in image px; only people in videos have an id.
 */
export class Predictor {
  #window = null; // window of the tracked person
  #id = 0; // id of the tracked person
  #filter = null; // filter of the tracked person
  #tracker = null; // of several people
  #filters = new Map(); // of several people, by id

  /**
   * @param {{run: function(Uint8Array): Promise<Object<string, Float32Array>>, metadata: Object}}
   *   one Network for one person: function that returns the outputs for one input, and the export
   *   metadata of the model.
   * @param {?Object} several The same of the network for several people; null for none.
   */
  constructor(one, several = null) {
    this.one = one;
    this.several = several;
    this.joints = one.metadata.skeleton.joints;
  }

  /** Forgets the people of the video so far. */
  forget() {
    this.#window = null;
    this.#filter = null;
    this.#id = 0;
    this.#tracker = null;
    this.#filters.clear();
  }

  /** Returns [person], the most central person of an image. */
  async predict(pixels) {
    return [await this.#inBox([0, 0, pixels.width, pixels.height], pixels)];
  }

  /**
   * Returns [person] in the next frame of a video; [] if the person is lost.
   *
   * @param {ImageData} pixels Frame.
   * @param {number} seconds Time of the frame.
   * @param {boolean} smooth Whether the joints are smoothed.
   */
  async track(pixels, seconds, smooth) {
    if (!hasTorso(this.joints)) return this.predict(pixels);
    const imageSize = [pixels.width, pixels.height];
    const window = this.#window ?? wholeSquare(imageSize);
    const person = await this.#inBox(geometry.windowBox(window), pixels);
    if (!isTracked(person)) {
      this.#window = null;
      return [];
    }
    if (this.#window === null) {
      this.#id++;
      this.#filter = new OneEuro();
    }
    if (smooth) {
      person.keypoints = smoothed(this.#filter, person.keypoints, imageSize, seconds);
      person.box = geometry.jointsBox(person.keypoints, person.scores, imageSize);
    }
    this.#window = nextWindow(person, imageSize, this.#window, this.joints);
    return [{ ...person, window: geometry.windowBox(window), id: this.#id }];
  }

  /** Returns all people in an image, best first. */
  async predictSeveral(pixels) {
    const { run, metadata } = this.several;
    const imageSize = [pixels.width, pixels.height];
    const inputSize = metadata.codec.input_size;
    const window = geometry.topLeftWindow(imageSize, inputSize);
    const outputs = await run(geometry.warpByArea(pixels, window, inputSize));
    const rows = outputs[metadata.outputs[0].name];
    return peopleOf(rows, metadata.codec, this.joints.length).map((person) => {
      const moved = inImage(person, window, inputSize);
      const [x, y, width, height] = person.box;
      const corner = geometry.toImage([x, y], window, inputSize);
      const opposite = geometry.toImage([x + width, y + height], window, inputSize);
      const box = [...corner, opposite[0] - corner[0], opposite[1] - corner[1]];
      return { ...moved, box: geometry.clippedBox(box, imageSize) };
    });
  }

  /** Returns all people in the next frame of a video with their ids, see `track`. */
  async trackSeveral(pixels, seconds, smooth) {
    this.#tracker ??= new Tracker(this.one.metadata.skeleton.sigmas);
    const people = await this.predictSeveral(pixels);
    const ids = this.#tracker.update(people, seconds);
    for (const id of this.#filters.keys()) {
      if (!this.#tracker.ids.includes(id)) this.#filters.delete(id);
    }
    return people.map((person, n) => {
      const id = ids[n];
      if (id < 0 || !smooth) return { ...person, id };
      if (!this.#filters.has(id)) this.#filters.set(id, new OneEuro());
      const imageSize = [pixels.width, pixels.height];
      const keypoints = smoothed(this.#filters.get(id), person.keypoints, imageSize, seconds);
      return { ...person, keypoints, id };
    });
  }

  /** Returns the person in a box of an image. */
  async #inBox(box, pixels) {
    const { run, metadata } = this.one;
    const inputSize = metadata.codec.input_size;
    const window = geometry.boxWindow(box, inputSize);
    const maps = await run(geometry.warp(pixels, window, inputSize));
    const person = inImage(decodePerson(maps, metadata.codec), window, inputSize);
    const imageSize = [pixels.width, pixels.height];
    return { ...person, box: geometry.jointsBox(person.keypoints, person.scores, imageSize) };
  }
}

/** Returns a person whose keypoints are moved from input px to image px, with the window. */
function inImage(person, window, inputSize) {
  return {
    ...person,
    keypoints: person.keypoints.map((point) => geometry.toImage(point, window, inputSize)),
    window: geometry.windowBox(window),
  };
}

/** Returns smoothed keypoints in image px. */
function smoothed(filter, keypoints, imageSize, seconds) {
  const fractions = keypoints.map((point) => point.map((value, axis) => value / imageSize[axis]));
  return filter
    .smooth(fractions, seconds)
    .map((point) => point.map((value, axis) => value * imageSize[axis]));
}

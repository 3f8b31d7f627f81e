/** The worker as a function: a frame in, people out. */

import { Trouble } from "./sources.js";

/**
 * Starts the worker.
 *
 * @returns {{ready: Promise<Object>, predict: function}} the settings when the model is loaded; and a function that takes
 *   {bitmap, maxPeople, source, moving} and promises {bitmap, people, milliseconds}. Both are rejected with a Trouble.
 */
export function startNetwork() {
  const waiting = new Map(); // what is asked and not answered, by its id
  let asked = 0;
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const ready = new Promise((resolve, reject) => waiting.set(undefined, { resolve: (said) => resolve(said.settings), reject }));
  worker.onmessage = ({ data }) => {
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.trouble) reject(new Trouble(data.trouble, data.detail));
    else resolve(data);
  };
  // It could not be loaded: what it has said nothing about will stay unanswered.
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Trouble("modelMissing", event.message));
  };
  const predict = (question) =>
    new Promise((resolve, reject) => {
      waiting.set(++asked, { resolve, reject });
      worker.postMessage({ id: asked, ...question }, [question.bitmap]);
    });
  return { ready, predict };
}

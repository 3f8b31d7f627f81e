/** Promises for the messages of the worker that runs the network. */

import { PageError } from "./sources.js";

/**
 * Starts the worker.
 *
 * @returns {{ready: Promise<Object>, predict: function}} `ready` is fulfilled with the settings
 *   when the model is loaded. `predict` takes {bitmap, maxPeople, source, moving} and returns a
 *   promise of {bitmap, people, milliseconds}. Both are rejected with a PageError.
 */
export function startNetwork() {
  const pending = new Map(); // id of a request without response -> its {resolve, reject}
  let lastId = 0;
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const ready = new Promise((resolve, reject) => {
    pending.set(undefined, { resolve: (response) => resolve(response.settings), reject });
  });
  worker.onmessage = ({ data }) => {
    const { resolve, reject } = pending.get(data.id);
    pending.delete(data.id);
    if (data.error) reject(new PageError(data.error, data.detail));
    else resolve(data);
  };
  // The worker could not be loaded, so no pending request will get a response.
  worker.onerror = (event) => {
    for (const { reject } of pending.values()) reject(new PageError("modelMissing", event.message));
  };
  const predict = (request) =>
    new Promise((resolve, reject) => {
      pending.set(++lastId, { resolve, reject });
      worker.postMessage({ id: lastId, ...request }, [request.bitmap]);
    });
  return { ready, predict };
}

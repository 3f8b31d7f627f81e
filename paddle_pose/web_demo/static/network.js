/** Promises for the messages of the worker that runs the networks. */

import { PageError } from "./sources.js";

/**
 * Starts the worker.
 *
 * @param {function(Object[], number)} onCrowd Function that is called with all people of the first
 *   image of a source in which one person was asked for, and with the number of this source.
 * @returns {{ready: Promise<Object>, predict: function}} `ready` is fulfilled with the settings
 *   when the first model is loaded. `predict` takes a request without its id, see `worker.js`, and
 *   returns a promise of {bitmap, people, milliseconds}. Both are rejected with a PageError.
 */
export function startNetwork(onCrowd) {
  const pending = new Map(); // id of a request without response -> its {resolve, reject}
  const sources = new Map(); // id of a request with `count` -> its source
  let lastId = 0;
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const ready = new Promise((resolve, reject) => {
    pending.set(undefined, { resolve: (response) => resolve(response.settings), reject });
  });
  worker.onmessage = ({ data }) => {
    if (data.crowd) {
      onCrowd(data.crowd, sources.get(data.id));
      sources.delete(data.id);
      return;
    }
    const request = pending.get(data.id);
    if (!request) return; // counting people failed after the response
    pending.delete(data.id);
    if (data.error) request.reject(new PageError(data.error, data.detail));
    else request.resolve(data);
  };
  // The worker could not be loaded, so no pending request will get a response.
  worker.onerror = (event) => {
    for (const { reject } of pending.values()) reject(new PageError("modelMissing", event.message));
  };
  const predict = (request) =>
    new Promise((resolve, reject) => {
      pending.set(++lastId, { resolve, reject });
      if (request.count) sources.set(lastId, request.source);
      worker.postMessage({ id: lastId, ...request }, [request.bitmap]);
    });
  return { ready, predict };
}

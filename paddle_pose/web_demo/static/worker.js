/**
 * Worker that runs the networks, so that the page stays responsive.
 *
 * It sends {settings} when the network for one person is loaded, or {error, detail}. For each
 * request {id, bitmap, several, source, moving, seconds, smooth, count} it sends {id, bitmap,
 * people, milliseconds} or {id, error, detail}, in the order of the requests. With `count` it also
 * sends {id, crowd}: all people in this image, although only one was asked for. `error` is a key of
 * the page's texts.
 */

import * as ort from "./onnxruntime/ort.wasm.bundle.min.mjs";
import { Predictor } from "./predictor.js";

const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { willReadFrequently: true });

async function fetched(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response;
}

/** Returns {run, metadata} of a model {file, metadata}, see `Predictor`. */
async function loadNetwork({ file, metadata }) {
  const model = await (await fetched(file)).arrayBuffer();
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const { name, shape } = metadata.input;
  const run = async (input) => {
    const tensor = new ort.Tensor("uint8", input, [1, ...shape.slice(1)]);
    const results = await session.run({ [name]: tensor });
    return Object.fromEntries(
      metadata.outputs.map((output) => [output.name, results[output.name].data]),
    );
  };
  // The first run takes several times as long as the others.
  await run(new Uint8Array(shape[1] * shape[2] * 3));
  return { run, metadata };
}

async function load() {
  const settings = await (await fetched("settings.json")).json();
  const wasm = new URL("onnxruntime/ort-wasm-simd-threaded.wasm", import.meta.url).href;
  ort.env.wasm.wasmPaths = { wasm };
  return { settings, predictor: new Predictor(await loadNetwork(settings.one)) };
}

/** Loads the network for several people after the other one, which is needed first. */
async function loadSeveral() {
  const { settings, predictor } = await loading;
  if (settings.several) predictor.several = await loadNetwork(settings.several);
}

function pixelsOf(bitmap) {
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  }
  context.globalCompositeOperation = "copy";
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

const loading = load();
loading.then(
  ({ settings }) => postMessage({ settings }),
  (error) => postMessage({ error: "modelMissing", detail: error.message }),
);
const loadingSeveral = loadSeveral();
loadingSeveral.catch(() => {}); // each request for several people reports it

let last = { source: null, several: false };
let queue = Promise.resolve(); // a session cannot run twice at the same time

/** Calls a function of the request `id` when all earlier ones are done. */
function enqueue(id, task) {
  queue = queue.then(task).catch((error) => {
    postMessage({ id, error: "modelFailed", detail: error.message });
  });
}

onmessage = ({ data }) => enqueue(data.id, () => respond(data));

async function respond({ id, bitmap, several, source, moving, seconds, smooth, count }) {
  const { predictor } = await loading;
  if (several) await loadingSeveral;
  if (source !== last.source || several !== last.several) predictor.forget();
  last = { source, several };
  const began = performance.now();
  const pixels = pixelsOf(bitmap);
  let people;
  if (several && moving) people = await predictor.trackSeveral(pixels, seconds, smooth);
  else if (several) people = await predictor.predictSeveral(pixels);
  else if (moving) people = await predictor.track(pixels, seconds, smooth);
  else people = await predictor.predict(pixels);
  postMessage({ id, bitmap, people, milliseconds: performance.now() - began }, [bitmap]);
  if (!count) return;
  const countPeople = async () => postMessage({ id, crowd: await predictor.predictSeveral(pixels) });
  loadingSeveral.then(
    () => enqueue(id, countPeople),
    () => {}, // without the network nobody else is counted
  );
}

/**
 * Worker that runs the network, so that the page stays responsive.
 *
 * It sends {settings} when the model is loaded, or {error, detail}. For each request {id, bitmap,
 * maxPeople, source, moving} it sends {id, bitmap, people, milliseconds} or {id, error, detail}, in
 * the order of the requests. `error` is a key of the page's texts.
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

async function load() {
  const settings = await (await fetched("settings.json")).json();
  const model = await (await fetched("model.onnx")).arrayBuffer();
  const wasm = new URL("onnxruntime/ort-wasm-simd-threaded.wasm", import.meta.url).href;
  ort.env.wasm.wasmPaths = { wasm };
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const { name, shape } = settings.metadata.input;
  const network = async (input) => {
    const tensor = new ort.Tensor("uint8", input, [1, ...shape.slice(1)]);
    const results = await session.run({ [name]: tensor });
    const outputs = settings.metadata.codec.outputs;
    return Object.fromEntries(outputs.map((output) => [output, results[output].data]));
  };
  // The first run takes several times as long as the others.
  await network(new Uint8Array(shape[1] * shape[2] * 3));
  return { settings, predictor: new Predictor(network, settings.metadata) };
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

let lastSource = null;

onmessage = async ({ data: { id, bitmap, maxPeople, source, moving } }) => {
  try {
    const { predictor } = await loading;
    if (source !== lastSource) predictor.forget();
    lastSource = source;
    const began = performance.now();
    const pixels = pixelsOf(bitmap);
    const isTracking = moving && maxPeople === 1;
    const people = await (isTracking
      ? predictor.track(pixels)
      : predictor.predict(pixels, maxPeople));
    postMessage({ id, bitmap, people, milliseconds: performance.now() - began }, [bitmap]);
  } catch (error) {
    postMessage({ id, error: "modelFailed", detail: error.message });
  }
};

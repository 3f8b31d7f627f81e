/**
 * Runs the network beside the page, so that the page answers while it computes.
 *
 * It sends {settings} when the model is ready, or {trouble, detail}. It receives {id, bitmap, maxPeople, source, moving} and sends
 * {id, bitmap, people, milliseconds} or {id, trouble, detail}, one after another.
 */

import * as ort from "./onnxruntime/ort.wasm.bundle.min.mjs";
import { Predictor } from "./predictor.js";

const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { willReadFrequently: true });

async function fetched(name) {
  const answer = await fetch(new URL(name, import.meta.url));
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer;
}

async function load() {
  const settings = await (await fetched("settings.json")).json();
  const model = await (await fetched("model.onnx")).arrayBuffer();
  ort.env.wasm.wasmPaths = { wasm: new URL("onnxruntime/ort-wasm-simd-threaded.wasm", import.meta.url).href };
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const { name, shape } = settings.metadata.input;
  const network = async (input) => {
    const answer = await session.run({ [name]: new ort.Tensor("uint8", input, [1, ...shape.slice(1)]) });
    return Object.fromEntries(settings.metadata.codec.outputs.map((output) => [output, answer[output].data]));
  };
  await network(new Uint8Array(shape[1] * shape[2] * 3)); // the first answer takes several times as long as the others
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
  (error) => postMessage({ trouble: "modelMissing", detail: error.message }),
);

let lastSource = null;

onmessage = async ({ data: { id, bitmap, maxPeople, source, moving } }) => {
  try {
    const { predictor } = await loading;
    if (source !== lastSource) predictor.forget();
    lastSource = source;
    const began = performance.now();
    const pixels = pixelsOf(bitmap);
    const people = await (moving && maxPeople === 1 ? predictor.track(pixels) : predictor.predict(pixels, maxPeople));
    postMessage({ id, bitmap, people, milliseconds: performance.now() - began }, [bitmap]);
  } catch (error) {
    postMessage({ id, trouble: "modelFailed", detail: error.message });
  }
};

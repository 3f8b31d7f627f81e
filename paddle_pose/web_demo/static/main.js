/**
 * The page: controls, status and drawing.
 *
 * For every frame the document gets an event "poses" whose detail is {people, size, milliseconds}.
 * The people are {keypoints: [[x, y], ...], scores, score} in px of the frame, regardless of the
 * score threshold.
 */

import { draw } from "./draw.js";
import { startNetwork } from "./network.js";
import { openCamera, openFile, PageError } from "./sources.js";
import { browserLanguage, setLanguage, WORDS } from "./words.js";

const canvas = byId("canvas");
const status = byId("status");
const error = byId("error");
const threshold = byId("threshold");
const mirror = byId("mirror");

let language = browserLanguage();
let network = null;
let settings = null;
let source = null; // current source of frames
let sourceCount = 0; // number of sources opened and stopped so far; identifies the current one
let shown = null; // last frame: {bitmap, people, milliseconds}
let times = []; // times at which the last frames were shown
let statusText = (words) => words.loading; // function from the texts of a language to the status
let currentError = null;

function byId(id) {
  return document.getElementById(id);
}

/** Updates the status and the error message. */
function updateTexts() {
  const words = WORDS[language];
  status.textContent = statusText(words);
  error.hidden = currentError === null;
  error.textContent =
    currentError === null
      ? ""
      : words[currentError.key] + (currentError.message && ` (${currentError.message})`);
}

function showError(problem) {
  currentError =
    problem instanceof PageError ? problem : new PageError("modelFailed", String(problem));
  statusText = () => "";
  updateTexts();
}

/** Draws the last frame and its people again, for example after a change of the threshold. */
function redraw() {
  if (shown === null) return;
  draw(canvas, shown.bitmap, shown.people, settings.colors, Number(threshold.value));
  canvas.hidden = false;
  byId("hint").hidden = true;
}

/** Returns whether any joint of a person is drawn. */
function isDrawn({ scores }) {
  return scores.some((score) => score >= Number(threshold.value));
}

/** Shows a frame with its people, and dispatches the event "poses". */
function show(result) {
  shown?.bitmap.close();
  shown = result;
  times = [...times, performance.now()].slice(-30);
  const frames = ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
  const milliseconds = Math.round(result.milliseconds);
  statusText = (words) => {
    const isVideo = times.length > 1;
    const time = isVideo
      ? words.frameRate(frames.toFixed(1), milliseconds)
      : words.took(milliseconds);
    return `${words.found(result.people.filter(isDrawn).length)} · ${time}`;
  };
  redraw();
  updateTexts();
  const detail = {
    people: result.people,
    size: [result.bitmap.width, result.bitmap.height],
    milliseconds: result.milliseconds,
  };
  document.dispatchEvent(new CustomEvent("poses", { detail }));
}

/**
 * Stops the current source, opens another one and predicts on its frames until it is stopped.
 *
 * @param {function(): Promise<Object>} openSource Function that opens the source.
 */
async function open(openSource) {
  stop();
  const id = ++sourceCount;
  currentError = null;
  statusText = (words) => words.running;
  updateTexts();
  let opened = null;
  try {
    settings = await network.ready;
    opened = await openSource();
    if (id !== sourceCount) return opened.stop(); // another source was chosen in the meantime
    source = opened;
    byId("stop").disabled = !opened.moving;
    do {
      const bitmap = await opened.frame();
      const isSingle = document.querySelector("[name=people]:checked").value === "single";
      const result = await network.predict({
        bitmap,
        maxPeople: isSingle ? 1 : settings.people,
        source: id,
        moving: opened.moving,
      });
      if (id === sourceCount) show(result);
    } while (opened.moving && id === sourceCount);
  } catch (problem) {
    opened?.stop();
    if (id === sourceCount) {
      stop();
      showError(problem);
    }
  }
}

function stop() {
  source?.stop();
  source = null;
  times = [];
  sourceCount++;
  byId("stop").disabled = true;
}

let file = null; // last chosen image or video

function openChosen(chosen) {
  if (!chosen) return;
  file = chosen;
  mirror.checked = false;
  showMirror();
  open(() => openFile(chosen));
}

function showMirror() {
  canvas.classList.toggle("mirrored", mirror.checked);
}

function start() {
  setLanguage(language);
  updateTexts();
  byId("language").onclick = () => {
    language = language === "zh" ? "en" : "zh";
    setLanguage(language);
    updateTexts();
  };
  if (typeof WebAssembly !== "object") return showError(new PageError("noWebAssembly"));
  if (typeof OffscreenCanvas === "undefined") return showError(new PageError("oldBrowser"));
  network = startNetwork();
  network.ready.then(() => {
    if (source === null && currentError === null) statusText = (words) => words.ready;
    updateTexts();
  }, showError);

  byId("choose").onclick = () => byId("file").click();
  byId("file").onchange = (event) => {
    openChosen(event.target.files[0]);
    event.target.value = ""; // otherwise the same file could not be chosen again
  };
  byId("camera").onclick = () => {
    mirror.checked = true;
    showMirror();
    open(() =>
      openCamera(() => {
        stop();
        showError(new PageError("cameraBusy"));
      }),
    );
  };
  byId("stop").onclick = () => {
    stop();
    statusText = (words) => words.ready;
    updateTexts();
  };
  mirror.onchange = showMirror;
  threshold.oninput = () => {
    document.querySelector("output").textContent = Number(threshold.value).toFixed(2);
    redraw();
    updateTexts();
  };
  for (const choice of document.querySelectorAll("[name=people]")) {
    choice.onchange = () => {
      if (source !== null && !source.moving) open(() => openFile(file)); // predict the image again
    };
  }
  const stage = byId("stage");
  document.ondragover = (event) => {
    event.preventDefault();
    stage.classList.add("over");
  };
  document.ondragleave = () => stage.classList.remove("over");
  document.ondrop = (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    openChosen(event.dataTransfer.files[0]);
  };
}

start();

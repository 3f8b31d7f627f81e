/**
 * The page: what the user chooses, and what is shown.
 *
 * Whoever builds on it listens to the event "poses" of the document: its detail is {people, size, milliseconds}, people being
 * {keypoints: [[x, y], ...], scores, score} in px of the frame, whatever the threshold.
 */

import { draw } from "./draw.js";
import { startNetwork } from "./network.js";
import { openCamera, openFile, Trouble } from "./sources.js";
import { browserLanguage, speak, WORDS } from "./words.js";

const [canvas, status, error, threshold, mirror] = ["canvas", "status", "error", "threshold", "mirror"].map(byId);

let language = browserLanguage();
let network = null;
let settings = null;
let source = null; // where frames come from at present
let sources = 0; // opened so far
let shown = null; // the last frame {bitmap, people, milliseconds}
let times = []; // when the last frames were shown
let said = (words) => words.loading; // the status, in whichever language
let trouble = null;

function byId(id) {
  return document.getElementById(id);
}

/** Brings all words up to date. */
function say() {
  const words = WORDS[language];
  status.textContent = said(words);
  error.hidden = trouble === null;
  error.textContent = trouble === null ? "" : words[trouble.key] + (trouble.message && ` (${trouble.message})`);
}

function tell(problem) {
  trouble = problem instanceof Trouble ? problem : new Trouble("modelFailed", String(problem));
  said = () => "";
  say();
}

/** Draws the last frame again; its people may have been found long ago. */
function redraw() {
  if (shown === null) return;
  draw(canvas, shown.bitmap, shown.people, settings.colors, Number(threshold.value));
  canvas.hidden = false;
  byId("hint").hidden = true;
}

/** Whether any joint of a person is drawn. */
function isDrawn({ scores }) {
  return scores.some((score) => score >= Number(threshold.value));
}

function show(seen) {
  shown?.bitmap.close();
  shown = seen;
  times = [...times, performance.now()].slice(-30);
  const frames = ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
  const milliseconds = Math.round(seen.milliseconds);
  said = (words) => {
    const pace = times.length > 1 ? words.pace(frames.toFixed(1), milliseconds) : words.took(milliseconds);
    return `${words.found(seen.people.filter(isDrawn).length)} · ${pace}`;
  };
  redraw();
  say();
  const size = [seen.bitmap.width, seen.bitmap.height];
  document.dispatchEvent(new CustomEvent("poses", { detail: { people: seen.people, size, milliseconds: seen.milliseconds } }));
}

/** Ends what is shown, opens another source and predicts on its frames until it is ended itself. */
async function open(opened) {
  stop();
  const id = ++sources;
  trouble = null;
  said = (words) => words.looking;
  say();
  let mine = null;
  try {
    settings = await network.ready;
    mine = await opened();
    if (id !== sources) return mine.stop(); // another one was chosen meanwhile
    source = mine;
    byId("stop").disabled = !mine.moving;
    do {
      const bitmap = await mine.frame();
      const maxPeople = document.querySelector("[name=people]:checked").value === "single" ? 1 : settings.people;
      const seen = await network.predict({ bitmap, maxPeople, source: id, moving: mine.moving });
      if (id === sources) show(seen);
    } while (mine.moving && id === sources);
  } catch (problem) {
    mine?.stop();
    if (id === sources) {
      stop();
      tell(problem);
    }
  }
}

function stop() {
  source?.stop();
  source = null;
  times = [];
  sources++;
  byId("stop").disabled = true;
}

let file = null; // the image or video that was chosen last

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
  speak(language);
  say();
  byId("language").onclick = () => {
    language = language === "zh" ? "en" : "zh";
    speak(language);
    say();
  };
  if (typeof WebAssembly !== "object") return tell(new Trouble("noWebAssembly"));
  if (typeof OffscreenCanvas === "undefined") return tell(new Trouble("oldBrowser"));
  network = startNetwork();
  network.ready.then(() => {
    if (source === null && trouble === null) said = (words) => words.ready;
    say();
  }, tell);

  byId("choose").onclick = () => byId("file").click();
  byId("file").onchange = (event) => {
    openChosen(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  };
  byId("camera").onclick = () => {
    mirror.checked = true;
    showMirror();
    open(() =>
      openCamera(() => {
        stop();
        tell(new Trouble("cameraBusy"));
      }),
    );
  };
  byId("stop").onclick = () => {
    stop();
    said = (words) => words.ready;
    say();
  };
  mirror.onchange = showMirror;
  threshold.oninput = () => {
    document.querySelector("output").textContent = Number(threshold.value).toFixed(2);
    redraw();
    say();
  };
  for (const choice of document.querySelectorAll("[name=people]")) {
    choice.onchange = () => {
      if (source !== null && !source.moving) open(() => openFile(file)); // an image is predicted anew
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

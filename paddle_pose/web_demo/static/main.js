/**
 * The page: controls, status and drawing.
 *
 * For every frame the document gets an event "poses" whose detail is {people, size, milliseconds}.
 * The people are {keypoints: [[x, y], ...], scores, score, box, window, id} in px of the frame,
 * regardless of the score threshold.
 */

import { draw, isDrawn, shades } from "./draw.js";
import { startNetwork } from "./network.js";
import { fileName, record, save } from "./results.js";
import { openCamera, openFile, PageError, still } from "./sources.js";
import { browserLanguage, jointName, setLanguage, WORDS } from "./words.js";

const HOVER_REACH = 14; // CSS px from a joint
const LEAST_WIDTH = 1.6; // CSS px of lines

const canvas = byId("canvas");
const status = byId("status");
const announcement = byId("announcement");
const error = byId("error");
const threshold = byId("threshold");
const mirror = byId("mirror");

let language = browserLanguage();
let network = null;
let settings = null;
let source = null; // current source of frames
let attempts = 0; // number of sources that were asked for; identifies the last one
let runs = 0; // number of times that prediction was started or stopped; identifies the last one
let shown = null; // last frame: {bitmap, people, milliseconds, several, name, frame, seconds}
let times = []; // times at which the last frames were shown
let crowd = []; // all people in the first frame, although one person was asked for
let statusText = (words) => words.loading; // function from the texts of a language to the status
let currentError = null;

function byId(id) {
  return document.getElementById(id);
}

function isSeveral() {
  return document.querySelector("[name=people]:checked").value === "several";
}

function drawnPeople() {
  return shown === null
    ? []
    : shown.people.filter((person) => isDrawn(person, Number(threshold.value)));
}

/** Updates all texts that depend on the state of the page. */
function updateTexts() {
  const words = WORDS[language];
  status.textContent = statusText(words);
  error.hidden = currentError === null;
  error.textContent =
    currentError === null
      ? ""
      : words[currentError.key] + (currentError.message && ` (${currentError.message})`);
  if (shown !== null) {
    const found = words.found(drawnPeople().length);
    canvas.setAttribute("aria-label", words.canvas(found));
    // Assistive technology reads every change, so that only the number of people is announced.
    if (announcement.textContent !== found) announcement.textContent = found;
  }
  updateCrowd(words);
  updateLegend(words);
  byId("only").hidden = settings === null || settings.several !== null;
  if (settings !== null) updateModels(words);
}

/** Shows how many people there are, if only one of them is shown. */
function updateCrowd(words) {
  const count = crowd.filter((person) => isDrawn(person, Number(threshold.value))).length;
  byId("crowd").hidden = count < 2 || isSeveral();
  byId("crowd").querySelector("span").textContent = words.crowd(count);
}

/** Shows what the colours mean. */
function updateLegend(words) {
  const legend = byId("legend");
  legend.replaceChildren();
  if (shown === null) return;
  const { drawing } = settings;
  const add = (text, ...colors) => {
    const item = document.createElement("li");
    for (const color of colors) {
      const swatch = document.createElement("i");
      swatch.style.background = color;
      item.append(swatch);
    }
    item.append(text);
    legend.append(item);
  };
  if (!shown.several) {
    for (const side of ["left", "middle", "right"]) add(words[side], drawing.sides[side]);
    return;
  }
  const people = drawnPeople();
  people.forEach((person) => {
    const { left, right } = shades(person, shown.people.indexOf(person), false, drawing);
    const tracked = person.id === undefined || person.id > 0;
    const number = person.id ?? shown.people.indexOf(person) + 1;
    add(tracked ? words.person(number) : words.untracked, left, right);
  });
  if (people.length) add(words.shades);
}

/** Shows the models with their input size, licence and page. */
function updateModels(words) {
  const models = [settings.one, settings.several].filter(Boolean);
  byId("models").replaceChildren(
    ...models.map(({ metadata, about }, n) => {
      const item = document.createElement("li");
      const link = document.createElement(about.page ? "a" : "span");
      if (about.page) [link.href, link.rel] = [about.page, "noreferrer"];
      link.textContent = about.name;
      const [width, height] = metadata.codec.input_size;
      const details = [`${width}×${height}`, about.licence].filter(Boolean).join(" · ");
      item.append(`${n ? words.several : words.single}: `, link, ` · ${details}`);
      return item;
    }),
  );
}

function showError(problem) {
  currentError =
    problem instanceof PageError ? problem : new PageError("modelFailed", String(problem));
  updateTexts();
}

/** Draws the last frame and its people again, for example after a change of the threshold. */
function redraw() {
  if (shown === null) return;
  canvas.hidden = false;
  byId("hint").hidden = true;
  if (canvas.width !== shown.bitmap.width || canvas.height !== shown.bitmap.height) {
    [canvas.width, canvas.height] = [shown.bitmap.width, shown.bitmap.height];
  }
  const scale = canvas.width / (canvas.clientWidth || canvas.width); // px of the frame per CSS px
  drawShown(canvas, LEAST_WIDTH * scale);
}

function drawShown(target, leastWidth) {
  draw(target, shown.bitmap, shown.people, settings.drawing, {
    threshold: Number(threshold.value),
    bySide: !shown.several,
    leastWidth,
  });
}

/** Shows a frame with its people, and dispatches the event "poses". */
function show(result) {
  shown?.bitmap.close();
  shown = result;
  times = [...times, performance.now()].slice(-30);
  const frames = ((times.length - 1) * 1000) / (times.at(-1) - times[0]);
  const milliseconds = Math.round(result.milliseconds);
  const isVideo = times.length > 1;
  statusText = (words) => {
    const time = isVideo
      ? words.frameRate(frames.toFixed(1), milliseconds)
      : words.took(milliseconds);
    return `${words.found(drawnPeople().length)} · ${time}`;
  };
  redraw();
  updateTexts();
  for (const button of document.querySelectorAll("#save button")) button.disabled = false;
  const detail = {
    people: result.people,
    size: [result.bitmap.width, result.bitmap.height],
    milliseconds: result.milliseconds,
  };
  document.dispatchEvent(new CustomEvent("poses", { detail }));
}

/**
 * Opens a source and predicts on its frames until it is stopped.
 *
 * If it cannot be opened, the page reports it and shows the previous source as before.
 *
 * @param {function(): Promise<Object>} openSource Function that opens the source.
 * @param {boolean} mirrored Whether the source is shown mirrored.
 */
async function open(openSource, mirrored) {
  const attempt = ++attempts;
  const before = statusText;
  currentError = null;
  statusText = (words) => words.running;
  updateTexts();
  let opened;
  try {
    settings = await network.ready;
    opened = await openSource();
  } catch (problem) {
    if (attempt !== attempts) return;
    if (settings !== null) statusText = shown === null ? (words) => words.ready : before;
    showError(problem);
    return;
  }
  if (attempt !== attempts) {
    opened.stop(); // another source was chosen in the meantime
    return;
  }
  stop();
  source = opened;
  mirror.checked = mirrored;
  showMirror();
  run();
}

/** Predicts on the frames of the current source until it is stopped. */
async function run() {
  const id = ++runs;
  const { moving, name } = source;
  times = [];
  crowd = [];
  byId("stop").disabled = !moving;
  let frame = 0;
  try {
    do {
      const bitmap = await source.frame();
      if (id !== runs) return bitmap.close();
      const seconds = source.seconds();
      const several = isSeveral();
      const result = await network.predict({
        bitmap,
        several,
        source: id,
        moving,
        seconds: performance.now() / 1000, // unlike that of a repeated video, it never goes back
        smooth: byId("smooth").checked,
        count: frame === 0 && !several && settings.several !== null,
      });
      if (id !== runs) return result.bitmap.close();
      show({ ...result, several, name, frame, seconds });
      frame++;
    } while (moving);
  } catch (problem) {
    if (id !== runs) return;
    stop();
    statusText = () => "";
    showError(problem);
  }
}

function stop() {
  source?.stop();
  source = null;
  runs++;
  byId("stop").disabled = true;
}

function openChosen(chosen) {
  if (chosen) open(() => openFile(chosen), false);
}

async function openSample() {
  const response = await fetch("sample.jpg");
  return openFile(new File([await response.blob()], "sample.jpg", { type: "image/jpeg" }));
}

function openCameraOfDevice() {
  open(
    () =>
      openCamera(() => {
        stop();
        statusText = (words) => words.stopped;
        showError(new PageError("cameraBusy"));
      }),
    true,
  );
}

/** Stops a video or the camera; its last frame stays as an image. */
async function freeze() {
  const { name } = source ?? {};
  stop();
  attempts++; // a source that is being opened is not wanted any more
  statusText = (words) => (shown === null ? words.ready : words.stopped);
  updateTexts();
  if (shown !== null) source = still(await createImageBitmap(shown.bitmap), name);
}

function showMirror() {
  canvas.classList.toggle("mirrored", mirror.checked);
}

/** Shows the name and the score of the joint below the pointer. */
function showJoint(event) {
  const tip = byId("tip");
  tip.hidden = true;
  if (shown === null) return;
  const { left, top, width } = canvas.getBoundingClientRect();
  const scale = canvas.width / width;
  const across = (event.clientX - left) * scale;
  const point = [mirror.checked ? canvas.width - across : across, (event.clientY - top) * scale];
  let nearest = HOVER_REACH * scale;
  for (const { keypoints, scores } of drawnPeople()) {
    keypoints.forEach(([x, y], k) => {
      const distance = Math.hypot(x - point[0], y - point[1]);
      if (scores[k] < Number(threshold.value) || distance >= nearest) return;
      nearest = distance;
      const name = jointName(language, settings.one.metadata.skeleton.joints[k]);
      tip.textContent = `${name} ${scores[k].toFixed(2)}`;
      tip.hidden = false;
    });
  }
  const stage = byId("stage").getBoundingClientRect();
  tip.style.left = `${Math.min(event.clientX - stage.left + 12, stage.width - 150)}px`;
  tip.style.top = `${Math.max(event.clientY - stage.top - 36, 4)}px`;
}

/** Saves the shown picture as it is shown, at its full size. */
function savePicture(type, suffix) {
  const target = document.createElement("canvas");
  drawShown(target, 0);
  let saved = target;
  if (mirror.checked) {
    saved = document.createElement("canvas");
    [saved.width, saved.height] = [target.width, target.height];
    const context = saved.getContext("2d");
    context.scale(-1, 1);
    context.drawImage(target, -target.width, 0);
  }
  const name = fileName(shown.name, suffix);
  saved.toBlob((blob) => save(blob, name), type, 0.92);
}

function saveJson() {
  const content = record(shown, settings.one.metadata.skeleton.joints);
  const blob = new Blob([JSON.stringify(content, null, 1)], { type: "application/json" });
  save(blob, fileName(shown.name, "json"));
}

function connectStage() {
  const stage = byId("stage");
  byId("hint").onclick = () => byId("file").click();
  canvas.onpointermove = showJoint;
  canvas.onpointerdown = showJoint;
  canvas.onpointerleave = () => (byId("tip").hidden = true);
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
  document.onpaste = (event) => openChosen(event.clipboardData.files[0]);
}

function start() {
  setLanguage(language);
  updateTexts();
  byId("language").onclick = () => {
    language = language === "zh" ? "en" : "zh";
    setLanguage(language);
    updateTexts();
  };
  if (typeof WebAssembly !== "object") return fail("noWebAssembly");
  if (typeof OffscreenCanvas === "undefined") return fail("oldBrowser");
  network = startNetwork((people, id) => {
    if (id !== runs) return;
    crowd = people;
    updateTexts();
  });
  network.ready.then(
    (loaded) => {
      settings = loaded;
      byId("several").disabled = settings.several === null;
      if (source === null && currentError === null) statusText = (words) => words.ready;
      updateTexts();
    },
    (problem) => {
      statusText = () => "";
      showError(problem);
    },
  );

  byId("choose").onclick = () => byId("file").click();
  byId("file").onchange = (event) => {
    openChosen(event.target.files[0]);
    event.target.value = ""; // otherwise the same file could not be chosen again
  };
  byId("sample").onclick = () => open(openSample, false);
  byId("camera").onclick = openCameraOfDevice;
  byId("stop").onclick = freeze;
  byId("png").onclick = () => savePicture("image/png", "png");
  byId("jpeg").onclick = () => savePicture("image/jpeg", "jpg");
  byId("json").onclick = saveJson;
  mirror.onchange = showMirror;
  threshold.oninput = () => {
    document.querySelector("output").textContent = Number(threshold.value).toFixed(2);
    redraw();
    updateTexts();
  };
  for (const choice of document.querySelectorAll("[name=people]")) {
    choice.onchange = () => {
      if (source !== null && !source.moving) run(); // predict the image again
      updateTexts();
    };
  }
  byId("all").onclick = () => byId("several").click();
  window.onresize = redraw;
  connectStage();
}

function fail(key) {
  statusText = () => "";
  showError(new PageError(key));
}

start();

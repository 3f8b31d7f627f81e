/** Where frames come from: an image, a video, the camera. A source is {moving, frame(): Promise<ImageBitmap>, stop()}. */

const MAX_PIXELS = 16e6; // of a canvas on a phone; larger images are reduced
const AS_STORED = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
const OF_CAMERA = {
  NotAllowedError: "cameraDenied",
  SecurityError: "cameraDenied",
  NotFoundError: "noCamera",
  OverconstrainedError: "noCamera",
};

/** What the user is told: a key of the words, and a detail that cannot be translated. */
export class Trouble extends Error {
  constructor(key, detail = "") {
    super(detail);
    this.key = key;
  }
}

/** Opens an image or a video that the user chose. */
export async function openFile(file) {
  return file.type.startsWith("video/") ? openVideo(file) : openImage(file);
}

async function openImage(file) {
  const frame = async () => {
    const whole = await createImageBitmap(file, AS_STORED).catch(() => {
      throw new Trouble("notImage", file.name);
    });
    const reduction = Math.sqrt(MAX_PIXELS / (whole.width * whole.height));
    if (reduction >= 1) return whole;
    return createImageBitmap(whole, { resizeWidth: Math.round(whole.width * reduction), resizeQuality: "high" });
  };
  return { moving: false, frame, stop() {} };
}

async function openVideo(file) {
  const address = URL.createObjectURL(file);
  const video = player();
  video.src = address;
  const source = moving(video, () => {
    video.remove();
    URL.revokeObjectURL(address);
  });
  try {
    await video.play();
    if (!video.videoWidth) throw new Error("only sound");
  } catch {
    source.stop();
    throw new Trouble("notVideo", file.name);
  }
  return source;
}

/** Opens the camera; `onEnd` is called when it goes away by itself. */
export async function openCamera(onEnd) {
  if (!navigator.mediaDevices) throw new Trouble("insecure");
  let source = null;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    const video = player();
    video.srcObject = stream;
    source = moving(video, () => {
      stream.getTracks().forEach((track) => track.stop());
      video.remove();
    });
    stream.getTracks().forEach((track) => track.addEventListener("ended", onEnd));
    await video.play();
  } catch (error) {
    source?.stop();
    throw new Trouble(OF_CAMERA[error.name] ?? "cameraBusy");
  }
  return source;
}

/** Browsers stop showing frames of a video that is not in the page. */
function player() {
  const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, loop: true });
  document.body.append(video);
  return video;
}

/** A frame is taken when it is asked for, as soon as there is a new one: those that came meanwhile are dropped. */
function moving(video, end) {
  const stop = () => {
    video.pause();
    end();
  };
  let arrived = newFrame(video);
  const frame = async () => {
    await arrived;
    arrived = newFrame(video);
    return createImageBitmap(video, AS_STORED);
  };
  return { moving: true, frame, stop };
}

function newFrame(video) {
  return new Promise((resolve) => {
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
}

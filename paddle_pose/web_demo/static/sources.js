/**
 * Sources of frames: an image, a video or the camera.
 *
 * A source is {moving, name, frame(): Promise<ImageBitmap>, seconds(): number, stop()}: `moving` is
 * false for an image, `name` is that of the file or null, and `seconds` is the time of the last
 * frame in the video. The frame belongs to the caller.
 */

const MAX_PIXELS = 16e6; // limit of a canvas on phones; larger images are reduced
const BITMAP_OPTIONS = {
  imageOrientation: "from-image",
  colorSpaceConversion: "none",
  premultiplyAlpha: "none",
};
const CAMERA_ERRORS = {
  NotAllowedError: "cameraDenied",
  SecurityError: "cameraDenied",
  NotFoundError: "noCamera",
  OverconstrainedError: "noCamera",
};

/** An error for the user: a key of the page's texts, and a detail that is not translated. */
export class PageError extends Error {
  constructor(key, detail = "") {
    super(detail);
    this.key = key;
  }
}

/** Returns the source of an image or video file. */
export async function openFile(file) {
  return file.type.startsWith("video/") ? openVideo(file) : openImage(file);
}

async function openImage(file) {
  const image = await createImageBitmap(file, BITMAP_OPTIONS).catch(() => {
    throw new PageError("notImage", file.name);
  });
  const scale = Math.sqrt(MAX_PIXELS / (image.width * image.height));
  if (scale >= 1) return still(image, file.name);
  const resizeWidth = Math.round(image.width * scale);
  return still(await createImageBitmap(image, { resizeWidth, resizeQuality: "high" }), file.name);
}

/** Returns the source of an image, which belongs to the source from now on. */
export function still(image, name) {
  return {
    moving: false,
    name,
    frame: () => createImageBitmap(image),
    seconds: () => 0,
    stop: () => image.close(),
  };
}

async function openVideo(file) {
  const address = URL.createObjectURL(file);
  const video = player();
  video.src = address;
  const source = moving(video, file.name, () => {
    video.remove();
    URL.revokeObjectURL(address);
  });
  try {
    await video.play();
    if (!video.videoWidth) throw new Error("the file has only sound");
  } catch {
    source.stop();
    throw new PageError("notVideo", file.name);
  }
  return source;
}

/** Returns the source of the camera; `onEnd` is called when the camera ends by itself. */
export async function openCamera(onEnd) {
  if (!navigator.mediaDevices) throw new PageError("insecure");
  let source = null;
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    const video = player();
    video.srcObject = stream;
    source = moving(video, null, () => {
      stream.getTracks().forEach((track) => track.stop());
      video.remove();
    });
    stream.getTracks().forEach((track) => track.addEventListener("ended", onEnd));
    await video.play();
  } catch (error) {
    source?.stop();
    throw new PageError(CAMERA_ERRORS[error.name] ?? "cameraBusy");
  }
  return source;
}

/** Returns a video element of the page; browsers stop decoding videos that are not in the page. */
function player() {
  const video = Object.assign(document.createElement("video"), {
    muted: true,
    playsInline: true,
    loop: true,
  });
  document.body.append(video);
  return video;
}

/**
 * Returns the source of a video element.
 *
 * A requested frame is the next new one; frames between two requests are dropped.
 */
function moving(video, name, end) {
  const stop = () => {
    video.pause();
    end();
  };
  let arrived = newFrame(video);
  const frame = async () => {
    await arrived;
    arrived = newFrame(video);
    return createImageBitmap(video, BITMAP_OPTIONS);
  };
  return { moving: true, name, frame, seconds: () => video.currentTime, stop };
}

function newFrame(video) {
  return new Promise((resolve) => {
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(resolve);
    else requestAnimationFrame(resolve);
  });
}

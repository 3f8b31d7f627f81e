/** Texts of the page in English and Chinese. */

export const WORDS = {
  en: {
    title: "Pose estimation in the browser",
    private: "All computation runs in this browser; images never leave this device.",
    language: "中文",
    drop: "Drop or paste an image or a video here, or click to choose one.",
    choose: "Image or video…",
    sample: "Example",
    camera: "Camera",
    stop: "Stop",
    save: "Save",
    people: "People",
    single: "one",
    several: "several",
    threshold: "Score threshold",
    smooth: "Smooth videos",
    mirror: "Mirror",
    limits:
      "People who are far away or overlap may be missed. The speed is that of WebAssembly on this " +
      "device.",
    only:
      "Only one person: the model for several people is not served. The terminal in which " +
      "serve_demo runs states why.",
    crowd: (people) => `${people} people are in this image; one of them is shown.`,
    all: "Show all",
    left: "left side of the body",
    middle: "middle",
    right: "right side of the body",
    shades: "light: left, dark: right side of the body",
    person: (number) => `person ${number}`,
    untracked: "not tracked",
    canvas: (found) => `Image with skeletons: ${found}`,
    loading: "Loading the model…",
    ready: "Ready.",
    stopped: "Stopped; the last frame is shown.",
    running: "Running…",
    found: (people) =>
      people === 1 ? "1 person" : people ? `${people} people` : "no person found",
    frameRate: (frames, milliseconds) => `${frames} frames/s · ${milliseconds} ms per frame`,
    took: (milliseconds) => `${milliseconds} ms`,
    noCamera: "No camera was found.",
    cameraDenied: "Camera access was denied: allow it for this page in the browser's settings.",
    cameraBusy: "The camera does not respond: another program may use it, or it was unplugged.",
    insecure:
      "Browsers allow the camera only for https pages and for this computer's own address " +
      "(127.0.0.1, localhost).",
    notImage: "This file is neither an image nor a video that this browser can read.",
    notVideo: "This browser cannot play this video. MP4 with H.264 and WebM usually work.",
    noWebAssembly: "This browser has no WebAssembly, or it is disabled; the model needs it.",
    oldBrowser: "This browser is too old for this page: it does not support OffscreenCanvas.",
    modelMissing: "The model could not be loaded. Is serve_demo still running?",
    modelFailed: "The model failed to run.",
  },
  zh: {
    title: "浏览器里的姿态估计",
    private: "全部计算都在本机浏览器内完成，图像不会上传。",
    language: "English",
    drop: "把图片或视频拖到或粘贴到这里，也可点击选择文件。",
    choose: "图片或视频…",
    sample: "示例",
    camera: "摄像头",
    stop: "停止",
    save: "保存",
    people: "人数",
    single: "单人",
    several: "多人",
    threshold: "置信度阈值",
    smooth: "平滑视频",
    mirror: "镜像",
    limits: "远处和重叠的人可能漏检。速度取决于本机的 WebAssembly 性能。",
    only: "仅支持单人：多人模型未加载，原因见运行 serve_demo 的终端。",
    crowd: (people) => `图中有 ${people} 人，目前只显示一人。`,
    all: "显示全部",
    left: "身体左侧",
    middle: "中间",
    right: "身体右侧",
    shades: "浅色为身体左侧，深色为右侧",
    person: (number) => `第 ${number} 人`,
    untracked: "未跟踪",
    canvas: (found) => `带骨架的图片：${found}`,
    loading: "正在加载模型…",
    ready: "就绪。",
    stopped: "已停止，画面为最后一帧。",
    running: "正在计算…",
    found: (people) => (people ? `检测到 ${people} 人` : "没有检测到人"),
    frameRate: (frames, milliseconds) => `${frames} 帧/秒 · 每帧 ${milliseconds} 毫秒`,
    took: (milliseconds) => `${milliseconds} 毫秒`,
    noCamera: "没有找到摄像头。",
    cameraDenied: "没有摄像头权限：请在浏览器设置中允许本页面使用摄像头。",
    cameraBusy: "摄像头没有响应：可能正被其他程序占用，或已被拔出。",
    insecure: "浏览器只允许 https 页面或本机地址（127.0.0.1、localhost）使用摄像头。",
    notImage: "浏览器无法读取这个文件：它不是支持的图片或视频。",
    notVideo: "浏览器无法播放这个视频。H.264 编码的 MP4 或 WebM 通常可用。",
    noWebAssembly: "浏览器不支持 WebAssembly，或已将其关闭；模型依赖它运行。",
    oldBrowser: "浏览器版本过旧，不支持 OffscreenCanvas，无法使用本页面。",
    modelMissing: "模型加载失败。请确认 serve_demo 仍在运行。",
    modelFailed: "模型运行失败。",
  },
};

const PARTS_ZH = {
  nose: "鼻子",
  eye: "眼",
  ear: "耳",
  shoulder: "肩",
  elbow: "肘",
  wrist: "腕",
  hip: "髋",
  knee: "膝",
  ankle: "踝",
};

/** Returns the name of a joint in a language; unknown ones keep their English name. */
export function jointName(language, joint) {
  if (language !== "zh") return joint.replaceAll("_", " ");
  const [, side, part] = joint.match(/^(left_|right_)?(.*)$/);
  if (!(part in PARTS_ZH)) return joint.replaceAll("_", " ");
  return ({ left_: "左", right_: "右" }[side] ?? "") + PARTS_ZH[part];
}

/** Returns the browser's language: "zh" for Chinese, otherwise "en". */
export function browserLanguage() {
  return navigator.language.startsWith("zh") ? "zh" : "en";
}

/** Sets the text of every element with a `data-word` to that of a language. */
export function setLanguage(language) {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = WORDS[language][element.dataset.word];
  }
}

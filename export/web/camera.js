// The device's camera: what it sees, and a picture of that.
import { Trouble } from "./errors.js";
import { canvasOf } from "./pixels.js";

const WHY = {
  NotAllowedError: "the browser was not allowed to use it. Allow it beside the address, and try again",
  NotFoundError: "this device has none",
  NotReadableError: "another program uses it",
};

/** A video that shows what the camera sees, and the buttons for it. */
export class Camera {
  #stream;
  #asked = 0;

  /**
   * @param {Record<string, HTMLElement>} parts video, still, camera, take and stop
   * @param {{signal: AbortSignal, attempt: Function}} page
   * @param {(read: () => Promise<Blob>) => void} onPicture
   */
  constructor(parts, page, onPicture) {
    Object.assign(this, { parts, page });
    parts.camera.addEventListener("click", () => this.#start());
    parts.stop.addEventListener("click", () => this.stop());
    parts.take.addEventListener("click", () => {
      const frame = this.#frame();
      onPicture(() => frame);
    });
    page.signal.addEventListener("abort", () => this.stop());
  }

  stop() {
    this.#asked++;
    if (this.#stream) end(this.#stream);
    this.#stream = undefined;
    this.parts.video.srcObject = null;
    this.#showing(false);
  }

  #start() {
    return this.page.attempt("The camera could not be used", async () => {
      const asked = ++this.#asked;
      const stream = await opened();
      if (asked !== this.#asked) return end(stream);
      this.#stream = stream;
      this.parts.video.srcObject = stream;
      await this.parts.video.play().catch((error) => {
        if (asked === this.#asked) throw error;
      });
      if (asked === this.#asked) this.#showing(true);
    });
  }

  #showing(on) {
    const { video, camera, take, stop, still } = this.parts;
    const focused = [camera, take, stop].includes(document.activeElement);
    camera.hidden = still.hidden = on;
    video.hidden = take.hidden = stop.hidden = !on;
    if (focused) (on ? take : camera).focus();
  }

  /** What is seen at this moment, as a file without loss. */
  #frame() {
    const { video } = this.parts;
    const context = canvasOf(video.videoWidth || 1, video.videoHeight || 1);
    context.drawImage(video, 0, 0);
    return new Promise((resolve) => context.canvas.toBlob(resolve));
  }
}

function end(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

async function opened() {
  // the one at a phone's back, where there are two
  const wanted = { facingMode: "environment", width: { ideal: 1280 } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: wanted });
  } catch (error) {
    const safe = "browsers lend it to pages of this device or over https only";
    const why = navigator.mediaDevices ? (WHY[error.name] ?? error.message) : safe;
    throw new Trouble(`There is no picture of the camera: ${why}.`);
  }
}

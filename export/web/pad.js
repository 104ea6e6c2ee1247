// A drawing area for pointer and keyboard: light strokes on black.
import { canvasOf, fromImageData, toImageData } from "./pixels.js";

const PEN_SHARE = 1 / 14;
const STEP_SHARE = 1 / 28;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** What is drawn, as strokes: polylines in pixels of the canvas. */
export class Pad {
  #canvas;
  #onChange;
  #ink; // what the strokes make, without the pen
  #shown; // a picture in place of a drawing
  #pen;
  #down = false;

  /** Whether nothing was drawn. */
  empty = true;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onChange after every stroke, and when it was cleared
   */
  constructor(canvas, onChange) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    this.#pen = [canvas.width / 2, canvas.height / 2];
    this.#wipe();
    this.#paint();
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"])
      canvas.addEventListener(end, () => this.#lift());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => this.#paint());
    canvas.addEventListener("blur", () => (this.#lift(), this.#paint()));
  }

  /** What was drawn. */
  picture() {
    return fromImageData(this.#ink.getImageData(0, 0, this.#canvas.width, this.#canvas.height));
  }

  /** Shows a picture; the next stroke begins a new drawing. */
  show(picture) {
    this.#wipe();
    this.#shown = canvasOf(picture.width, picture.height);
    this.#shown.putImageData(toImageData(picture), 0, 0);
    this.#paint();
  }

  clear() {
    this.#wipe();
    this.#paint();
    this.#onChange();
  }

  #wipe() {
    const { width, height } = this.#canvas;
    this.#ink = canvasOf(width, height);
    this.#ink.fillRect(0, 0, width, height);
    Object.assign(this.#ink, {
      strokeStyle: "#fff",
      lineCap: "round",
      lineJoin: "round",
      lineWidth: width * PEN_SHARE,
    });
    this.#shown = undefined;
    this.empty = true;
    this.#down = false;
  }

  #begin(event) {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pen = this.#place(event);
    this.#lower();
  }

  #move(event) {
    if (this.#down) this.#to(this.#place(event));
  }

  #lower() {
    if (this.#shown) this.#wipe();
    this.#down = true;
    this.#to(this.#pen);
  }

  #lift() {
    this.#down = false;
    this.#paint();
  }

  #to(point) {
    if (this.#down) {
      this.#ink.beginPath();
      this.#ink.moveTo(...this.#pen);
      this.#ink.lineTo(...point);
      this.#ink.stroke();
    }
    this.#pen = point;
    this.#paint();
    if (!this.#down) return;
    this.#onChange();
    this.empty = false;
  }

  #place({ clientX, clientY }) {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    return [
      ((clientX - left) * this.#canvas.width) / width,
      ((clientY - top) * this.#canvas.height) / height,
    ];
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) this.#to(this.#stepped(arrow));
    else if (event.key === " ") this.#down ? this.#lift() : this.#lower();
    else if (["Delete", "Backspace"].includes(event.key)) this.clear();
    else return;
    event.preventDefault();
  }

  #stepped([right, down]) {
    const { width, height } = this.#canvas;
    const within = (value, most) => Math.min(Math.max(value, 0), most);
    const [x, y] = this.#pen;
    return [
      within(x + right * width * STEP_SHARE, width),
      within(y + down * height * STEP_SHARE, height),
    ];
  }

  #paint() {
    const { width, height } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    if (this.#shown) paintWithin(context, this.#shown.canvas, width, height);
    else context.drawImage(this.#ink.canvas, 0, 0);
    if (document.activeElement === this.#canvas && this.#canvas.matches(":focus-visible"))
      this.#paintPen(context);
  }

  #paintPen(context) {
    context.beginPath();
    context.arc(...this.#pen, (this.#canvas.width * PEN_SHARE) / 2, 0, 2 * Math.PI);
    Object.assign(context, {
      strokeStyle: "#f6a55c",
      lineWidth: 3,
      fillStyle: this.#down ? "#f6a55c" : "#f6a55c55",
    });
    context.fill();
    context.stroke();
  }
}

function paintWithin(context, canvas, width, height) {
  const factor = Math.min(width / canvas.width, height / canvas.height);
  const [wide, high] = [canvas.width * factor, canvas.height * factor];
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  context.drawImage(canvas, (width - wide) / 2, (height - high) / 2, wide, high);
}

// Two pictures, one over the other, with a divider between what was before and what comes after.
import { draw, toImageData } from "./pixels.js";

/** Before and after. */
export class Compare {
  #parts;

  /** @param {Record<string, HTMLElement>} parts compare, before, after, divider, zoom */
  constructor(parts) {
    this.#parts = parts;
    parts.divider.addEventListener("input", () => this.#place(Number(parts.divider.value)));
    parts.zoom.addEventListener("change", () => this.#zoom());
  }

  /** Shows one picture alone. */
  before(picture, title) {
    const { compare, before, after, divider } = this.#parts;
    draw(picture, before);
    before.setAttribute("aria-label", `The picture before: ${title}`);
    Object.assign(after, { width: picture.width, height: picture.height });
    compare.style.setProperty("--ratio", picture.width / picture.height);
    divider.hidden = true;
    this.#zoom();
  }

  /** Shows a part of the result, over all that is there. */
  tile(picture, region) {
    this.#place(0);
    const context = this.#parts.after.getContext("2d");
    context.putImageData(toImageData(picture, region), region.left, region.top);
  }

  /** Puts the divider in the middle, to be moved. */
  finish() {
    this.#parts.divider.hidden = false;
    this.#place(50);
  }

  #place(at) {
    const { compare, divider } = this.#parts;
    divider.value = at;
    divider.setAttribute(
      "aria-valuetext",
      `${Math.round(at)} % before, ${Math.round(100 - at)} % after`,
    );
    compare.style.setProperty("--at", `${at}%`);
  }

  #zoom() {
    const { compare, before, zoom } = this.#parts;
    const factor = Number(zoom.value);
    compare.classList.toggle("zoomed", factor > 0);
    if (factor) compare.style.setProperty("--zoomed", `${factor * before.width}px`);
  }
}

// What a net is told of the noise: the estimate, until the visitor moves the slider.
import { estimated } from "./noise.js";

const USUAL = 15;

/** The noise level, in grey levels. */
export class Level {
  /** The slider rounds it. */
  sigma = 0;
  #parts;
  #range;
  #white;

  /**
   * @param {Record<string, HTMLElement>} parts told, level, levelValue, levelHint
   * @param {import("./models.js").Model} model
   */
  constructor(parts, { noise_level, degrade }) {
    this.#parts = parts;
    parts.told.hidden = !noise_level;
    if (!noise_level) return;
    this.#white = degrade[0].kind === "noise";
    this.#range = { min: degrade[0].low, max: degrade[0].high };
    Object.assign(parts.level, this.#range);
    parts.level.addEventListener("input", () => this.#set(Number(parts.level.value), "Chosen."));
  }

  /** Of another picture, as "auto" does in Python; of one that is too small a usual level. */
  estimate(picture) {
    if (!this.#range) return;
    const { min, max } = this.#range;
    const found = estimated(picture, this.#white);
    const words = found === undefined ? "The picture is too small to estimate it." : "Estimated.";
    this.#set(Math.min(Math.max(found ?? USUAL, min), max), words);
  }

  #set(sigma, words) {
    const { level, levelValue, levelHint } = this.#parts;
    this.sigma = level.value = sigma;
    levelValue.textContent = sigma.toFixed(1);
    levelHint.textContent = `${words} More where noise is left, less where detail is lost.`;
  }
}

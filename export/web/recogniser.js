// A classifier's net and its answers, whatever the pictures come from.
import { Net } from "./net.js";
import { element, percent } from "./parts.js";
import { draw, LUMA, over } from "./pixels.js";
import { fitted } from "./resize.js";

const MOST_ROWS = 10; // of a net that knows more classes, the most probable

/** Asks the net, and shows how probable each class is. */
export class Recogniser {
  #net;
  #asked = 0;

  /**
   * @param {Record<string, HTMLElement>} parts answer, bars and seen
   * @param {import("./models.js").Model} model
   * @param {{signal: AbortSignal, attempt: Function}} page
   */
  constructor(parts, model, page) {
    Object.assign(this, { parts, model, page });
    this.forget();
    page.signal.addEventListener("abort", () => this.#close());
  }

  /**
   * Recognises a picture.
   * @param {() => import("./pixels.js").Picture} given makes it, in the net's channels
   */
  recognise(given) {
    const asked = ++this.#asked;
    return this.page.attempt("The picture could not be recognised", async () => {
      const net = await this.#opened();
      const [, height, width] = net.shape;
      const picture = fitted(given(), width, height);
      draw(picture, this.parts.seen);
      const probabilities = await net.run(interleaved(picture), net.shape);
      if (asked === this.#asked) this.#show(probabilities);
    });
  }

  /** Shows no answer any more, and takes none that is under way. */
  forget() {
    this.#asked++;
    const { answer, bars, seen } = this.parts;
    answer.textContent = answer.dataset.answer;
    const { labels } = this.model;
    bars.replaceChildren(...(labels.length > MOST_ROWS ? [] : labels).map((label) => row(label)));
    seen.getContext("2d").clearRect(0, 0, seen.width, seen.height);
  }

  #opened() {
    if (!this.#net) {
      const { file } = this.model;
      const size = file ? ` (${(file.bytes / 1e6).toFixed(1)} MB)` : "";
      this.parts.answer.textContent = `Loading the net${size} …`;
      this.#net = Net.open(this.model);
      this.#net.catch(() => (this.#net = undefined));
    }
    return this.#net;
  }

  #close() {
    this.#net?.then(
      (net) => net.close(),
      () => {},
    );
  }

  #show(probabilities) {
    const { labels } = this.model;
    const order = [...labels.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
    const [best] = order;
    const shown = labels.length > MOST_ROWS ? order.slice(0, MOST_ROWS) : labels.keys();
    const rows = Array.from(shown, (i) => row(labels[i], probabilities[i], i === best));
    this.parts.bars.replaceChildren(...rows);
    this.parts.answer.textContent = `${labels[best]}, ${percent(probabilities[best])}`;
  }
}

/**
 * A picture in so many channels, without alpha: grey by luma, colour by repeating.
 * @param {import("./pixels.js").Picture} picture
 * @param {import("./models.js").Model} model
 */
export function inChannels(picture, { channels, background }) {
  const opaque = over(picture, background);
  const { planes } = opaque;
  if (planes.length === channels) return opaque;
  if (channels === 1) return { ...opaque, layout: "grey", planes: [luma(planes)] };
  return { ...opaque, layout: "rgb", planes: Array.from({ length: channels }, () => planes[0]) };
}

function luma([red, green, blue]) {
  return red.map((value, i) => LUMA[0] * value + LUMA[1] * green[i] + LUMA[2] * blue[i]);
}

function row(label, probability, best = false) {
  const made = element(
    "tr",
    { className: best ? "best" : "" },
    element("th", { scope: "row", textContent: label }),
    element("td", { textContent: probability === undefined ? "–" : percent(probability) }),
  );
  if (probability === undefined) return made;
  made.style.setProperty("--share", `${100 * probability}%`);
  made.dataset.probability = probability;
  return made;
}

function interleaved({ planes, width, height }) {
  const values = new Float32Array(width * height * planes.length);
  planes.forEach((plane, channel) =>
    plane.forEach((value, i) => (values[i * planes.length + channel] = value)),
  );
  return values;
}

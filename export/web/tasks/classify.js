// Recognise: a drawing or a picture, and how probable each class is.
import { Net } from "../net.js";
import { element, fill, firstPicture, percent, press, showSamples, takeFiles } from "../parts.js";
import { draw, LUMA } from "../pixels.js";
import { Pad } from "../pad.js";
import { fitted } from "../resize.js";
import { framed } from "../subject.js";

const LIGHT = 0.5;

/** Puts the task on the page; see tasks/restore.js. */
export function mount(place, model, page) {
  new Recognising(fill("task-classify", place), model, page);
}

class Recognising {
  #picture; // a picture that was chosen; undefined while drawing
  #net;
  #asked = 0;
  #chosen = 0;

  constructor(parts, model, page) {
    Object.assign(this, { parts, model, page });
    this.digits = model.labels.every((label) => /^\d$/.test(label));
    this.pad = new Pad(parts.pad, () => this.#drawn());
    this.samples = showSamples(parts.samples, model.samples, (read) => this.#choose(read));
    parts.shelf.hidden = !this.samples.length;
    this.#listBars();
    this.#listen();
    this.samples[0]?.click();
  }

  #listBars() {
    this.rows = this.model.labels.map((label) =>
      element(
        "tr",
        {},
        element("th", { scope: "row", textContent: label }),
        element("td", { textContent: "–" }),
      ),
    );
    this.parts.bars.replaceChildren(...this.rows);
  }

  #listen() {
    const { parts, page } = this;
    const files = (all) => (press(this.samples, null), this.#choose(() => firstPicture(all)));
    takeFiles(parts.file, files, page.signal);
    page.signal.addEventListener("abort", () =>
      this.#net?.then(
        (net) => net.close(),
        () => {},
      ),
    );
    parts.clear.addEventListener("click", () => this.pad.clear());
    parts.centre.addEventListener("change", () => this.#recognise());
    parts.invert.addEventListener("change", () => this.#recognise());
  }

  #choose(read) {
    return this.page.attempt("The picture could not be read", async () => {
      const chosen = ++this.#chosen;
      const picture = await read();
      if (chosen !== this.#chosen) return; // another one was chosen meanwhile
      this.#picture = picture;
      this.parts.centre.checked = this.parts.invert.checked = false;
      this.pad.show(this.#picture);
      await this.#recognise();
    });
  }

  #drawn() {
    if (this.#picture || this.pad.empty) {
      this.parts.invert.checked = false;
      this.parts.centre.checked = true; // as the pictures were that the net learnt from
    }
    this.#picture = undefined;
    this.#chosen++;
    press(this.samples, null);
    this.#recognise();
  }

  #recognise() {
    const asked = ++this.#asked;
    if (!this.#picture && this.pad.empty) return this.#forget();
    return this.page.attempt("The picture could not be recognised", async () => {
      this.#net ??= Net.open(this.model);
      this.#net.catch(() => (this.#net = undefined));
      const net = await this.#net;
      const given = this.#given(net.shape);
      draw(given, this.parts.seen);
      const probabilities = await net.run(interleaved(given), net.shape);
      if (asked === this.#asked) this.#show(probabilities);
    });
  }

  #given([, height, width, channels]) {
    const source = this.#picture ?? this.pad.picture();
    let picture = inChannels(source, channels);
    this.#hintAt(picture);
    if (this.parts.invert.checked) picture = inverted(picture);
    if (this.parts.centre.checked) picture = framed(picture, this.digits);
    const same = picture.width === width && picture.height === height;
    return same ? picture : fitted(picture, width, height);
  }

  #hintAt(picture) {
    const light = border(picture) > LIGHT && !this.parts.invert.checked;
    this.parts.hint.hidden = !light;
    this.parts.hint.textContent = `The background looks light. ${this.model.limits[0] ? `This net ${this.model.limits[0]}. ` : ""}Try “Invert”.`;
  }

  #show(probabilities) {
    const { labels } = this.model;
    const best = probabilities.indexOf(Math.max(...probabilities));
    this.rows.forEach((row, index) => {
      row.className = index === best ? "best" : "";
      row.style.setProperty("--share", `${100 * probabilities[index]}%`);
      row.dataset.probability = probabilities[index];
      row.lastChild.textContent = percent(probabilities[index]);
    });
    this.parts.answer.textContent = `${labels[best]}, ${percent(probabilities[best])}`;
  }

  #forget() {
    this.#listBars();
    this.parts.seen.getContext("2d").clearRect(0, 0, this.parts.seen.width, this.parts.seen.height);
    this.parts.answer.textContent = "Draw something, or choose a picture.";
    this.parts.hint.hidden = true;
  }
}

function inChannels(picture, channels) {
  const { alpha, ...rest } = picture;
  const { planes } = picture;
  if (planes.length === channels) return rest;
  if (channels === 1) return { ...rest, layout: "grey", planes: [luma(planes)] };
  return { ...rest, layout: "rgb", planes: Array.from({ length: channels }, () => planes[0]) };
}

function luma([red, green, blue]) {
  return red.map((value, i) => LUMA[0] * value + LUMA[1] * green[i] + LUMA[2] * blue[i]);
}

function inverted(picture) {
  return { ...picture, planes: picture.planes.map((plane) => plane.map((value) => 1 - value)) };
}

function border({ planes: [plane], width, height }) {
  const last = width * (height - 1);
  const lines = [...plane.subarray(0, width), ...plane.subarray(last)];
  return lines.reduce((sum, value) => sum + value, 0) / lines.length;
}

function interleaved({ planes, width, height }) {
  const values = new Float32Array(width * height * planes.length);
  planes.forEach((plane, channel) =>
    plane.forEach((value, i) => (values[i * planes.length + channel] = value)),
  );
  return values;
}

// Recognise: a drawing or a small picture, and how probable each class is.
import { fill, onlyFile, press, showSamples, takeFiles } from "../parts.js";
import { decode } from "../pixels.js";
import { Pad } from "../pad.js";
import { inChannels, Recogniser } from "../recogniser.js";
import { framed } from "../subject.js";
import * as photograph from "./photograph.js";

const LIGHT = 0.5;

/** Puts the task on the page; see tasks/restore.js. Nets for colour get photographs. */
export function mount(place, model, page) {
  if (model.channels === 1) new Recognising(fill("task-classify", place), model, page);
  else photograph.mount(place, model, page);
}

class Recognising {
  #picture; // a picture that was chosen; undefined while drawing
  #chosen = 0;

  constructor(parts, model, page) {
    Object.assign(this, { parts, model, page });
    this.digits = model.labels.every((label) => /^\d$/.test(label));
    this.recogniser = new Recogniser(parts, model, page);
    this.pad = new Pad(parts.pad, () => this.#drawn());
    this.samples = showSamples(parts.samples, model.samples, (read) => this.#choose(read));
    parts.shelf.hidden = !this.samples.length;
    this.#listen();
    this.samples[0]?.click();
  }

  #listen() {
    const { parts, page } = this;
    const files = (all) => (press(this.samples, null), this.#choose(() => onlyFile(all)));
    takeFiles(parts.file, files, page.signal);
    parts.clear.addEventListener("click", () => this.pad.clear());
    parts.centre.addEventListener("change", () => this.#recognise());
    parts.invert.addEventListener("change", () => this.#recognise());
  }

  #choose(read) {
    return this.page.attempt("The picture could not be read", async () => {
      const chosen = ++this.#chosen;
      const picture = await decode(await read());
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
    if (this.#picture || !this.pad.empty) return this.recogniser.recognise(() => this.#given());
    this.recogniser.forget();
    this.parts.hint.hidden = true;
    return undefined;
  }

  #given() {
    let picture = inChannels(this.#picture ?? this.pad.picture(), this.model);
    this.#hintAt(picture);
    if (this.parts.invert.checked) picture = inverted(picture);
    return this.parts.centre.checked ? framed(picture, this.digits) : picture;
  }

  #hintAt(picture) {
    const light = border(picture) > LIGHT && !this.parts.invert.checked;
    this.parts.hint.hidden = !light;
    this.parts.hint.textContent = `The background looks light. ${this.model.limits[0] ? `This net ${this.model.limits[0]}. ` : ""}Try “Invert”.`;
  }
}

function inverted(picture) {
  return { ...picture, planes: picture.planes.map((plane) => plane.map((value) => 1 - value)) };
}

function border({ planes: [plane], width, height }) {
  const last = width * (height - 1);
  const lines = [...plane.subarray(0, width), ...plane.subarray(last)];
  return lines.reduce((sum, value) => sum + value, 0) / lines.length;
}

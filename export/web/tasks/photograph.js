// Recognise: a photograph, chosen, dropped, pasted or taken, and how probable each class is.
import { Camera } from "../camera.js";
import { fill, onlyFile, press, showSamples, takeFiles } from "../parts.js";
import { decode } from "../pixels.js";
import { inChannels, Recogniser } from "../recogniser.js";

/** Puts the task on the page; see tasks/restore.js. */
export function mount(place, model, page) {
  new Photographing(fill("task-photograph", place), model, page);
}

class Photographing {
  #chosen = 0;

  constructor(parts, model, page) {
    Object.assign(this, { parts, model, page });
    this.recogniser = new Recogniser(parts, model, page);
    this.camera = new Camera(parts, page, (blob) => this.#take(blob));
    this.samples = showSamples(parts.samples, model.samples, (read) => this.#choose(read));
    parts.shelf.hidden = !this.samples.length;
    takeFiles(parts.file, (all) => this.#take(() => onlyFile(all)), page.signal);
    page.signal.addEventListener("abort", () => URL.revokeObjectURL(parts.shown.src));
  }

  #take(read) {
    press(this.samples, null);
    return this.#choose(read);
  }

  #choose(read) {
    return this.page.attempt("The picture could not be read", async () => {
      const chosen = ++this.#chosen;
      this.camera.stop();
      const blob = await read();
      // the numbers in the file, as the pipeline takes them: a colour profile would change them
      const picture = await decode(blob, { colorSpaceConversion: "none" });
      if (chosen !== this.#chosen) return; // another one was chosen meanwhile
      this.#show(blob);
      await this.recogniser.recognise(() => inChannels(picture, this.model));
    });
  }

  #show(blob) {
    const { shown, empty } = this.parts;
    URL.revokeObjectURL(shown.src);
    shown.src = URL.createObjectURL(blob);
    shown.hidden = false;
    empty.hidden = true;
  }
}

// Generate: pictures from a latent vector, drawn or set by sliders.
import { normals } from "../degrade.js";
import { arithmetic, between } from "../latents.js";
import { Net } from "../net.js";
import { element, fill, offer, press, setOptions } from "../parts.js";
import { canvasOf, draw } from "../pixels.js";

const AT_ONCE = 8; // sliders in view
const FARTHEST = 3; // standard deviations
const REMEMBERED = 12;
const STEP = 2; // hundredths of the way that a walk takes at once

/** Puts the task on the page; see tasks/restore.js. */
export function mount(place, model, page) {
  new Generating(fill("task-generate", place), model, page).start();
}

class Generating {
  #normal = normals(crypto.getRandomValues(new Uint32Array(1))[0]);
  #sliders = [];
  #latents = []; // of the remembered samples
  #asked = 0;

  constructor(parts, model, page) {
    Object.assign(this, { parts, model, page });
    this.classes = model.task === "generate" ? model.labels : [];
    setOptions(
      parts.class,
      this.classes.map((label, index) => [index, label]),
    );
    parts.classField.hidden = !this.classes.length;
    parts.class.addEventListener("change", () => this.#make());
    parts.middle.addEventListener("click", () => this.#set(this.#sliders.map(() => 0)));
    parts.form.addEventListener("submit", (event) => (event.preventDefault(), this.#sample()));
    parts.mix.addEventListener("input", () => this.#mix());
    parts.walk.addEventListener("click", () => this.#walk());
    parts.arithmetic.addEventListener("click", () => this.#set(arithmetic(...this.#chosen("abc"))));
    page.signal.addEventListener("abort", () => this.net?.close());
  }

  start() {
    return this.page.attempt("The net could not be started", async () => {
      this.net = await Net.open(this.model);
      if (this.page.signal.aborted) return this.net.close();
      this.#addSliders(this.net.shape[1] - this.classes.length);
      return this.#sample();
    });
  }

  #addSliders(count) {
    const { first, rest, more } = this.parts;
    const labels = Array.from({ length: count }, (_, index) => this.#slider(index));
    first.replaceChildren(...labels.slice(0, AT_ONCE));
    rest.replaceChildren(...labels.slice(AT_ONCE));
    more.hidden = count <= AT_ONCE;
    more.firstChild.textContent = `The other ${count - AT_ONCE}`;
  }

  #slider(index) {
    const limits = { type: "range", min: -FARTHEST, max: FARTHEST, step: 0.05 };
    const slider = element("input", limits);
    const output = element("output");
    slider.addEventListener("input", () => (this.#tell(slider), this.#make()));
    this.#sliders.push(slider);
    return element("label", {}, `z${index + 1}`, slider, output);
  }

  #tell(slider) {
    slider.nextSibling.textContent = Number(slider.value).toFixed(2);
  }

  #set(latent) {
    this.#sliders.forEach((slider, index) => {
      slider.value = latent[index];
      this.#tell(slider);
    });
    return this.#make();
  }

  async #sample() {
    if (!this.#sliders.length) return;
    press([this.parts.walk]);
    await this.#set(this.#sliders.map(() => this.#normal()));
    this.#remember();
  }

  #make() {
    const asked = ++this.#asked;
    return this.page.attempt("The picture could not be made", async () => {
      const values = await this.net.run(this.#code());
      if (asked !== this.#asked) return;
      draw(asPicture(values, this.net.output.shape), this.parts.made);
      const name = `${this.model.name}.png`;
      this.parts.made.toBlob((blob) => offer(this.parts.download, blob, name));
    });
  }

  /** What the net takes: the latent, then the class as one-hot, where there are classes. */
  #code() {
    const latent = this.#sliders.map((slider) => Number(slider.value));
    const chosen = this.classes.map((_, index) => Number(index === Number(this.parts.class.value)));
    return Float32Array.from([...latent, ...chosen]);
  }

  /** The latents of the samples that are chosen for these letters. */
  #chosen(letters) {
    return [...letters].map((letter) => this.#latents[this.parts[letter].value]);
  }

  #mix() {
    const { mix, mixTold } = this.parts;
    mixTold.textContent = `${mix.value} % B`;
    return this.#set(between(...this.#chosen("ab"), mix.value / 100));
  }

  /** From A to B, then on from sample to sample, until the button is pressed again. */
  async #walk() {
    const { a, b, mix, walk } = this.parts;
    const goes = () => walk.ariaPressed === "true" && !this.page.signal.aborted;
    press([walk], goes() ? undefined : walk);
    while (goes()) {
      if (Number(mix.value) >= 100) {
        [a.value, b.value] = [b.value, (Number(b.value) + 1) % this.#latents.length];
        mix.value = 0;
      }
      mix.value = Number(mix.value) + STEP;
      await this.#mix();
      await new Promise(requestAnimationFrame);
    }
  }

  #offerWays() {
    const count = this.#latents.length;
    this.parts.ways.hidden = count < 2;
    [..."abc"].forEach((letter, place) => {
      const select = this.parts[letter];
      const chosen = select.options.length > place ? select.value : Math.min(place, count - 1);
      setOptions(
        select,
        this.#latents.map((_, index) => [index, `Sample ${index + 1}`]),
      );
      select.value = chosen;
    });
  }

  #remember() {
    const { history, historyTitle, made } = this.parts;
    const latent = this.#sliders.map((slider) => Number(slider.value));
    const copy = canvasOf(made.width, made.height);
    copy.drawImage(made, 0, 0);
    const count = history.childElementCount;
    const button = element(
      "button",
      { type: "button", ariaLabel: `Sample ${count + 1}` },
      copy.canvas,
    );
    button.addEventListener(
      "click",
      () => (press([this.parts.walk]), press([...history.children], button), this.#set(latent)),
    );
    history.append(button);
    this.#latents.push(latent);
    if (count === REMEMBERED) {
      history.firstChild.remove();
      this.#latents.shift();
    }
    [...history.children].forEach((one, index) => (one.ariaLabel = `Sample ${index + 1}`));
    historyTitle.hidden = false;
    this.#offerWays();
  }
}

function asPicture(values, [, height, width, channels]) {
  const planes = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length: width * height }, (_, i) => values[i * channels + channel]),
  );
  return { width, height, planes, layout: channels === 1 ? "grey" : "rgb" };
}

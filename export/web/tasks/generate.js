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
  #latent = []; // what the net gets; the sliders show it as near as they can
  #sliders = [];
  #latents = new Map(); // of the remembered samples, by their numbers
  #samples = 0;
  #walks = 0;
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
    parts.middle.hidden = model.task === "generate"; // a GAN's samples are never near it
    parts.middle.addEventListener("click", () => this.#goTo(this.#sliders.map(() => 0)));
    parts.form.addEventListener("submit", (event) => (event.preventDefault(), this.#sample()));
    for (const part of [parts.mix, parts.a, parts.b]) {
      part.addEventListener("input", () => (this.#rest(), this.#mix()));
    }
    parts.walk.addEventListener("click", () => this.#walk());
    parts.arithmetic.addEventListener("click", () => this.#add());
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
    const output = element("output", { ariaLive: "off" }); // a walk changes all of them
    slider.addEventListener("input", () =>
      this.#goTo(this.#latent.with(index, Number(slider.value))),
    );
    this.#sliders.push(slider);
    return element("label", {}, `z${index + 1}`, slider, output);
  }

  #set(latent) {
    this.#latent = latent;
    press([...this.parts.history.children]);
    this.#sliders.forEach((slider, index) => {
      slider.value = latent[index];
      slider.nextSibling.textContent = latent[index].toFixed(2);
    });
    return this.#make();
  }

  async #sample() {
    if (await this.#goTo(this.#sliders.map(() => this.#normal()))) this.#remember();
  }

  /** Whether a picture came of it: none does where another was asked for meanwhile. */
  async #make() {
    if (!this.#sliders.length) return false; // the net is being loaded
    const asked = ++this.#asked;
    let drawn = false;
    await this.page.attempt("The picture could not be made", async () => {
      const values = await this.net.run(this.#code());
      if (asked !== this.#asked) return;
      draw(asPicture(values, this.net.output.shape), this.parts.made);
      drawn = true;
      if (!this.#walking) this.#offer();
    });
    return drawn;
  }

  #offer() {
    this.parts.made.toBlob((blob) => offer(this.parts.download, blob, `${this.model.name}.png`));
  }

  /** What the net takes: the latent, then the class as one-hot, where there are classes. */
  #code() {
    const chosen = this.classes.map((_, index) => Number(index === Number(this.parts.class.value)));
    return Float32Array.from([...this.#latent, ...chosen]);
  }

  /** The latents of the samples that are chosen for these letters. */
  #chosen(letters) {
    return [...letters].map((letter) => this.#latents.get(Number(this.parts[letter].value)));
  }

  #mix() {
    const { mix, mixTold } = this.parts;
    mixTold.textContent = `${mix.value} % B`;
    return this.#set(between(...this.#chosen("ab"), mix.value / 100));
  }

  #add() {
    return this.#goTo(arithmetic(...this.#chosen("abc")));
  }

  /** As `#set`; a walk ends. */
  #goTo(latent) {
    this.#rest();
    return this.#set(latent);
  }

  get #walking() {
    return this.parts.walk.ariaPressed === "true";
  }

  #rest() {
    this.#walks++;
    press([this.parts.walk]);
  }

  /** From A to B, then on from sample to sample, until the button is pressed again. */
  async #walk() {
    const { mix, walk } = this.parts;
    const starts = !this.#walking;
    this.#rest();
    if (!starts) return this.#offer();
    press([walk], walk);
    const mine = this.#walks;
    while (mine === this.#walks && !this.page.signal.aborted) {
      if (Number(mix.value) >= 100) this.#onward();
      mix.value = Number(mix.value) + STEP;
      const making = this.#mix();
      const asked = this.#asked;
      const failed = !(await making) && asked === this.#asked; // else another class was chosen
      if (failed && mine === this.#walks) return this.#rest();
      await new Promise(requestAnimationFrame);
    }
  }

  #onward() {
    const { a, b, c, mix } = this.parts;
    const numbers = [...this.#latents.keys()];
    const next = numbers[(numbers.indexOf(Number(b.value)) + 1) % numbers.length];
    if (next === Number(c.value)) c.value = a.value; // all three go on being different
    [a.value, b.value, mix.value] = [b.value, next, 0];
  }

  /** A, B and C keep their samples; a forgotten one gives way to the newest that is free. */
  #offerWays() {
    const numbers = [...this.#latents.keys()];
    this.parts.ways.hidden = numbers.length < 2;
    const selects = [..."abc"].map((letter) => this.parts[letter]);
    const chosen = selects.map(({ options, value }, place) => {
      const kept = options.length > place && this.#latents.has(Number(value));
      return kept ? Number(value) : undefined;
    });
    selects.forEach((select, place) => {
      chosen[place] ??= numbers.findLast((one) => !chosen.includes(one)) ?? numbers.at(-1);
      setOptions(
        select,
        numbers.map((number) => [number, number]),
      );
      select.value = chosen[place];
    });
  }

  #remember() {
    const { class: select, history, historyTitle, made } = this.parts;
    const chosen = select.value;
    const latent = this.#latent;
    const copy = canvasOf(made.width, made.height);
    copy.drawImage(made, 0, 0);
    const number = ++this.#samples;
    const name = `Sample ${number}`;
    const button = element(
      "button",
      { type: "button", title: name, ariaLabel: name },
      copy.canvas,
      element("span", { textContent: number }),
    );
    button.addEventListener(
      "click",
      () => ((select.value = chosen), this.#goTo(latent), press([...history.children], button)),
    );
    history.append(button);
    this.#latents.set(number, latent);
    if (this.#latents.size > REMEMBERED) {
      history.firstChild.remove();
      this.#latents.delete(number - REMEMBERED);
    }
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

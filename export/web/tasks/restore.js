// Denoise, repair, enlarge: a photograph before and after.
import { Compare } from "../compare.js";
import { damaged, psnr } from "../degrade.js";
import { Cancelled } from "../errors.js";
import { Level } from "../level.js";
import { Net } from "../net.js";
import {
  element,
  fill,
  offer,
  onlyFile,
  press,
  setOptions,
  showSamples,
  takeFiles,
} from "../parts.js";
import { cut, decode, middle, whole } from "../pixels.js";
import { enlarged } from "../resize.js";
import { restored } from "../restoring.js";

const PART = 512;
const KINDS = {
  noise: {
    first: "Add Gaussian noise first",
    strength: "Sigma, in grey levels",
    least: 5,
    usual: 25,
    before: "noisy",
  },
  bicubic: {
    first: "Make it smaller first",
    strength: "By the factor",
    least: 2,
    before: "bicubic",
  },
  jpeg: { first: "Compress it as JPEG first", strength: "Quality", least: 1, before: "JPEG" },
};

/**
 * Puts the task on the page.
 * @param {HTMLElement} place
 * @param {import("../models.js").Model} model
 * @param {{signal: AbortSignal, attempt: (doing: string, work: () => unknown) => Promise<void>}} page
 */
export function mount(place, model, page) {
  new Restoring(fill("task-restore", place), model, page);
}

class Restoring {
  #original; // as it was chosen
  #clean; // the part of it that is worked on
  #given; // what the net gets
  #before; // what is shown beside the result
  #title = "picture";
  #asked = 0;
  #stop = new AbortController();

  constructor(parts, model, page) {
    Object.assign(this, { parts, model, page, compare: new Compare(parts) });
    this.level = new Level(parts, model);
    this.damages = model.degrade.filter(({ kind }) => KINDS[kind]); // which a page can do
    this.#offerDamages();
    this.#offerScales();
    this.#listen();
    this.samples = showSamples(parts.samples, model.samples, (read, title) =>
      this.#choose(title, true, read),
    );
    parts.samplesTitle.hidden = !this.samples.length;
    parts.start.disabled = true;
    this.samples[0]?.click();
  }

  get #kind() {
    return this.damages[Number(this.parts.kind.value)];
  }

  get #scale() {
    return Number(this.parts.scale.value);
  }

  #offerDamages() {
    const { parts, damages, model } = this;
    setOptions(
      parts.kind,
      damages.map(({ kind }, index) => [index, kind]),
    );
    parts.kindField.hidden = damages.length < 2;
    parts.damage.closest("fieldset").hidden = !damages.length && model.scales.length < 2;
    parts.damage.closest("label").hidden = parts.strengthField.hidden = !damages.length;
    if (damages.length) this.#offerStrength();
  }

  #offerStrength() {
    const { kind, low, high } = this.#kind;
    const { strength, strengthField, strengthWords, damageWords } = this.parts;
    const most = kind === "noise" ? Math.max(high, 50) : high;
    Object.assign(strength, { min: Math.min(low, KINDS[kind].least), max: most, step: 1 });
    strength.value = Math.min(Math.round((low + high) / 2), KINDS[kind].usual ?? high);
    damageWords.textContent = KINDS[kind].first;
    strengthWords.textContent = KINDS[kind].strength;
    strengthField.hidden = kind === "bicubic"; // the factor is the scale by which it is enlarged
    this.#tellStrength();
  }

  #tellStrength() {
    this.parts.strengthValue.textContent = this.parts.strength.value;
  }

  #offerScales() {
    const { parts, model } = this;
    setOptions(
      parts.scale,
      model.scales.map((scale) => [scale, scale === 1 ? "1 (as it is)" : `${scale} times`]),
    );
    parts.scaleField.hidden = model.scales.length < 2;
  }

  #listen() {
    const { parts, page } = this;
    const files = (all) =>
      this.#choose(all[0].name.replace(/\.\w+$/, ""), false, () => onlyFile(all));
    takeFiles(parts.file, files, page.signal);
    page.signal.addEventListener("abort", () => this.#stop.abort());
    parts.kind.addEventListener("change", () => this.#offerStrength());
    parts.strength.addEventListener("input", () => this.#tellStrength());
    for (const input of [parts.kind, parts.strength, parts.damage, parts.part, parts.scale]) {
      input.addEventListener("change", () => this.#prepare());
    }
    parts.cancel.addEventListener("click", () => this.#stop.abort());
    parts.form.addEventListener("submit", (event) => (event.preventDefault(), this.#start()));
  }

  /** Samples are clean, and damaged first; of a visitor's own photograph nothing is known. */
  #choose(title, damage, read) {
    return this.page.attempt("The picture could not be read", async () => {
      if (!damage) press(this.samples, null);
      const asked = ++this.#asked;
      const picture = await decode(await read());
      if (asked !== this.#asked) return; // another one was chosen meanwhile
      this.#original = picture;
      this.#title = title;
      this.parts.damage.checked = damage && this.damages.length > 0;
      const large = Math.max(this.#original.width, this.#original.height) > PART;
      this.parts.partField.hidden = !large;
      this.parts.part.value = large ? "middle" : "all";
      await this.#prepare();
    });
  }

  #prepare() {
    if (!this.#original) return undefined;
    this.#stop.abort();
    this.#stop = new AbortController();
    return this.page.attempt("The picture could not be prepared", async () => {
      const { parts } = this;
      const all = parts.part.value === "all";
      const region = all ? whole(this.#original) : middle(this.#original, PART, PART);
      this.#clean = cut(this.#original, region);
      this.#given = parts.damage.checked ? await this.#damaged() : this.#clean;
      this.#before = enlarged(this.#given, this.#scale);
      this.level.estimate(this.#given);
      this.#showBefore();
    });
  }

  async #damaged() {
    const { kind } = this.#kind;
    if (kind !== "bicubic") return damaged(this.#clean, kind, Number(this.parts.strength.value));
    const factor = this.#scale > 1 ? this.#scale : this.#kind.low;
    const { width, height } = this.#clean;
    const divisible = {
      left: 0,
      top: 0,
      width: width - (width % factor),
      height: height - (height % factor),
    };
    this.#clean = cut(this.#clean, divisible);
    return damaged(this.#clean, kind, factor);
  }

  #showBefore() {
    const { parts } = this;
    const what = parts.damage.checked
      ? KINDS[this.#kind.kind].before
      : this.#scale > 1
        ? "bicubic"
        : "as it came";
    const { width, height } = this.#given;
    this.compare.before(this.#before, `${this.#title}, ${what}`);
    parts.legendBefore.textContent = `Before: ${what}`;
    parts.legendAfter.hidden = parts.figures.hidden = parts.download.hidden = true;
    parts.start.disabled = false;
    const size = (wide, high) => `${wide} × ${high}`;
    const larger =
      this.#scale > 1 ? `, to become ${size(width * this.#scale, height * this.#scale)}` : "";
    this.#say(`${this.#title}: ${size(width, height)} pixels${larger}.`);
  }

  #start() {
    if (!this.#given || this.parts.start.hidden) return undefined;
    this.#stop = new AbortController();
    return this.page.attempt("The picture could not be processed", () =>
      this.#run(this.#stop.signal),
    );
  }

  async #run(signal) {
    const stopped = new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new Cancelled())),
    );
    this.#working(true);
    try {
      await Promise.race([this.#work(signal), stopped]);
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      if (signal === this.#stop.signal) this.#say("Cancelled.");
    } finally {
      this.#working(false);
    }
  }

  async #work(signal) {
    this.#say("Starting …");
    const net = await Net.open(this.model);
    try {
      this.#say("Working …");
      const started = performance.now();
      const { sigma } = this.level;
      const onTile = (...found) => this.#onTile(started, ...found);
      const result = await restored(net, this.#given, this.#scale, sigma, signal, onTile);
      await this.#finish(result, (performance.now() - started) / 1000);
    } finally {
      net.close();
    }
  }

  #working(on) {
    const { start, cancel, progress, bar, left, download } = this.parts;
    const focused = [start, cancel].includes(document.activeElement);
    start.hidden = on;
    cancel.hidden = progress.hidden = !on;
    download.hidden ||= on;
    left.textContent = "";
    bar.removeAttribute("value");
    if (focused) (on ? cancel : start).focus();
  }

  #onTile(started, picture, region, done, total) {
    this.compare.tile(picture, region);
    const seconds = ((performance.now() - started) / 1000 / done) * (total - done);
    Object.assign(this.parts.bar, { value: done, max: total });
    this.parts.left.textContent = `Tile ${done} of ${total}, about ${inWords(seconds)} left`;
  }

  async #finish(result, seconds) {
    const { parts, model } = this;
    this.compare.finish();
    parts.frame.scrollIntoView({ block: "nearest" });
    parts.legendAfter.hidden = false;
    parts.legendAfter.textContent = `After: ${model.name}`;
    this.#showFigures(result);
    await new Promise((resolve) =>
      parts.after.toBlob((blob) =>
        resolve(offer(parts.download, blob, `${this.#title}_${model.name}.png`)),
      ),
    );
    parts.download.hidden = false;
    this.#say(`Done in ${inWords(seconds)}. Move the divider to compare.`);
  }

  #showFigures(result) {
    const { figures, damage } = this.parts;
    figures.hidden = !damage.checked || result.width !== this.#clean.width;
    if (figures.hidden) return;
    const [before, after] = [this.#before, result].map((one) => psnr(one, this.#clean).toFixed(2));
    const against = element("span", { className: "hint" }, " PSNR against the clean picture");
    figures.replaceChildren(`${before} dB → ${after} dB`, against);
  }

  #say(words) {
    this.parts.status.textContent = words;
  }
}

function inWords(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}

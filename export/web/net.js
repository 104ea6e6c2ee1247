// A model that runs: its file in the runtime, in the size that a picture asks for.
import { Trouble } from "./errors.js";
import { imageOf, levelOf, readFile } from "./models.js";
import { Runtime } from "./runtime.js";
import { reshaped } from "./tflite.js";

let starting;
let opened = 0;

/** The page's one runtime, started at the first call. */
export function theRuntime() {
  starting ??= Runtime.start();
  starting.catch(() => (starting = undefined));
  return starting;
}

/** One model in the runtime. */
export class Net {
  #key = `net ${++opened}`;
  #loaded = "";
  #bytes;
  #runtime;

  /**
   * @param {import("./models.js").Model} model
   * @returns {Promise<Net>}
   * @throws {Trouble}
   */
  static async open(model) {
    const [runtime, file] = await Promise.all([theRuntime(), readFile(model)]);
    return new Net(model, runtime, file);
  }

  constructor(model, runtime, { bytes, signature }) {
    this.model = model;
    this.#runtime = runtime;
    this.#bytes = bytes;
    this.input = imageOf(signature);
    this.level = levelOf(signature);
    [this.output] = signature.outputs;
  }

  /** What it takes, `[1, h, w, c]` or `[1, n]`; h and w may be others where its size is free. */
  get shape() {
    return this.input.shape;
  }

  /**
   * Runs it once.
   * @param {Float32Array} values they are moved away
   * @param {number[]} shape
   * @param {number} [sigma] the noise level, of a net that is told it
   * @returns {Promise<Float32Array>}
   */
  async run(values, shape = this.shape, sigma = 0) {
    await this.#load(shape);
    const given = [{ name: this.input.name, values, shape }];
    if (this.level) {
      const told = levelShape(shape);
      const level = new Float32Array(told.reduce((a, b) => a * b)).fill(sigma);
      given.push({ name: this.level.name, values: level, shape: told });
    }
    return this.#runtime.run(this.#key, given, this.output.name);
  }

  /** Gives its memory back. */
  close() {
    this.#loaded = "";
    this.#runtime.release(this.#key);
  }

  async #load(shape) {
    const wanted = String(shape);
    if (this.#loaded === wanted) return;
    await this.#runtime.load(this.#key, this.#fileFor(shape)).catch((error) => {
      throw new Trouble(`${this.model.name} could not be started (${error.message}).`);
    });
    this.#loaded = wanted;
  }

  #fileFor(shape) {
    if (String(shape) === String(this.shape)) return this.#bytes;
    if (!this.model.free) {
      const size = (sides) => sides.slice(1, 3).reverse().join(" × ");
      throw new Trouble(
        `${this.model.name} takes pictures of ${size(this.shape)}; ${size(shape)} came.`,
      );
    }
    const scale = this.output.shape[1] / this.input.shape[1];
    const [batch, height, width] = shape;
    const result = [batch, height * scale, width * scale, this.output.shape[3]];
    return reshaped(this.#bytes, [
      [this.input, shape],
      [this.output, result],
      ...(this.level ? [[this.level, levelShape(shape)]] : []),
    ]);
  }
}

function levelShape(shape) {
  return [...shape.slice(0, -1), 1];
}

// LiteRT.js in a worker, seen from the page.
import { Trouble } from "./errors.js";

/** Answers to come, of one worker. */
export class Runtime {
  #worker;
  #waiting = new Map();
  #last = 0;

  /** How many processor threads a net runs on. */
  threads = 0;

  /**
   * Starts the runtime; takes a second, and some megabytes over the network.
   * @returns {Promise<Runtime>}
   * @throws {Trouble}
   */
  static async start() {
    if (typeof WebAssembly !== "object") {
      throw new Trouble(
        "This browser has WebAssembly switched off, which the nets run on. Switch it on, or use another browser.",
      );
    }
    const runtime = new Runtime();
    runtime.threads = await runtime.#ask("start").catch((error) => {
      throw new Trouble(
        `The runtime could not be started (${error.message}). Reload the page; if that does not help, use a current Chrome, Edge, Firefox or Safari.`,
      );
    });
    return runtime;
  }

  constructor() {
    this.#worker = new Worker(new URL("worker.js", import.meta.url));
    this.#worker.onmessage = ({ data }) => this.#answer(data);
    this.#worker.onerror = (event) => this.#fail(event.message || "the worker did not start");
  }

  /**
   * Makes a file ready to run; what had the same key before is dropped.
   * @param {string} key
   * @param {Uint8Array} bytes
   */
  async load(key, bytes) {
    await this.#ask("load", { key, bytes });
  }

  /**
   * Runs a net once.
   * @param {string} key
   * @param {{name: string, values: Float32Array, shape: number[]}[]} inputs values are moved away
   * @param {string} output
   * @returns {Promise<Float32Array>}
   */
  run(key, inputs, output) {
    const moved = inputs.map(({ values }) => values.buffer);
    return this.#ask("run", { key, inputs, output }, moved);
  }

  /** Drops a file. */
  release(key) {
    this.#ask("release", { key }).catch(() => {}); // a worker that is gone holds nothing
  }

  #ask(verb, details = {}, moved = []) {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, verb, ...details }, moved);
    });
  }

  #answer({ id, result, error }) {
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    error === undefined ? resolve(result) : reject(new Error(error));
  }

  #fail(message) {
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }
}

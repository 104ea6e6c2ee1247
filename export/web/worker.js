// Runs nets beside the page, which stays responsive. A classic worker, because the runtime's
// loader calls importScripts, which module workers do not have.
const WASM = new URL("litert/wasm/", self.location.href).href;
const models = new Map();
let runtime;

// The processor alone computes, so that results are the same everywhere: no GPU is woken up.
Object.defineProperty(self.navigator, "gpu", { value: { requestAdapter: async () => null } });

// In a worker the runtime would look for its files, and start its threads, from this script.
self.Module = {
  locateFile: (name) => WASM + name,
  mainScriptUrlOrBlob: `${WASM}litert_wasm_threaded_internal.js`,
  printErr: (line) => (/^(INFO|WARNING)/.test(line) ? console.debug(line) : console.error(line)),
};

const answers = {
  async start() {
    runtime = await import("./litert/core.js");
    const fast = self.crossOriginIsolated && (await runtime.supportsFeature("relaxedSimd"));
    const threads = fast && (await runtime.supportsFeature("threads"));
    await runtime.loadLiteRt(WASM, { threads });
    return threads ? self.navigator.hardwareConcurrency : 1;
  },

  async load({ key, bytes }) {
    answers.release({ key });
    models.set(key, await runtime.loadAndCompile(bytes, { accelerator: "wasm" }));
  },

  async run({ key, inputs, output }) {
    const given = {};
    try {
      for (const { name, values, shape } of inputs) given[name] = new runtime.Tensor(values, shape);
      const results = await models.get(key).run(given);
      const result = await results[output].data();
      Object.values(results).forEach((tensor) => tensor.delete());
      return result;
    } finally {
      Object.values(given).forEach((tensor) => tensor.delete());
    }
  },

  release({ key }) {
    models.get(key)?.delete();
    models.delete(key);
  },
};

async function answer({ id, verb, ...details }) {
  try {
    const result = await answers[verb](details);
    self.postMessage({ id, result }, result?.buffer ? [result.buffer] : []);
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
}

// One after the other: a net is not dropped while it runs.
let last = Promise.resolve();
self.onmessage = ({ data }) => {
  last = last.then(() => answer(data));
};

// The nets that the page knows: those of its index, and files of the visitor's own.
import { Trouble } from "./errors.js";
import { signatures } from "./tflite.js";

/**
 * What a file can take and give -> the task it serves where no manifest says so.
 * @type {Record<string, string[]>}
 */
const SIGNATURES = {
  "image>probs": ["classify"],
  "image>restored": ["denoise", "restore"],
  "image+sigma>restored": ["denoise"],
  "image>enlarged": ["upscale"],
  "latent>image": ["generate", "autoencode"],
};

const UNSAID_REACH_SHARE = 8;

/**
 * @typedef {{name: string, task: string, summary: string, headline: string, licence: string,
 *   limits: string[], labels: string[], scales: number[], scale: number, receptive_radius: number,
 *   border: number, multiple: number, luma: boolean, free: boolean, noise_level: boolean,
 *   channels: number, background: number, own?: boolean, note?: string,
 *   degrade: {kind: "noise" | "bicubic" | "jpeg", low: number, high: number}[],
 *   samples: {path: string, title: string}[],
 *   file?: {path: string, bytes: number, sha256: string}, bytes?: Uint8Array}} Model
 */

/**
 * Reads the site's index.
 * @returns {Promise<{zoo: string, litert: string, models: Model[]}>}
 * @throws {Trouble}
 */
export async function readIndex() {
  const response = await fetched("models.json");
  try {
    return await response.json();
  } catch {
    throw new Trouble("The list of models, models.json, is damaged: build the site again.");
  }
}

/**
 * A model's file, and what it says of itself. Nothing that was changed is run.
 * @param {Model} model
 * @returns {Promise<{bytes: Uint8Array, signature: import("./tflite.js").Signature}>}
 * @throws {Trouble}
 */
export async function readFile(model) {
  if (!model.bytes) {
    const response = await fetched(model.file.path);
    const bytes = new Uint8Array(await response.arrayBuffer());
    await refuseChanged(bytes, model.file.sha256, model.file.path);
    model.bytes = bytes;
  }
  return { bytes: model.bytes, signature: knownSignature(model.bytes, model.task) };
}

/**
 * A model from files that the visitor chose: a .tflite and the export.json beside it.
 * @param {File[]} files
 * @returns {Promise<Model>}
 * @throws {Trouble} they are none that this page can run; the message says why
 */
export async function ownModel(files) {
  const file = only(files, ".tflite");
  const bytes = new Uint8Array(await file.arrayBuffer());
  const signature = knownSignature(bytes);
  const manifest = await readManifest(only(files, ".json"));
  await refuseOther(bytes, file.name, manifest);
  const { name, task } = signatureTask(signature, manifest);
  const [low, high] = [imageOf(signature).shape, signature.outputs[0].shape];
  const scale = task === "upscale" ? high[1] / low[1] : 1;
  return {
    ...{
      name,
      task,
      bytes,
      scale,
      scales: manifest.scales ?? [scale],
      labels: manifest.labels ?? [],
    },
    ...{ summary: `your file ${file.name}`, headline: "", licence: "", limits: [], samples: [] },
    ...{ degrade: (manifest.degrade ?? []).map(degradation), free: isFree(manifest) },
    ...{ multiple: manifest.multiple ?? 1, noise_level: levelOf(signature) !== undefined },
    ...{ channels: low.at(-1), background: manifest.background ?? 1 },
    ...geometry(manifest, task, low),
  };
}

/**
 * The one signature of a file that the page can serve.
 * @param {Uint8Array} bytes
 * @param {string} [task] that it should be for
 * @returns {import("./tflite.js").Signature}
 * @throws {Trouble}
 */
export function knownSignature(bytes, task) {
  const found = signatures(bytes);
  const known = found.find((one) => isKnown(one) && (!task || tasksOf(one).includes(task)));
  if (!known) throw unknown(found);
  for (const { name, shape, type } of [...known.inputs, ...known.outputs]) {
    if (type !== "float32") {
      throw new Trouble(
        `Its “${name}” is ${type}; this page runs files that take and give float32.`,
      );
    }
    if (shape.some((side) => side < 1)) throw dynamic(name, shape);
    if (shape[0] !== 1) {
      throw new Trouble(
        `Its “${name}” is a batch of ${shape[0]}; this page gives one picture at a time.`,
      );
    }
  }
  return known;
}

/** What takes the picture, or the one thing there is. */
export function imageOf({ inputs }) {
  return inputs.find(({ name }) => name === "image") ?? inputs[0];
}

/** What takes the noise level at each pixel, of a net that is told it. */
export function levelOf({ inputs }) {
  return inputs.find(({ name }) => name === "sigma");
}

function tasksOf({ inputs, outputs }) {
  const names = (tensors) =>
    tensors
      .map((tensor) => tensor.name)
      .sort()
      .join("+");
  return SIGNATURES[`${names(inputs)}>${names(outputs)}`] ?? [];
}

function isKnown(signature) {
  return tasksOf(signature).length > 0;
}

function unknown(found) {
  const words = found.map(({ inputs, outputs }) => `${list(inputs)} to ${list(outputs)}`);
  const does = words.length ? `It computes ${words.join(", or ")}` : "It has no signature";
  const served = Object.keys(SIGNATURES).map((key) => key.replace(">", " to "));
  return new Trouble(
    `This TFLite file is none of the kinds that this page knows. ${does}; the page serves ${served.join(", ")}.`,
  );
}

function list(tensors) {
  return tensors.map((tensor) => `“${tensor.name}”`).join(" and ") || "nothing";
}

function dynamic(name, shape) {
  const sides = shape.map((side) => (side < 1 ? "any" : side)).join(" × ");
  return new Trouble(
    `This file leaves sizes open (its “${name}” is ${sides}), and browsers need them fixed. Choose the file of the same export whose name ends in _static.tflite.`,
  );
}

function only(files, ending) {
  const found = files.filter((file) => file.name.toLowerCase().endsWith(ending));
  if (found.length === 1) return found[0];
  const names = files.map((file) => file.name).join(", ") || "nothing";
  throw new Trouble(
    `One .tflite file and its export.json are needed, chosen together; ${names} came.`,
  );
}

async function readManifest(file) {
  const manifest = await new Response(file).json().catch(() => null);
  if (manifest?.name && manifest.task && manifest.files) return manifest;
  throw new Trouble(`${file.name} is not the export.json that “zoo export” writes.`);
}

async function refuseOther(bytes, name, manifest) {
  const mine = Object.entries(manifest.files).find(([path]) => path.split("/").pop() === name);
  if (!mine)
    throw new Trouble(`export.json does not list ${name}: choose the files of one export.`);
  await refuseChanged(bytes, mine[1].sha256, name);
}

async function refuseChanged(bytes, expected, name) {
  if (!crypto.subtle) return; // a page that did not come from localhost or over https has none
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const actual = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (actual === expected) return;
  const short = (text) => `${text.slice(0, 12)}…`;
  throw new Trouble(
    `${name} was changed: its SHA-256 is ${short(actual)}, ${short(expected)} was expected. Export, or build the site, again.`,
  );
}

function signatureTask(signature, { name, task }) {
  if (tasksOf(signature).includes(task)) return { name, task };
  throw new Trouble(
    `export.json says that ${name} is for “${task}”, which is not what the file computes.`,
  );
}

function degradation(text) {
  const [kind, strengths] = text.split(":");
  const [low, high = low] = strengths.split("-").map(Number);
  return { kind, low, high };
}

function isFree({ artifacts = {} }) {
  return Object.values(artifacts).some(({ inputs }) => inputs?.[0]?.shape?.[1] === null);
}

/** Exports of older versions do not say how far a net looks. */
function geometry({ receptive_radius, border = 0, luma = false }, task, shape) {
  if (receptive_radius !== undefined || ["classify", "generate", "autoencode"].includes(task)) {
    return { receptive_radius: receptive_radius ?? 0, border, luma };
  }
  const note =
    "Its export.json does not say how far the net looks, nor whether it takes luma: seams may show, and colour goes channel by channel. Export it again with a current zoo.";
  return { receptive_radius: Math.floor(shape[1] / UNSAID_REACH_SHARE), border, luma, note };
}

/**
 * A file of this site.
 * @param {string} path
 * @returns {Promise<Response>}
 * @throws {Trouble}
 */
export async function fetched(path) {
  const response = await fetch(path).catch(() => null);
  if (response?.ok) return response;
  const why = response ? `the server said ${response.status}` : "the server does not answer";
  throw new Trouble(`${path} could not be loaded: ${why}. Reload the page.`);
}

// Resizing as Python does it: Keys' cubic with mirrored borders, and the antialiased bilinear.
import { Trouble } from "./errors.js";

/** How many pixels away the cubic looks at most, in a picture that it enlarges. */
export const CUBIC_REACH = 2;

/** @typedef {{at: number[], weights: number[]}[]} Taps for each new pixel, of which old ones */

/**
 * Bicubic enlargement of a picture by a whole factor.
 * @param {import("./pixels.js").Picture} picture
 * @param {number} factor
 */
export function enlarged(picture, factor) {
  if (factor === 1) return picture;
  refuseSmaller(picture, CUBIC_REACH);
  const larger = resampled(picture, (side) => cubicEnlarging(side, factor));
  if (picture.alpha) larger.alpha = repeated(picture, factor);
  return larger;
}

/**
 * Antialiased bicubic reduction; what the factor does not divide is cut off at right and below.
 * @param {import("./pixels.js").Picture} picture
 * @param {number} factor
 */
export function reduced(picture, factor) {
  refuseSmaller(picture, 2 * factor);
  const smaller = resampled(picture, (side) => cubicReducing(side - (side % factor), factor));
  delete smaller.alpha;
  return smaller;
}

/**
 * Antialiased bilinear resizing to any size.
 * @param {import("./pixels.js").Picture} picture
 * @param {number} width
 * @param {number} height
 */
export function fitted(picture, width, height) {
  const { alpha, ...rest } = picture;
  return resampled(rest, (old, horizontal) => triangle(old, horizontal ? width : height));
}

function resampled(picture, tapsOf) {
  const across = tapsOf(picture.width, true);
  const down = tapsOf(picture.height, false);
  const planes = picture.planes.map((plane) => resampledPlane(plane, picture.width, across, down));
  return { ...picture, width: across.length, height: down.length, planes };
}

function resampledPlane(plane, width, across, down) {
  const height = plane.length / width;
  const wide = new Float64Array(across.length * height);
  for (let y = 0; y < height; y++) {
    across.forEach((taps, x) => (wide[y * across.length + x] = weighed(plane, y * width, 1, taps)));
  }
  const result = new Float32Array(across.length * down.length);
  down.forEach((taps, y) => {
    for (let x = 0; x < across.length; x++) {
      result[y * across.length + x] = weighed(wide, x, across.length, taps);
    }
  });
  return result;
}

function weighed(values, start, stride, { at, weights }) {
  let sum = 0;
  for (let k = 0; k < at.length; k++) sum += values[start + stride * at[k]] * weights[k];
  return sum;
}

/** @returns {Taps} */
function cubicEnlarging(side, factor) {
  return Array.from({ length: side * factor }, (_, i) => {
    const shift = ((i % factor) + 0.5) / factor - 0.5;
    return taps(side, Math.floor(i / factor), -2, 2, (offset) => cubic(offset - shift));
  });
}

/** @returns {Taps} */
function cubicReducing(side, factor) {
  const centre = (factor - 1) / 2;
  const first = Math.ceil(centre - 2 * factor);
  const last = Math.floor(centre + 2 * factor);
  return Array.from({ length: side / factor }, (_, i) =>
    normalised(taps(side, i * factor, first, last, (offset) => cubic((offset - centre) / factor))),
  );
}

/** @returns {Taps} */
function triangle(old, side) {
  const step = old / side;
  const radius = Math.max(step, 1);
  return Array.from({ length: side }, (_, i) => {
    const centre = (i + 0.5) * step - 0.5;
    const first = Math.max(Math.ceil(centre - radius), 0);
    const last = Math.min(Math.floor(centre + radius), old - 1);
    return normalised(
      taps(old, 0, first, last, (at) => Math.max(1 - Math.abs(at - centre) / radius, 0)),
    );
  });
}

function taps(side, middle, first, last, weight) {
  const offsets = Array.from({ length: last - first + 1 }, (_, k) => first + k);
  return {
    at: offsets.map((offset) => mirrored(middle + offset, side)),
    weights: offsets.map(weight),
  };
}

function normalised({ at, weights }) {
  const sum = weights.reduce((a, b) => a + b);
  return { at, weights: weights.map((weight) => weight / sum) };
}

function mirrored(at, side) {
  if (at < 0) return -1 - at;
  return at < side ? at : 2 * side - 1 - at;
}

/** Keys 1981, equation 4 with a = -1/2. */
function cubic(offset) {
  const x = Math.abs(offset);
  if (x <= 1) return (1.5 * x - 2.5) * x * x + 1;
  return x <= 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

function repeated({ alpha, width, height }, factor) {
  const wide = width * factor;
  return Float32Array.from({ length: wide * height * factor }, (_, i) => {
    const row = Math.floor(i / wide / factor);
    return alpha[row * width + Math.floor((i % wide) / factor)];
  });
}

function refuseSmaller({ width, height }, least) {
  if (Math.min(width, height) >= least) return;
  throw new Trouble(
    `A picture of ${width} × ${height} pixels is too small: each side must have at least ${least}.`,
  );
}

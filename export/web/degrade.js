// What is done to a clean photograph first, so that one sees what a net undoes.
import { decode, encode, toImageData } from "./pixels.js";
import { reduced } from "./resize.js";

/**
 * White Gaussian noise, not clipped, the same for the same seed.
 * @param {import("./pixels.js").Picture} picture
 * @param {number} sigma in grey levels of 0..255
 * @param {number} seed
 */
export function noisy(picture, sigma, seed = 1) {
  const normal = normals(seed);
  const planes = picture.planes.map((plane) =>
    plane.map((value) => value + (normal() * sigma) / 255),
  );
  return { ...picture, planes };
}

/**
 * One kind of damage.
 * @param {import("./pixels.js").Picture} picture
 * @param {"noise" | "bicubic" | "jpeg"} kind
 * @param {number} strength sigma, factor or quality
 * @returns {Promise<import("./pixels.js").Picture>}
 */
export async function damaged(picture, kind, strength) {
  if (kind === "noise") return noisy(picture, strength);
  if (kind === "bicubic") return reduced(picture, strength);
  return decode(await encode(picture, "image/jpeg", strength / 100));
}

/**
 * Peak signal-to-noise ratio of two pictures, rounded to 8 bits, over all pixels and channels.
 * @returns {number} in dB
 */
export function psnr(one, other) {
  const [a, b] = [toImageData(one).data, toImageData(other).data];
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += i % 4 === 3 ? 0 : (a[i] - b[i]) ** 2;
  return 10 * Math.log10((255 ** 2 * a.length * 0.75) / sum);
}

/** Independent normal numbers (Box and Muller 1958) from a seed. */
export function normals(seed) {
  const uniform = uniforms(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Uniform numbers in [0, 1): a Weyl sequence through MurmurHash3's finaliser (Appleby). */
function uniforms(seed) {
  let state = Math.imul(seed, 0x9e3779b9);
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

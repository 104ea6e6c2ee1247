// Pictures as numbers: one plane a channel, float32 in [0, 1], as Python's pipeline computes.
import { Trouble } from "./errors.js";

/** As many pixels as the canvas of every current browser carries. */
export const MOST_PIXELS = 4096 * 4096;

/** ITU-R BT.601 luma. */
export const LUMA = [0.299, 0.587, 0.114];

// ITU-R BT.601, Y in 16..235 of 255, as 8-bit video has it.
const YCBCR = [
  [65.481, 128.553, 24.966],
  [-37.797, -74.203, 112.0],
  [112.0, -93.786, -18.214],
];
const YCBCR_BLACK = [16, 128, 128];
const RGB = inverse(YCBCR);

/**
 * @typedef {{width: number, height: number, planes: Float32Array[],
 *   layout: "grey" | "rgb" | "ycbcr", alpha?: Float32Array}} Picture
 * @typedef {{left: number, top: number, width: number, height: number}} Region
 */

/**
 * Decodes a picture file, turned as its EXIF data says.
 * @param {Blob} blob
 * @param {ImageBitmapOptions} [options]
 * @returns {Promise<Picture>}
 * @throws {Trouble} it is none that the browser can read, or too large
 */
export async function decode(blob, options = {}) {
  const bitmap = await createImageBitmap(blob, options).catch(() => {
    throw new Trouble(
      `${blob.name ?? "The file"} is not a picture that this browser can read. Choose a PNG, JPEG or WebP file.`,
    );
  });
  refuseLarge(bitmap.width, bitmap.height, "The picture");
  const context = canvasOf(bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return fromImageData(context.getImageData(0, 0, context.canvas.width, context.canvas.height));
}

/** Throws Trouble where a picture has more pixels than a canvas can carry. */
export function refuseLarge(width, height, what) {
  if (width * height <= MOST_PIXELS) return;
  const millions = (count) => `${(count / 1e6).toFixed(1)} million`;
  throw new Trouble(
    `${what} is too large: ${width} × ${height} is ${millions(width * height)} pixels, and browsers carry ${millions(MOST_PIXELS)}. Choose a smaller one, or a part of it.`,
  );
}

/**
 * 8-bit RGBA to planes. A picture without any colour is grey: one plane.
 * @param {ImageData} image
 * @returns {Picture}
 */
export function fromImageData({ width, height, data }) {
  const plane = (channel) => {
    const values = new Float32Array(width * height);
    for (let i = 0; i < values.length; i++) values[i] = data[4 * i + channel] / 255;
    return values;
  };
  const grey = isGrey(data);
  const picture = { width, height, layout: grey ? "grey" : "rgb" };
  picture.planes = (grey ? [0] : [0, 1, 2]).map(plane);
  if (!isOpaque(data)) picture.alpha = plane(3);
  return picture;
}

/**
 * A picture, or a region of it, as 8-bit RGBA.
 * @param {Picture} picture
 * @param {Region} [region]
 * @returns {ImageData}
 */
export function toImageData(picture, region = whole(picture)) {
  const image = new ImageData(region.width, region.height);
  const colour = COLOURS[picture.layout];
  let to = 0;
  for (let y = region.top; y < region.top + region.height; y++) {
    for (let x = region.left; x < region.left + region.width; x++, to += 4) {
      const from = y * picture.width + x;
      const rgb = colour(picture.planes, from);
      // This array clips, and rounds to the nearest, halves to even: as NumPy's rint.
      for (let channel = 0; channel < 3; channel++) image.data[to + channel] = rgb[channel] * 255;
      image.data[to + 3] = (picture.alpha?.[from] ?? 1) * 255;
    }
  }
  return image;
}

const COLOURS = {
  grey: ([grey], i) => [grey[i], grey[i], grey[i]],
  rgb: ([red, green, blue], i) => [red[i], green[i], blue[i]],
  ycbcr: (planes, i) => {
    const shifted = planes.map((plane, k) => plane[i] * 255 - YCBCR_BLACK[k]);
    return RGB.map((row) => dot(row, shifted));
  },
};

/**
 * A picture without alpha: this grey, in [0, 1], shows where it is transparent.
 * @param {Picture} picture
 * @param {number} background
 * @returns {Picture}
 */
export function over({ alpha, ...picture }, background) {
  if (!alpha) return picture;
  const planes = picture.planes.map((plane) =>
    plane.map((value, i) => value * alpha[i] + background * (1 - alpha[i])),
  );
  return { ...picture, planes };
}

/**
 * Colour to luma and chroma; grey becomes luma alone.
 * @param {Picture} picture
 * @returns {Picture}
 */
export function toYcbcr(picture) {
  const size = picture.width * picture.height;
  const planes = YCBCR.map(() => new Float32Array(size));
  for (let i = 0; i < size; i++) {
    const rgb = picture.planes.map((plane) => plane[i]);
    YCBCR.forEach((row, k) => (planes[k][i] = (dot(row, rgb) + YCBCR_BLACK[k]) / 255));
  }
  return { ...picture, planes, layout: "ycbcr" };
}

/**
 * A part cut out of a picture.
 * @param {Picture} picture
 * @param {Region} region
 * @returns {Picture}
 */
export function cut(picture, { left, top, width, height }) {
  const part = (plane) => {
    const result = new Float32Array(width * height);
    for (let y = 0; y < height; y++) {
      const start = (top + y) * picture.width + left;
      result.set(plane.subarray(start, start + width), y * width);
    }
    return result;
  };
  const planes = picture.planes.map(part);
  return { ...picture, width, height, planes, alpha: picture.alpha && part(picture.alpha) };
}

/**
 * The picture with sides that are multiples of a number: mirrored at its right and lower end.
 * @param {Picture} picture
 * @param {number} multiple
 * @returns {Picture}
 */
export function toMultiple(picture, multiple) {
  const [width, height] = [picture.width, picture.height].map(
    (side) => Math.ceil(side / multiple) * multiple,
  );
  if (width === picture.width && height === picture.height) return picture;
  const mirrored = (place, side) => (place < side ? place : 2 * side - 1 - place);
  const larger = (plane) => {
    const result = new Float32Array(width * height);
    for (let y = 0, to = 0; y < height; y++) {
      const line = mirrored(y, picture.height) * picture.width;
      for (let x = 0; x < width; x++, to++) result[to] = plane[line + mirrored(x, picture.width)];
    }
    return result;
  };
  const planes = picture.planes.map(larger);
  return { ...picture, width, height, planes, alpha: picture.alpha && larger(picture.alpha) };
}

/** The region at a picture's middle, of at most this size. */
export function middle(picture, width, height) {
  const size = { width: Math.min(width, picture.width), height: Math.min(height, picture.height) };
  const left = Math.floor((picture.width - size.width) / 2);
  return { ...size, left, top: Math.floor((picture.height - size.height) / 2) };
}

/** All of a picture, as a region. */
export function whole({ width, height }) {
  return { left: 0, top: 0, width, height };
}

/**
 * The 2D context of a new canvas.
 * @param {number} width
 * @param {number} height
 */
export function canvasOf(width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  return canvas.getContext("2d", { willReadFrequently: true });
}

/** Shows a picture in a canvas, which takes its size. */
export function draw(picture, canvas) {
  Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d").putImageData(toImageData(picture), 0, 0);
}

/**
 * A picture as a file.
 * @param {Picture} picture
 * @param {string} type
 * @param {number} [quality] of 0 to 1
 * @returns {Promise<Blob>}
 */
export function encode(picture, type = "image/png", quality = undefined) {
  const { canvas } = canvasOf(1, 1);
  draw(picture, canvas);
  return new Promise((resolve, reject) => {
    const done = (blob) =>
      blob ? resolve(blob) : reject(new Trouble("The browser could not write the picture."));
    canvas.toBlob(done, type, quality);
  });
}

function isGrey(data) {
  for (let i = 0; i < data.length; i += 4) {
    if (data[i] !== data[i + 1] || data[i] !== data[i + 2]) return false;
  }
  return true;
}

function isOpaque(data) {
  for (let i = 3; i < data.length; i += 4) if (data[i] < 255) return false;
  return true;
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function inverse([a, b, c]) {
  const cross = (u, v) => [
    u[1] * v[2] - u[2] * v[1],
    u[2] * v[0] - u[0] * v[2],
    u[0] * v[1] - u[1] * v[0],
  ];
  const columns = [cross(b, c), cross(c, a), cross(a, b)];
  const volume = dot(a, columns[0]);
  return [0, 1, 2].map((row) => columns.map((column) => column[row] / volume));
}

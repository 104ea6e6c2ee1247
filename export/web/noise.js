// How strong a picture's noise is, estimated as zoo/images/noise.py does it, which says why so.
const LEAST = 20;
const DETAIL = [
  -0.12940952255092145, -0.22414386804185735, 0.836516303737469, -0.48296291314469025,
];
const BLOCK = 8;
const FLATTEST = [0.1, 0.25];
const SPREAD = 1.2;
const BIAS = 0.9;
const ENOUGH = 64;
const CLIPPED = 0.02;
const [EVEN, TEXTURE, STRONG, HARDLY] = [1.09, 2, 15, 2];
const [RETURNS, UNEVEN] = [1.25, 2];
const [CAMERA, SMOOTHED] = [3, 1];

/**
 * The standard deviation of a picture's noise.
 * @param {import("./pixels.js").Picture} picture grey or colour
 * @param {boolean} white whether it is for a net that takes white noise away, not a camera's
 * @returns {number | undefined} in grey levels; undefined of a picture that is too small
 */
export function estimated(picture, white) {
  if (Math.min(picture.width, picture.height) < LEAST) return undefined;
  const { full, spread, half, returns } = bySize(picture);
  const found = Math.max(withoutTexture(full, spread), half);
  const sigma = found < HARDLY ? 0 : found;
  const smoothed = full < SMOOTHED || returns;
  return smoothed && !white ? Math.max(sigma, CAMERA) : sigma;
}

/** What its noise shows as it is and in half its size, and whether there is more there. */
function bySize(picture) {
  const [full, spread] = flattest(picture);
  if (Math.min(picture.width, picture.height) < 2 * LEAST) {
    return { full, spread, half: 0, returns: false };
  }
  const [half, uneven] = flattest(halved(picture));
  const returns = half > RETURNS * full && uneven < UNEVEN;
  return { full, spread, half: uneven < SPREAD ? 2 * half : 0, returns };
}

function withoutTexture(sigma, spread) {
  if (spread === Infinity) return sigma; // too few blocks to tell
  const share = TEXTURE * Math.max(1 - sigma / STRONG, 0);
  return sigma * Math.max(1 - share * Math.max(spread / EVEN - 1, 0), 0);
}

/** The noise of the flattest blocks, and how much more the less flat ones have. */
function flattest({ width, height, planes }) {
  const blocks = planes.map((plane) => blocksOf(plane, width, height));
  const mean = (share) =>
    blocks.reduce((sum, { seen }) => sum + quantile(seen, share), 0) / planes.length;
  const [least, more] = FLATTEST.map(mean);
  const told = least > 0 && blocks[0].count >= ENOUGH;
  return [(255 * least) / BIAS, told ? more / least : Infinity];
}

/** The detail of each block that is not so dark or bright that noise is cut off, sorted. */
function blocksOf(plane, width, height) {
  const [rows, columns] = [height, width].map((side) => Math.floor(Math.ceil((side - 3) / 2) / BLOCK));
  const [all, seen] = [[], []];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const { energy, brightness } = block(plane, width, row, column);
      all.push(energy);
      if (brightness > CLIPPED && brightness < 1 - CLIPPED) seen.push(energy);
    }
  }
  const used = seen.length ? seen : all;
  return { seen: used.sort((a, b) => a - b), count: all.length };
}

function block(plane, width, row, column) {
  let [squares, brightness] = [0, 0];
  for (let i = row * BLOCK; i < (row + 1) * BLOCK; i++) {
    for (let j = column * BLOCK; j < (column + 1) * BLOCK; j++) {
      const start = 2 * i * width + 2 * j;
      squares += detail(plane, width, start) ** 2;
      brightness += plane[start + width + 1];
    }
  }
  return { energy: Math.sqrt(squares) / BLOCK, brightness: brightness / BLOCK ** 2 };
}

function detail(plane, width, start) {
  let sum = 0;
  for (let y = 0; y < DETAIL.length; y++) {
    let line = 0;
    for (let x = 0; x < DETAIL.length; x++) line += DETAIL[x] * plane[start + y * width + x];
    sum += DETAIL[y] * line;
  }
  return sum;
}

/** Of sorted numbers, between the two that are nearest. */
function quantile(sorted, share) {
  const place = share * (sorted.length - 1);
  const [low, high] = [Math.floor(place), Math.ceil(place)];
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

/** The means of squares of two by two pixels. */
function halved({ width: whole, planes, height: tall }) {
  const [width, height] = [whole, tall].map((side) => Math.floor(side / 2));
  const smaller = (plane) => {
    const result = new Float32Array(width * height);
    for (let y = 0, to = 0; y < height; y++) {
      for (let x = 0; x < width; x++, to++) {
        const at = 2 * y * whole + 2 * x;
        const [above, below] = [plane[at] + plane[at + 1], plane[at + whole] + plane[at + whole + 1]];
        result[to] = (above + below) / 4;
      }
    }
    return result;
  };
  return { width, height, planes: planes.map(smaller) };
}

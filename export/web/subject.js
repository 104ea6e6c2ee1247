// A subject on black, cut out and centred as data sets of small pictures do it.

const VISIBLE = 0.1;
const DIGIT_SHARE = 20 / 28; // of MNIST's frame: the longer side of a digit

/**
 * A square picture with the subject in its middle: garments fill it, digits are framed and hang by
 * their centre of mass, as in MNIST.
 * @param {import("./pixels.js").Picture} picture
 * @param {boolean} digit
 */
export function framed(picture, digit) {
  const box = bounds(picture);
  if (!box) return picture;
  const side = Math.ceil(Math.max(box.width, box.height) / (digit ? DIGIT_SHARE : 1));
  const [x, y] = digit ? mass(picture, box) : [box.left + box.width / 2, box.top + box.height / 2];
  const [left, top] = [Math.round(x - side / 2), Math.round(y - side / 2)];
  const planes = picture.planes.map((plane) => window(plane, picture, left, top, side));
  return { ...picture, width: side, height: side, planes };
}

function bounds({ planes, width, height }) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  planes[0].forEach((_, i) => {
    if (planes.every((plane) => plane[i] < VISIBLE)) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, top] = [Math.min(left, x), Math.min(top, y)];
    [right, bottom] = [Math.max(right, x), Math.max(bottom, y)];
  });
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

function mass({ planes: [plane], width }, box) {
  let [sum, x, y] = [0, 0, 0];
  for (let row = box.top; row < box.top + box.height; row++) {
    for (let column = box.left; column < box.left + box.width; column++) {
      const value = plane[row * width + column];
      sum += value;
      x += value * (column + 0.5);
      y += value * (row + 0.5);
    }
  }
  return [x / sum, y / sum];
}

function window(plane, { width, height }, left, top, side) {
  const result = new Float32Array(side * side);
  for (let y = Math.max(0, -top); y < Math.min(side, height - top); y++) {
    for (let x = Math.max(0, -left); x < Math.min(side, width - left); x++) {
      result[y * side + x] = plane[(top + y) * width + left + x];
    }
  }
  return result;
}

// Pictures of any size through a net for one size: the same numbers as from the whole picture.
import { Cancelled, Trouble } from "./errors.js";

/** @typedef {{start: number, from: number, to: number}} Span where a tile starts; what of it is kept */

/**
 * Cuts a side into tiles of one length that overlap by at least twice `overlap`. The first begins
 * and the last ends with the side, so that the net's own border treatment acts there, and only
 * there: what is kept of a tile lies `overlap` away from its other borders.
 * @param {number} side
 * @param {number} most the greatest length of a tile
 * @param {number} overlap how far an input pixel acts
 * @param {number} multiple of which the side is one, and all tiles begin at such and are so long
 * @returns {{length: number, spans: Span[]}}
 * @throws {Trouble} no tile of this length has a middle
 */
export function plan(side, most, overlap, multiple = 1) {
  if (multiple > 1) {
    const units = [side / multiple, Math.floor(most / multiple), Math.ceil(overlap / multiple)];
    const { length, spans } = plan(...units);
    const times = ({ start, from, to }) => ({
      start: start * multiple,
      from: from * multiple,
      to: to * multiple,
    });
    return { length: length * multiple, spans: spans.map(times) };
  }
  if (side <= most) return { length: side, spans: [{ start: 0, from: 0, to: side }] };
  if (most <= 2 * overlap) {
    throw new Trouble(
      `This net looks ${overlap} pixels far, which leaves nothing of tiles of ${most}. Export it with a larger size.`,
    );
  }
  const count = Math.ceil((side - 2 * overlap) / (most - 2 * overlap));
  const length = Math.ceil((side + 2 * overlap * (count - 1)) / count);
  const starts = Array.from({ length: count }, (_, i) =>
    Math.round((i * (side - length)) / (count - 1)),
  );
  const cuts = [0, ...starts.slice(1).map((start) => start + overlap), side];
  return { length, spans: starts.map((start, i) => ({ start, from: cuts[i], to: cuts[i + 1] })) };
}

/**
 * How far apart tiles must keep from each other's borders, in pixels of the input.
 * @param {number} reach of the net, in pixels of its output
 * @param {number} scale by how much the file enlarges, bicubic first
 * @param {number} cubicReach of that bicubic
 */
export function overlapOf(reach, scale, cubicReach) {
  return scale === 1 ? reach : Math.ceil(reach / scale) + cubicReach;
}

/**
 * Runs a net over planes, tile by tile.
 * @param {(values: Float32Array, shape: number[]) => Promise<Float32Array>} run
 *   `[1, h, w, c]` to `[1, h * scale, w * scale, c]`
 * @param {Float32Array[][]} groups planes that go through the net together
 * @param {{width: number, height: number, most: number, overlap: number, scale: number,
 *   multiple: number}} size
 * @param {Float32Array[][]} results like `groups`, enlarged by `scale`; they are filled
 * @param {AbortSignal} signal
 * @param {(region: import("./pixels.js").Region, done: number, total: number) => void} onTile
 * @throws {Cancelled}
 */
export async function tiled(run, groups, size, results, signal, onTile) {
  const across = plan(size.width, size.most, size.overlap, size.multiple);
  const down = plan(size.height, size.most, size.overlap, size.multiple);
  const total = across.spans.length * down.spans.length;
  const shape = [1, down.length, across.length];
  let done = 0;
  for (const y of down.spans) {
    for (const x of across.spans) {
      for (const [index, planes] of groups.entries()) {
        if (signal.aborted) throw new Cancelled();
        const values = gathered(planes, size.width, x.start, y.start, across.length, down.length);
        const result = await run(values, [...shape, planes.length]);
        scatter(result, results[index], x, y, across.length, size.width, size.scale);
      }
      if (signal.aborted) throw new Cancelled();
      onTile(regionOf(x, y, size.scale), ++done, total);
    }
  }
}

function gathered(planes, width, left, top, across, down) {
  const values = new Float32Array(down * across * planes.length);
  planes.forEach((plane, channel) => {
    for (let y = 0; y < down; y++) {
      const from = (top + y) * width + left;
      const to = y * across * planes.length + channel;
      for (let x = 0; x < across; x++) values[to + x * planes.length] = plane[from + x];
    }
  });
  return values;
}

function scatter(values, planes, x, y, across, width, scale) {
  planes.forEach((plane, channel) => {
    for (let row = y.from * scale; row < y.to * scale; row++) {
      const line = (row - y.start * scale) * across * scale - x.start * scale;
      for (let column = x.from * scale; column < x.to * scale; column++) {
        plane[row * width * scale + column] = values[(line + column) * planes.length + channel];
      }
    }
  });
}

function regionOf(x, y, scale) {
  const [left, top] = [x.from * scale, y.from * scale];
  return { left, top, width: x.to * scale - left, height: y.to * scale - top };
}

// A picture through a net that restores or enlarges, colour and all, as Python's pipeline does it.
import { Trouble } from "./errors.js";
import { cut, refuseLarge, toMultiple, toYcbcr, whole } from "./pixels.js";
import { CUBIC_REACH, enlarged } from "./resize.js";
import { overlapOf, tiled } from "./tiling.js";

/**
 * Restores a picture. A grey net takes the luma of colour pictures, or each channel by itself; a
 * colour net takes grey for colour, and gives back the mean.
 * @param {import("./net.js").Net} net
 * @param {import("./pixels.js").Picture} picture
 * @param {number} scale one of the model's
 * @param {number} sigma the noise level in grey levels, of a net that is told it
 * @param {AbortSignal} signal
 * @param {(picture: import("./pixels.js").Picture, region: import("./pixels.js").Region,
 *   done: number, total: number) => void} onTile the result so far; where it is new
 * @returns {Promise<import("./pixels.js").Picture>}
 * @throws {Trouble}
 */
export async function restored(net, picture, scale, sigma, signal, onTile) {
  const { model } = net;
  const inFile = model.scale;
  refuseLarge(picture.width * scale, picture.height * scale, "The result");
  // What the file does not enlarge itself is enlarged before it.
  const came = enlarged(picture, scale / inFile);
  refuseSmall(came, model);
  const given = toMultiple(came, model.multiple);
  const { groups, results, result } = arranged(net, given);
  const overlap = overlapOf(model.receptive_radius, inFile, CUBIC_REACH);
  const most = Math.min(net.shape[1], net.shape[2]);
  if (net.level && sigma === 0) return clean(picture, onTile);
  const { width, height } = given;
  const size = { width, height, most, overlap, scale: inFile, multiple: model.multiple };
  const run = (values, shape) => net.run(values, shape, sigma);
  const end = { left: 0, top: 0, width: picture.width * scale, height: picture.height * scale };
  await tiled(run, groups, size, results, signal, (region, done, total) => {
    result.finish?.(region);
    onTile(result.picture, within(region, end), done, total);
  });
  return given === came ? result.picture : cut(result.picture, end);
}

/** What has no noise comes back as it is. */
function clean(picture, onTile) {
  onTile(picture, whole(picture), 1, 1);
  return picture;
}

/** A region without what the picture does not have, but was given to fill the last tile. */
function within({ left, top, width, height }, end) {
  return {
    ...{ left, top },
    ...{ width: Math.min(width, end.width - left), height: Math.min(height, end.height - top) },
  };
}

/** Which planes go through the net together, and the picture that the results make. */
function arranged(net, given) {
  const channels = net.shape[3];
  const { luma, scale } = net.model;
  const size = { width: given.width * scale, height: given.height * scale };
  const empty = () => new Float32Array(size.width * size.height);
  const alpha = given.alpha && enlarged({ ...given, planes: [] }, scale).alpha;
  const made = (planes, layout) => ({ picture: { ...size, planes, layout, alpha } });
  const came = given.planes.length;
  if (came === channels) {
    const planes = given.planes.map(empty);
    return { groups: [given.planes], results: [planes], result: made(planes, given.layout) };
  }
  if (came === 1) return greyAsColour(given, channels, size.width, empty, made);
  if (luma) return lumaAlone(toYcbcr(given), scale, empty, made);
  const planes = given.planes.map(empty);
  const alone = (all) => all.map((plane) => [plane]);
  return { groups: alone(given.planes), results: alone(planes), result: made(planes, "rgb") };
}

function greyAsColour(given, channels, stride, empty, made) {
  const planes = Array.from({ length: channels }, empty);
  const mean = empty();
  const finish = ({ left, top, width, height }) => {
    for (let y = top; y < top + height; y++) {
      const start = y * stride + left;
      for (let i = start; i < start + width; i++) {
        mean[i] = planes.reduce((sum, plane) => sum + plane[i], 0) / channels;
      }
    }
  };
  const groups = [Array.from({ length: channels }, () => given.planes[0])];
  return { groups, results: [planes], result: { ...made([mean], "grey"), finish } };
}

function lumaAlone(ycbcr, scale, empty, made) {
  const [luma, ...chroma] = ycbcr.planes;
  const larger = enlarged({ ...ycbcr, planes: chroma, alpha: undefined }, scale).planes;
  const planes = [empty(), ...larger];
  return { groups: [[luma]], results: [[planes[0]]], result: made(planes, "ycbcr") };
}

function refuseSmall({ width, height }, { name, border, scale }) {
  const least = Math.max(Math.ceil(border / scale), scale === 1 ? 1 : CUBIC_REACH);
  if (Math.min(width, height) >= least) return;
  throw new Trouble(
    `${name} needs pictures of at least ${least} × ${least} pixels; ${width} × ${height} came.`,
  );
}

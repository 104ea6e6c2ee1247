// Just enough of TFLite's FlatBuffer schema to know what a file takes and gives before it is run.
import { Trouble } from "./errors.js";

const MODEL = { subgraphs: 2, signatures: 7 };
const SUBGRAPH = { tensors: 0 };
const TENSOR = { shape: 0, type: 1, shapeSignature: 7 };
const SIGNATURE = { inputs: 0, outputs: 1, key: 2, subgraph: 4 };
const TENSOR_MAP = { name: 0, tensor: 1 };
const TYPES = { 0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 9: "int8" };

/**
 * @typedef {{name: string, shape: number[], type: string, shapeAt: number[]}} Tensor
 *   -1 in `shape` is a side that the file leaves open; `shapeAt` is where its numbers stand.
 * @typedef {{key: string, inputs: Tensor[], outputs: Tensor[]}} Signature
 */

/**
 * Reads the signatures of a TFLite file.
 * @param {Uint8Array} bytes
 * @returns {Signature[]}
 * @throws {Trouble} it is no TFLite file, or was cut short
 */
export function signatures(bytes) {
  const identifier = String.fromCharCode(...bytes.subarray(4, 8));
  if (identifier !== "TFL3") {
    throw new Trouble("This is not a TFLite file: its bytes do not begin as one's do.");
  }
  try {
    return new Reader(bytes).signatures();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Trouble("This TFLite file is damaged or was cut short: fetch it again.");
  }
}

/**
 * The same file for pictures of another size: the runtime works out all shapes between.
 * @param {Uint8Array} bytes
 * @param {[Tensor, number[]][]} shapes what each tensor's shape is to be
 * @returns {Uint8Array}
 */
export function reshaped(bytes, shapes) {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const [tensor, shape] of shapes) {
    for (const start of tensor.shapeAt) {
      shape.forEach((side, axis) => view.setInt32(start + 4 * axis, side, true));
    }
  }
  return copy;
}

class Reader {
  constructor(bytes) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.model = this.follow(0);
  }

  signatures() {
    const subgraphs = this.tables(this.model, MODEL.subgraphs);
    return this.tables(this.model, MODEL.signatures).map((signature) => {
      const tensors = this.tables(
        subgraphs[this.uint(signature, SIGNATURE.subgraph)],
        SUBGRAPH.tensors,
      );
      const named = (field) =>
        this.tables(signature, field).map((map) => this.tensor(map, tensors));
      const inputs = named(SIGNATURE.inputs);
      return {
        key: this.text(signature, SIGNATURE.key),
        inputs,
        outputs: named(SIGNATURE.outputs),
      };
    });
  }

  tensor(map, tensors) {
    const table = tensors[this.uint(map, TENSOR_MAP.tensor)];
    const vectors = [TENSOR.shape, TENSOR.shapeSignature].map((field) => this.vector(table, field));
    const [shape, open] = vectors.map(({ start, count }) =>
      Array.from({ length: count }, (_, i) => this.view.getInt32(start + 4 * i, true)),
    );
    const at = this.field(table, TENSOR.type);
    const code = at ? this.view.getInt8(at) : 0;
    return {
      name: this.text(map, TENSOR_MAP.name),
      shape: open.length ? open : shape,
      type: TYPES[code] ?? `type ${code}`,
      shapeAt: vectors.filter((vector) => vector.count).map((vector) => vector.start),
    };
  }

  /** Where a table's field stands; 0 where the table has none. */
  field(table, number) {
    const vtable = table - this.view.getInt32(table, true);
    const slot = 4 + 2 * number;
    const offset =
      slot < this.view.getUint16(vtable, true) ? this.view.getUint16(vtable + slot, true) : 0;
    return offset && table + offset;
  }

  follow(at) {
    return at + this.view.getUint32(at, true);
  }

  uint(table, number) {
    const at = this.field(table, number);
    return at && this.view.getUint32(at, true);
  }

  vector(table, number) {
    const at = this.field(table, number);
    if (!at) return { start: 0, count: 0 };
    const vector = this.follow(at);
    return { start: vector + 4, count: this.view.getUint32(vector, true) };
  }

  tables(table, number) {
    const { start, count } = this.vector(table, number);
    if (count > this.view.byteLength) throw new RangeError("more tables than bytes");
    return Array.from({ length: count }, (_, i) => this.follow(start + 4 * i));
  }

  text(table, number) {
    const { start, count } = this.vector(table, number);
    return new TextDecoder().decode(
      new Uint8Array(this.view.buffer, this.view.byteOffset + start, count),
    );
  }
}

// @ts-check
// Views out of little room: undoes what `src/packed.rs` did, where the form is described.
import { address, bytes, count, ms, name, us, withUpperBound } from "./figure.js";

/** @typedef {{ list: string, index: number[], shapes: string[][], shared: any[], frame: any, rows: any[] }} Packed */

/**
 * By kind, as in `src/packed.rs`.
 * @type {((from: string, value: any, error?: any) => any)[]}
 */
const FIGURES = [bytes, count, ms, us, name, address];

/**
 * All views.
 * @param {Packed} packed
 */
export const allUnpacked = (packed) => packed.rows.map((_, position) => unpacked(packed, position));

/**
 * The view at `position`.
 * @param {Packed} packed
 * @param {number} position
 */
export function unpacked(packed, position) {
  const base = `${packed.list}/${packed.index[position] ?? position}`;
  /** @param {string} from */
  const pointer = (from) => from.replaceAll("\t", `${base}/`);
  /** @param {any} value @returns {any} */
  function value(value) {
    if (!Array.isArray(value)) return value;
    const [kind, ...rest] = value;
    if (kind >= 0 && rest.length === 0) return unshared(packed.shared[kind]);
    if (kind === -1) return rest.map(unshared);
    if (kind < -1) {
      const [from, number, error = null, bound = null] = rest;
      return withUpperBound(FIGURES[-2 - kind](pointer(unshared(from)), number, error), bound);
    }
    const names = packed.shapes[kind];
    return Object.fromEntries(rest.map((field, place) => {
      const plain = unshared(field);
      return [names[place], names[place] === "from" && typeof plain === "string" ? pointer(plain) : plain];
    }));
  }
  const unshared = value;
  const row = packed.rows[position];
  if (packed.frame === null) return value(row);
  let next = 0;
  /** @param {any} frame @returns {any} */
  const filled = (frame) => {
    if (Array.isArray(frame)) return frame.length === 1 ? frame : [frame[0], ...frame.slice(1).map(filled)];
    return frame !== null && typeof frame === "object" ? row[next++] : frame;
  };
  return value(filled(packed.frame));
}

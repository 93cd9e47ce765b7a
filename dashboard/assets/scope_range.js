// @ts-check
// Scopes in a range of time: what each held alone at the recording's moments, of which the last up to either end of the
// range stand for that end, and with all below where every scope is known. Pure functions, as in `scope_model.js`.
import { bytes, ms } from "./figure.js";

/** @typedef {import("./scope_model.js").ScopeModel} ScopeModel */
/** @typedef {import("./scope_model.js").Metric} Metric */
/** @typedef {[number, number]} Span two moments, by their places */

/**
 * null: there are no two moments.
 * @param {ScopeModel} model @param {import("./range.js").Range} range @returns {Span | null}
 */
export function spanOf({ data: { trends } }, { fromMs, toMs }) {
  /** @param {number} ms */
  const upTo = (ms) => (trends?.ms ?? []).filter((moment) => Number(moment) <= ms).length - 1;
  const [first, last] = [Math.max(0, upTo(fromMs)), upTo(toMs)];
  return first < last ? [first, last] : null;
}

/** @param {ScopeModel} model @param {number} moment */
export const momentFigure = ({ data }, moment) => ms(`/trend_ms/${moment}`, data.trends?.ms[moment] ?? null);

/**
 * Bytes of the scope alone; null: not on this page. The last of a row's numbers goes on to the end.
 * @param {ScopeModel} model @param {number} row @param {number} moment
 */
export function held({ data }, row, moment) {
  const trend = data.trends?.rows[row];
  return trend ? BigInt(trend[Math.min(moment, trend.length - 1)]) : null;
}

/**
 * What is not on this page may stand nowhere.
 * @param {ScopeModel} model @param {number} row @param {number} moment
 */
export function heldFigure(model, row, moment) {
  const value = held(model, row, moment);
  return bytes(value === null ? "" : `/scopes/${model.data.index[row]}/trend/${moment}`, value);
}

/**
 * The moment of the most bytes.
 * @param {(moment: number) => bigint | null} heldAt @param {Span} span
 */
export function highest(heldAt, [first, last]) {
  let most = first;
  for (let at = first; at <= last; at += 1) if ((heldAt(at) ?? 0) > (heldAt(most) ?? 0)) most = at;
  return most;
}

/**
 * Live bytes at a moment as a figure to choose; null: not every scope's are on this page.
 * @param {ScopeModel} model @param {number} moment @returns {Metric | null}
 */
export function metricAt(model, moment) {
  const { data } = model;
  if (!data.trends?.is_whole) return null;
  const alone = data.index.map((_, row) => held(model, row, moment) ?? 0n);
  const withBelow = [...alone];
  // A row's parent stands before it.
  for (let row = alone.length - 1; row > 0; row -= 1) withBelow[data.parent[row] ?? 0] += withBelow[row];
  const [exclusive, inclusive] = [alone, withBelow].map((values) => ({ values, errors: null, bounds: {} }));
  return { field: `trend/${moment}`, exclusive, inclusive, ofEachRow: true };
}

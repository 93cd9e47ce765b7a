// @ts-check
// Functions and who calls them: the scopes turned over. A function is all scopes of one full name, name, file and line; a
// chain of callers is all scopes of one function that the same functions called, up to so many of them. Chains are made when
// they are asked for, for of all paths from all functions there are too many.
//
// Pure functions of the data. What a chain has is summed over its scopes (`alike(…)`); scopes apart share no sample, so the
// error of a sum is the root of the sum of squares.
import { count } from "./figure.js";
import { exactAmount, exactSumOf, scopeFigure, scopePath, scopePointer, summedFigure } from "./scope_model.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("./scope_model.js").Metric} Metric */
/** @typedef {import("./scope_model.js").Part} Part */
/** @typedef {import("./scope_model.js").ScopeModel} ScopeModel */
/** @typedef {{ rows: number[], callers: number }} Chain scopes of one function, and of how many callers they share the functions */
/**
 * @typedef {object} Functions
 * @property {number[]} of the function of each row
 * @property {number[][]} rows of each function
 * @property {boolean[]} isInner whether a row is below another of its function
 */

/** What the first row is called, which stands for all functions. */
const ALL = "all functions";

/**
 * By what a model holds until it is renewed.
 * @type {WeakMap<object, Functions>}
 */
const known = new WeakMap();

/** @param {ScopeModel} model @returns {Functions} */
export function functionsOf({ data, own, parent }) {
  const before = known.get(own);
  if (before) return before;
  /** @type {Map<string, number>} */
  const numbers = new Map();
  /** @type {number[][]} */
  const rows = [];
  const of = data.index.map((_, row) => {
    const key = `${data.key[row]} ${data.name[row]} ${data.file[row]} ${data.line[row]}`;
    const number = numbers.get(key) ?? rows.push([]) - 1;
    numbers.set(key, number);
    rows[number].push(row);
    return number;
  });
  const isInner = of.map((number, row) => {
    // The only scope of its function has none above.
    for (let at = rows[number].length > 1 ? parent[row] : null; at !== null; at = parent[at]) if (of[at] === number) return true;
    return false;
  });
  const functions = { of, rows, isInner };
  known.set(own, functions);
  return functions;
}

/**
 * The scopes of `chain` that are not below another of it.
 * @param {ScopeModel} model @param {Chain} chain
 */
function outermost(model, { rows }) {
  const { isInner } = functionsOf(model);
  if (!rows.some((row) => isInner[row])) return rows;
  const all = new Set(rows);
  return rows.filter((row) => !isInner[row] || !scopePath(model, row).some((above) => above !== row && all.has(above)));
}

/**
 * @param {ScopeModel} model @param {Metric} metric @param {Chain} chain @param {Part} part
 */
export function chainPointer(model, metric, chain, part) {
  const pointer = scopePointer(model, metric, chain.rows[0], part);
  if (chain.rows.length === 1) return pointer;
  return `${part === "inclusive" ? "outermost" : "alike"}(${pointer}, ${chain.callers})`;
}

/** @param {ScopeModel} model @param {Chain} chain @param {Part} part */
const counted = (model, chain, part) => (part === "inclusive" ? outermost(model, chain) : chain.rows);

/**
 * What it has alone, over all its scopes, or with all below, nothing twice.
 * @param {ScopeModel} model @param {Metric} metric @param {Chain} chain @param {Part} part
 */
export const chainAmount = (model, metric, chain, part) => exactSumOf(model, metric, counted(model, chain, part), part);

/** @param {ScopeModel} model @param {Metric} metric @param {Chain} chain @param {Part} part @returns {Figure} */
export function chainFigure(model, metric, chain, part) {
  const [first] = chain.rows;
  if (chain.rows.length === 1) return scopeFigure(model, metric, first, part);
  const from = chainPointer(model, metric, chain, part);
  const errorFrom = `hypot_${from.replace(/(, \d+\))$/, "_error$1")}`;
  return summedFigure(model, metric, counted(model, chain, part), part, from, errorFrom);
}

/** @param {ScopeModel} model @param {Chain} chain @returns {Figure} */
export function chainCalls({ data }, { rows, callers }) {
  const calls = rows.reduce((sum, row) => sum + BigInt(data.calls[row]), 0n);
  const pointer = `/scopes/${data.index[rows[0]]}/calls`;
  return count(rows.length === 1 ? pointer : `alike(${pointer}, ${callers})`, calls);
}

/**
 * How many paths lead to it.
 * @param {ScopeModel} model @param {Chain} chain @returns {Figure}
 */
export const chainPaths = ({ data }, { rows, callers }) => count(`paths(/scopes/${data.index[rows[0]]}, ${callers})`, rows.length);

/**
 * What no scope on the page has alone.
 * @param {ScopeModel} model @param {Metric} metric @returns {{ from: string, value: bigint | null }}
 */
export function unlistedAlone(model, metric) {
  const whole = exactAmount(model, metric, 0, "inclusive");
  const listed = exactSumOf(model, metric, model.data.index.map((_, row) => row), "exclusive");
  const field = scopePointer(model, metric, 0, "exclusive").replace(/^\/scopes\/\d+/, "/scopes/*");
  return {
    from: `${scopePointer(model, metric, 0, "inclusive")} - listed(${field})`,
    value: whole === null || listed === null ? null : whole - listed,
  };
}

/**
 * The chains of `rows` by the function of `at`, which is a row for each of them or null.
 * @param {ScopeModel} model @param {number[]} rows @param {(number | null)[]} at
 */
export function groupedBy(model, rows, at) {
  const { of } = functionsOf(model);
  /** @type {Map<number, { rows: number[], at: number[] }>} */
  const groups = new Map();
  rows.forEach((row, place) => {
    const here = at[place];
    if (here === null) return;
    const group = groups.get(of[here]) ?? { rows: [], at: [] };
    groups.set(of[here], group);
    group.rows.push(row);
    group.at.push(here);
  });
  return [...groups.values()];
}

/**
 * The scopes turned over, as a model whose rows are chains: below the first row, which stands for all, one for each
 * function; below each of them its callers, on to the root.
 * @param {ScopeModel} base @returns {ScopeModel & { chains: (Chain & { at: number[] })[] }}
 */
export function turnedOver(base) {
  const functions = functionsOf(base);
  const { names, keys, files, metrics, trends } = base.data;
  const data = {
    names: [...names, ALL], keys, files, metrics, trends, threads: null, with_below: [],
    index: [0], parent: [null], name: [names.length], key: [base.data.key[0]], file: [null], line: [null], calls: [0],
  };
  /** @type {(Chain & { at: number[] })[]} */
  const chains = [{ rows: [], at: [], callers: -1 }];
  /** @type {Map<string, number>} */
  const named = new Map([["all", 0]]);
  /**
   * By the figure: what each chain has.
   * @type {WeakMap<Metric, (bigint | null)[]>}
   */
  const sums = new WeakMap();

  /** @param {number} row */
  const nameOf = (row) => (row === 0 ? "all" : `${data.index[row]}-${chains[row].callers}`);

  /** @param {number} above @param {{ rows: number[], at: number[] }} group */
  function newRow(above, { rows, at }) {
    const row = chains.push({ rows, at, callers: chains[above].callers + 1 }) - 1;
    const source = base.data;
    data.index.push(source.index[rows[0]]);
    /** @type {(number | null)[]} */ (data.parent).push(above);
    for (const column of /** @type {const} */ (["name", "key", "file", "line"])) {
      /** @type {(number | null)[]} */ (data[column]).push(source[column][at[0]]);
    }
    model.depth.push(model.depth[above] + 1);
    model.module.push(base.module[at[0]]);
    model.own.push(base.own[at[0]]);
    named.set(nameOf(row), row);
    return row;
  }

  /** @param {number} row */
  function unfold(row) {
    if (row === 0) return functions.rows.map((rows) => newRow(0, { rows, at: rows }));
    const { rows, at } = chains[row];
    return groupedBy(base, rows, at.map((here) => base.parent[here])).map((group) => newRow(row, group));
  }

  /** @param {Metric} metric @param {number} row @param {Part} part */
  function value(metric, row, part) {
    if (row === 0) return part === "inclusive" ? exactAmount(base, metric, 0, part) : 0n;
    if (part === "exclusive") {
      // What nobody called.
      const { rows, at } = chains[row];
      return exactSumOf(base, metric, rows.filter((_, place) => base.parent[at[place]] === null), part);
    }
    let ofAll = sums.get(metric);
    if (!ofAll) sums.set(metric, (ofAll = []));
    return (ofAll[row] ??= exactSumOf(base, metric, chains[row].rows, "exclusive"));
  }

  const model = {
    data, metrics, thread: null, chains, parent: data.parent, children: [], depth: [0], searched: [], module: [""], place: [], rowOf: new Map(), ordered: new Map(),
    own: [ALL],
    turned: {
      unfold, value, nameOf, named,
      /** @param {number} row */
      scopeOf: (row) => base.data.index[chains[row].at[0] ?? 0],
      /** @param {Metric} metric @param {number} row @param {Part} _part */
      pointer: (metric, row, _part) => (row === 0 ? scopePointer(base, metric, 0, "inclusive") : chainPointer(base, metric, chains[row], "exclusive")),
      /** @param {Metric} metric @param {number} row @param {Part} _part */
      figure: (metric, row, _part) => (row === 0 ? scopeFigure(base, metric, 0, "inclusive") : chainFigure(base, metric, chains[row], "exclusive")),
      /** @param {number} row */
      calls: (row) => (row === 0 ? count("listed(/scopes/*/calls)", base.data.calls.reduce((/** @type {bigint} */ sum, calls) => sum + BigInt(calls), 0n)) : chainCalls(base, chains[row])),
    },
  };
  return model;
}

/**
 * Turns `base` over anew, which has other rows now, in the place of `model`.
 * @param {ReturnType<typeof turnedOver>} model @param {ScopeModel} base
 * @returns {{ places: (number | null)[], nearest: number[] }} as `renewModel`
 */
export function renewTurned(model, base) {
  const { own, parent } = model;
  Object.assign(model, turnedOver(base));
  /** @type {Map<number, Map<string, number>>} */
  const below = new Map();
  /** @type {(number | null)[]} */
  const places = [0];
  const nearest = [0];
  for (let row = 1; row < own.length; row += 1) {
    const above = places[/** @type {number} */ (parent[row])];
    if (above !== null && !below.has(above)) {
      const children = (model.children[above] ??= model.turned?.unfold(above) ?? []);
      below.set(above, new Map(children.map((child) => [model.own[child], child])));
    }
    places.push(above === null ? null : below.get(above)?.get(own[row]) ?? null);
    nearest.push(places[row] ?? nearest[/** @type {number} */ (parent[row])]);
  }
  return { places, nearest };
}

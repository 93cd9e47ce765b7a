// @ts-check
// The table by function: each function once, over all paths to it; a row that is opened shows its callers and its callees,
// each with its part. As in the table of scopes only the rows within sight are in the page.
import { bytes, share } from "./figure.js";
import { placeHtml } from "./flame.js";
import { escaped, figureHtml } from "./hbs.js";
import { chainAmount, chainCalls, chainFigure, chainPaths, chainPointer, functionsOf, groupedBy } from "./scope_callers.js";
import { isMeasured, metricName, scopeName, scopePointer } from "./scope_model.js";
import { held } from "./scope_range.js";
import { columnsOf, rowStart, scopeGrid, sortedColumns } from "./scope_table.js";

/** @typedef {import("./scope_callers.js").Chain} Chain */
/** @typedef {import("./scope_table.js").TableColumn} TableColumn */
/** @typedef {"function" | "caller" | "callee"} Kind */
/**
 * @typedef {object} Entry a row: a function, or below it what calls it or what it calls
 * @property {Kind} kind @property {Chain} chain whose figures it has: of a caller, those of the function called by it
 * @property {number} scope a row of the scope tree of the function that it names @property {number | null} owner
 */

/**
 * @param {HTMLElement} grid @param {import("./flame.js").ScopeState} state
 * @param {(name: string) => void} show shows a chain of callers in the graph
 */
export function functionTable(grid, state, show) {
  const { model } = state;
  /** @type {Entry[]} */
  let entries = [];
  /** @type {Map<number, number[]>} */
  let below = new Map();
  /**
   * By what names it in the page.
   * @type {Map<string, number>}
   */
  let named = new Map();
  /**
   * What tells each function, whatever its number.
   * @type {string[]}
   */
  let told = [];
  /** @type {Set<number>} */
  const open = new Set();

  /** @param {Entry} entry */
  const nameOf = ({ kind, chain, owner }) => {
    const own = `${model.data.index[chain.rows[0]]}-${chain.callers}`;
    return owner === null ? own : `${model.data.index[entries[owner].scope]}-${kind}-${own}`;
  };
  /** @param {Entry} entry */
  function newEntry(entry) {
    const row = entries.push(entry) - 1;
    named.set(nameOf(entry), row);
    return row;
  }
  function fill() {
    entries = [];
    below = new Map();
    named = new Map();
    functionsOf(model).rows.forEach((rows) => newEntry({ kind: "function", chain: { rows, callers: 0 }, scope: rows[0], owner: null }));
    told = entries.map(({ scope }) => model.own[scope]);
  }
  /**
   * Callers and callees of the function `owner`: made once.
   * @param {number} owner
   */
  function partsOf(owner) {
    const before = below.get(owner);
    if (before) return before;
    const { rows } = entries[owner].chain;
    const callers = groupedBy(model, rows, rows.map((row) => model.parent[row]))
      .map(({ rows, at }) => newEntry({ kind: "caller", chain: { rows, callers: 1 }, scope: at[0], owner }));
    const called = rows.flatMap((row) => model.children[row]);
    const callees = groupedBy(model, called, called)
      .map(({ rows }) => newEntry({ kind: "callee", chain: { rows, callers: 1 }, scope: rows[0], owner }));
    const parts = [...callers, ...callees];
    below.set(owner, parts);
    return parts;
  }

  const own = {
    model: { data: model.data, rowOf: model.rowOf, turned: { nameOf: (/** @type {number} */ row) => nameOf(entries[row]), get named() { return named; } } },
    active: 0,
    /** @type {Set<number>} */
    found: new Set(),
  };
  const acts = {
    /** @param {number} row */
    activate(row) {
      own.active = row;
      view.fill();
    },
    /** @param {number} row */
    zoom: (row) => show(`${model.data.index[entries[row].chain.rows[0]]}-${entries[row].chain.callers}`),
  };

  /**
   * The inclusive figure as a part of the function's, or of all.
   * @param {number} row
   */
  function shareHtml(row) {
    const { chain, owner } = entries[row];
    const { metric } = state;
    const part = chainAmount(model, metric, chain, "inclusive");
    const [all, from] = owner === null
      ? [chainAmount(model, metric, { rows: [0], callers: 0 }, "inclusive"), scopePointer(model, metric, 0, "inclusive")]
      : [chainAmount(model, metric, entries[owner].chain, "inclusive"), chainPointer(model, metric, entries[owner].chain, "inclusive")];
    const isKnown = part !== null && all !== null;
    return figureHtml({ ...share(chainPointer(model, metric, chain, "inclusive"), isKnown ? part : 0, from, isKnown ? all : 0), title: null });
  }

  /** @returns {TableColumn[]} */
  function wholeColumns() {
    const measured = model.data.metrics.filter(isMeasured).flatMap((metric) => /** @type {const} */ (["exclusive", "inclusive"]).map((part) => ({
      id: `${part} ${metric.field}`,
      title: `${metricName(metric).label} <small>${part}</small>`,
      key: (/** @type {number} */ row) => Number(chainAmount(model, metric, entries[row].chain, part) ?? 0),
      html: (/** @type {number} */ row) => figureHtml(chainFigure(model, metric, entries[row].chain, part)),
    })));
    return [
      { id: "share", title: `Share <small>${metricName(state.metric).label.toLowerCase()}, inclusive</small>`, key: (row) => Number(chainAmount(model, state.metric, entries[row].chain, "inclusive") ?? 0), html: shareHtml },
      { id: "calls", title: "Calls", key: (row) => Number(chainCalls(model, entries[row].chain).value), html: (row) => figureHtml(chainCalls(model, entries[row].chain)) },
      { id: "paths", title: "Paths", key: (row) => entries[row].chain.rows.length, html: (row) => figureHtml(chainPaths(model, entries[row].chain)) },
      ...measured,
    ];
  }

  /**
   * Bytes of all scopes of a row at a moment, each alone; null: not all of them are on this page.
   * @param {number} row @param {number} moment
   */
  function heldThen(row, moment) {
    let sum = 0n;
    for (const scope of entries[row].chain.rows) {
      const one = held(model, scope, moment);
      if (one === null) return null;
      sum += one;
    }
    return sum;
  }
  const heldRows = {
    held: heldThen,
    /** @param {number} row @param {number} moment */
    figure(row, moment) {
      const { rows, callers } = entries[row].chain;
      const value = heldThen(row, moment);
      const pointer = `/scopes/${model.data.index[rows[0]]}/trend/${moment}`;
      return bytes(value === null ? "" : rows.length === 1 ? pointer : `alike(${pointer}, ${callers})`, value);
    },
  };

  let span = /** @type {import("./scope_range.js").Span | null} */ (null);
  const columns = () => (span ? columnsOf(model, span, heldRows) : wholeColumns());
  fill();
  const sorted = sortedColumns(grid, "Function", columns(), `exclusive ${state.metric.field}`, () => view.draw());

  function rows() {
    const { of } = functionsOf(model);
    own.found = new Set([...state.found].map((row) => of[row]));
    const all = own.found.size > 0 ? [...own.found] : functionsOf(model).rows.map((_, row) => row);
    const nameOfRow = (/** @type {number} */ row) => scopeName(model.data, entries[row].scope);
    return sorted.sort(all, nameOfRow).flatMap((row) => {
      if (!open.has(row)) return [row];
      const parts = partsOf(row);
      const kind = (/** @type {Kind} */ wanted) => sorted.sort(parts.filter((part) => entries[part].kind === wanted), nameOfRow);
      return [row, ...kind("caller"), ...kind("callee")];
    });
  }

  /** @param {number} row @param {number} place */
  function rowHtml(row, place) {
    const { kind, scope, owner } = entries[row];
    const cells = sorted.columns().map(({ html }) => `<span role="gridcell" class="num">${html(row)}</span>`);
    const level = owner === null ? ` aria-level="1" aria-expanded="${open.has(row)}"` : ` aria-level="2"`;
    const how = { function: `<i class="twisty" aria-hidden="true"></i>`, caller: `<small>called by</small> `, callee: `<small>calls</small> ` }[kind];
    return `${rowStart("functions-", own, row, place, `${level} style="--row:${place}"`)}><span role="gridcell" class="name${owner === null ? "" : " within"}">${how}<b>${escaped(scopeName(model.data, scope))}</b> ${placeHtml(model, scope)}</span>${cells.join("")}</div>`;
  }

  /**
   * The row to go to by a key of trees; null: none.
   * @param {string} name @param {number} row @returns {number | null}
   */
  function key(name, row) {
    const { owner } = entries[row];
    const isOpen = open.has(row);
    if (name === "toggle") {
      if (owner !== null) return row;
      if (isOpen) open.delete(row);
      else open.add(row);
      view.draw();
      return row;
    }
    if (name === "ArrowRight") return owner !== null ? row : isOpen ? view.after(row) : key("toggle", row);
    if (name === "ArrowLeft") return owner ?? (isOpen ? key("toggle", row) : row);
    return null;
  }

  const view = scopeGrid(grid, { prefix: "functions-", rows, rowHtml, state: own, acts, key });
  return {
    ...view,
    /** The chosen figure is another one. */
    refigure: () => sorted.use(columns()),
    /**
     * Speaks of `now`; null: of the whole recording. The caller draws.
     * @param {import("./scope_range.js").Span | null} now
     */
    follow(now) {
      span = now;
      sorted.use(columns());
      grid.classList.toggle("ranged", span !== null);
    },
    /** Other scopes are there now; what was open stays so, by the functions' names. */
    renew() {
      const names = new Set([...open].map((row) => told[row]));
      const at = told[entries[own.active].owner ?? own.active];
      fill();
      open.clear();
      told.forEach((name, row) => names.has(name) && open.add(row));
      own.active = Math.max(0, told.indexOf(at));
      sorted.use(columns());
      view.draw();
    },
  };
}

// @ts-check
// The scope tree of the page's data: its rows by any of the chosen figures, and where the flame graph's boxes lie.
// Pure functions of the data; nothing here touches the page.
import { bytes, count, share, withUpperBound } from "./figure.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {import("./units.js").Whole} Whole */
/** @typedef {{ values: (Whole | null)[] | null, errors: (Whole | null)[] | null, bounds: Record<string, Whole> }} Column */
/** @typedef {{ field: string, exclusive: Column, inclusive: Column, ofEachRow?: boolean, thread?: number }} Metric `ofEachRow`: the inclusive column has each row; `thread`: whose alone it is */
/**
 * @typedef {object} ScopeData as `src/view/scope_tree.rs` writes it
 * @property {number[]} index @property {(number | null)[]} parent
 * @property {string[]} names @property {number[]} name @property {string[]} keys @property {number[]} key
 * @property {string[]} files @property {(number | null)[]} file @property {(number | null)[]} line
 * @property {Whole[]} calls @property {number[]} with_below @property {Metric[]} metrics
 * @property {{ ms: Whole[], rows: (Whole[] | null)[], is_whole: boolean } | null} trends
 * @property {import("./scope_threads.js").ScopeThreads | null} threads
 */
/** @typedef {"exclusive" | "inclusive"} Part of a scope: alone, or with all below */
/**
 * @typedef {object} Box of the flame graph; lengths are shares of its width
 * @property {number} row whose box it is; of `more` and `unlisted` the row above
 * @property {"scope" | "more" | "unlisted"} kind
 * @property {number} depth rows between it and the top
 * @property {number} left @property {number} width
 * @property {number} own share of the box that is the scope's alone
 * @property {number[]} folded the rows that `more` stands for
 */
/**
 * @typedef {object} ScopeModel
 * @property {ScopeData} data
 * @property {Metric[]} metrics the figures to choose among: of all threads, or of one
 * @property {{ id: number, calls: (row: number) => Figure } | null} thread the one; null: all
 * @property {number[][]} children of each row; of a tree that is turned those that were asked for (`childrenOf`)
 * @property {number[]} depth of each row; 0: the root
 * @property {string[]} searched what a search looks at, of each row
 * @property {string[]} module of each row, which its colour stands for
 * @property {number[]} place of each row in the inclusive columns; -1: it has nothing below
 * @property {Map<number, number>} rowOf row of each index into the document
 * @property {Map<string, number[][]>} ordered children by each figure, greatest first
 * @property {(number | null)[]} parent of each row
 * @property {string[]} own names, file and line of each row, which tell it among those below one row
 * @property {Turned} [turned] its rows are chains of callers (`scope_callers.js`)
 */
/**
 * @typedef {object} Turned where the figures of rows come from that are no scopes themselves
 * @property {(row: number) => number[]} unfold makes the rows below
 * @property {(metric: Metric, row: number, part: Part) => bigint | null} value
 * @property {(metric: Metric, row: number, part: Part) => string} pointer
 * @property {(metric: Metric, row: number, part: Part) => Figure} figure
 * @property {(row: number) => Figure} calls
 * @property {(row: number) => number} scopeOf place in the document of a scope of the function that a row names
 * @property {(row: number) => string} nameOf what names it in the page @property {Map<string, number>} named
 */

/**
 * What each figure is called, and what it counts.
 * @type {Record<string, { label: string, unit: "bytes" | "blocks" }>}
 */
export const METRIC_NAMES = {
  live_bytes: { label: "Live", unit: "bytes" },
  live_at_peak_bytes: { label: "At the peak", unit: "bytes" },
  allocated_bytes: { label: "Total bytes", unit: "bytes" },
  allocations: { label: "Allocations", unit: "blocks" },
};

/**
 * The same of any figure: of a moment's too.
 * @param {Metric} metric
 */
export const metricName = ({ field }) => METRIC_NAMES[field] ?? { label: "Live then", unit: "bytes" };

/** @param {ScopeData} data @returns {ScopeModel} */
export function scopeModel(data) {
  const rows = data.index.length;
  /** @type {number[][]} */
  const children = Array.from({ length: rows }, () => []);
  const depth = new Array(rows).fill(0);
  data.parent.forEach((parent, row) => {
    if (parent === null) return;
    children[parent].push(row);
    depth[row] = depth[parent] + 1;
  });
  const place = new Array(rows).fill(-1);
  data.with_below.forEach((row, number) => (place[row] = number));
  const file = (/** @type {number} */ row) => (data.file[row] === null ? "" : data.files[/** @type {number} */ (data.file[row])]);
  return {
    data,
    metrics: data.metrics,
    thread: null,
    children,
    depth,
    place,
    searched: data.index.map((_, row) => `${wholeName(data, row)}\n${scopeName(data, row)}\n${data.keys[data.key[row]]}\n${file(row)}`.toLowerCase()),
    module: data.key.map((key) => data.keys[key].replace(/(::)?[^:]*$/, "")),
    rowOf: new Map(data.index.map((index, row) => [index, row])),
    ordered: new Map(),
    parent: data.parent,
    own: data.key.map((key, row) => `${data.keys[key]}\n${data.names[data.name[row]]}\n${data.files[data.file[row] ?? -1]}\n${data.line[row]}`),
  };
}

/**
 * Takes up what `model.data` is now, on a page that is fed: other figures, and perhaps other rows. Modules that hold the
 * model go on with it; what they hold of rows is to be found by their new numbers.
 * @param {ScopeModel} model
 * @returns {{ places: (number | null)[], nearest: number[] }} by the number that a row had: the one that it has, and that of
 *   the lowest scope above it that is still here
 */
export function renewModel(model) {
  const before = { own: model.own, parent: model.parent };
  Object.assign(model, scopeModel(model.data));
  // Two of one name, file and line are the first and the second of them.
  const [told, toldBefore] = [counted(), counted()];
  const rows = new Map(model.own.map((own, row) => [told(`${model.parent[row]} ${own}`), row]));
  /** @type {(number | null)[]} */
  const places = [];
  /** @type {number[]} */
  const nearest = [];
  before.own.forEach((own, row) => {
    // A row's parent stands before it.
    const parent = before.parent[row];
    const above = parent === null ? null : places[parent];
    const isAboveHere = parent === null || above !== null;
    places.push(isAboveHere ? rows.get(toldBefore(`${above} ${own}`)) ?? null : null);
    nearest.push(places[row] ?? (parent === null ? 0 : nearest[parent]));
  });
  return { places, nearest };
}

/** Gives each text with how often it came before. */
export function counted() {
  /** @type {Map<string, number>} */
  const times = new Map();
  return (/** @type {string} */ text) => {
    const before = times.get(text) ?? 0;
    times.set(text, before + 1);
    return `${text}\n${before}`;
  };
}

/** @param {ScopeData} data @param {number} row */
export function scopeName(data, row) {
  return data.names[data.name[row]] || "outside tracked functions";
}

/**
 * The same where it is told with all below: the root's is everything.
 * @param {ScopeData} data @param {number} row
 */
export const wholeName = (data, row) => (row === 0 && data.names[data.name[0]] === "" ? "whole program" : scopeName(data, row));

/** @typedef {{ data: { index: number[] }, rowOf: Map<number, number>, turned?: Pick<Turned, "nameOf" | "named"> }} NamedRows */
/**
 * What names a row in the page: the place of its scope in the document.
 * @param {NamedRows} model @param {number} row
 */
export const rowName = ({ data, turned }, row) => (turned ? turned.nameOf(row) : String(data.index[row]));

/**
 * The row of a name; undefined: there is none.
 * @param {NamedRows} model @param {string | undefined} name
 */
export const rowNamed = ({ rowOf, turned }, name) => (turned ? turned.named.get(name ?? "") : rowOf.get(Number(name)));

/** @param {ScopeModel} model @param {number} row */
export const childrenOf = (model, row) => (model.children[row] ??= model.turned?.unfold(row) ?? []);

/** @param {ScopeModel} model @param {string} field */
export const metricOf = (model, field) => /** @type {Metric} */ (model.metrics.find((metric) => metric.field === field));

/**
 * Whether any scope has the figure.
 * @param {Metric} metric
 */
export const isMeasured = (metric) => metric.exclusive.values !== null || metric.inclusive.values !== null;

/** @param {ScopeModel} model */
export const isEstimated = ({ data }) => data.metrics.some(({ exclusive }) => exclusive.errors);

/**
 * The column that holds the figure of `row`, and where.
 * @param {ScopeModel} model @param {Metric} metric @param {number} row @param {Part} part @returns {[Column, number]}
 */
function cell(model, metric, row, part) {
  if (model.turned) return [{ values: [model.turned.value(metric, row, part)], errors: null, bounds: {} }, 0];
  const place = metric.ofEachRow ? row : model.place[row];
  return part === "inclusive" && place >= 0 ? [metric.inclusive, place] : [metric.exclusive, row];
}

/**
 * As a length: 0 where it is not measured.
 * @param {ScopeModel} model @param {Metric} metric @param {number} row @param {Part} part
 */
export function amount(model, metric, row, part) {
  // Asked for thousands of rows at once: without the column that a figure is read of.
  if (model.turned) return Number(model.turned.value(metric, row, part) ?? 0);
  const [column, place] = cell(model, metric, row, part);
  return Number(column.values?.[place] ?? 0);
}

/**
 * Where the figure comes from.
 * @param {ScopeModel} model @param {Metric} metric @param {number} row @param {Part} part
 */
export function scopePointer(model, metric, row, part) {
  if (model.turned) return model.turned.pointer(metric, row, part);
  const scope = `/scopes/${model.data.index[row]}`;
  if (metric.thread !== undefined) return `${scope}/of_thread/${metric.thread}/${part}/${metric.field}`;
  if (!metric.ofEachRow) return `${scope}/${part}/${metric.field}`;
  return part === "inclusive" ? `within(${scope}/${metric.field})` : `${scope}/${metric.field}`;
}

/** @param {Metric} metric */
export const isOfBytes = (metric) => metricName(metric).unit === "bytes";

/** @param {ScopeModel} model @param {Metric} metric @param {number} row @param {Part} part @returns {Figure} */
export function scopeFigure(model, metric, row, part) {
  if (model.turned) return model.turned.figure(metric, row, part);
  const [column, place] = cell(model, metric, row, part);
  const from = scopePointer(model, metric, row, part);
  const value = column.values?.[place] ?? null;
  const error = column.errors?.[place] ?? null;
  if (!isOfBytes(metric)) return count(from, value, error);
  return withUpperBound(bytes(from, value, error), column.bounds[place] ?? null);
}

/**
 * A sum over `rows`, with all below them if they are not below one another, so that no sample is in two of them and their
 * errors are independent.
 * @param {ScopeModel} model @param {Metric} metric @param {number[]} rows @param {Part} [part] @returns {Figure}
 */
export function sumFigure(model, metric, rows, part = "inclusive") {
  const pointers = rows.map((row) => scopePointer(model, metric, row, part));
  const errorFrom = `hypot(${pointers.map((pointer) => `${pointer}_error`).join(", ")})`;
  return summedFigure(model, metric, rows, part, pointers.join(" + "), errorFrom);
}

/**
 * The same, by another formula.
 * @param {ScopeModel} model @param {Metric} metric @param {number[]} rows @param {Part} part
 * @param {string} from @param {string} errorFrom @returns {Figure}
 */
export function summedFigure(model, metric, rows, part, from, errorFrom) {
  const errors = rows.map((row) => cell(model, metric, row, part)).map(([column, place]) => column.errors?.[place] ?? null);
  const squares = errors.map((error) => Number(error ?? 0) ** 2);
  const error = errors.every((error) => error === null) ? null : Math.ceil(Math.sqrt(squares.reduce((a, b) => a + b)));
  return (isOfBytes(metric) ? bytes : count)(from, exactSumOf(model, metric, rows, part), error, errorFrom);
}

/**
 * null: not measured.
 * @param {ScopeModel} model @param {Metric} metric @param {number[]} rows @param {Part} part
 */
export const exactSumOf = (model, metric, rows, part) => exactSum(rows.map((row) => exactAmount(model, metric, row, part)));

/**
 * null: not measured.
 * @param {ScopeModel} model @param {Metric} metric @param {number} row @param {Part} part
 */
export function exactAmount(model, metric, row, part) {
  const [column, place] = cell(model, metric, row, part);
  const value = column.values?.[place] ?? null;
  return value === null ? null : BigInt(value);
}

/**
 * null where a part is.
 * @param {(bigint | null)[]} parts
 */
const exactSum = (parts) => parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), /** @type {bigint | null} */ (0n));

/**
 * What `row` has with all below and neither alone nor in the scopes that are listed.
 * @param {ScopeModel} model @param {Metric} metric @param {number} row @returns {Figure}
 */
export function unlistedFigure(model, metric, row) {
  const parts = [...model.children[row].map((child) => /** @type {[number, Part]} */ ([child, "inclusive"]))];
  parts.unshift([row, "exclusive"]);
  const from = parts.reduce((from, [row, part]) => `${from} - ${scopePointer(model, metric, row, part)}`, scopePointer(model, metric, row, "inclusive"));
  const whole = exactAmount(model, metric, row, "inclusive");
  const listed = exactSum(parts.map(([row, part]) => exactAmount(model, metric, row, part)));
  const rest = whole === null || listed === null ? null : whole - listed;
  return isOfBytes(metric) ? bytes(from, rest) : count(from, rest);
}

/**
 * The inclusive figure of `row` as a share of that of `whole`.
 * @param {ScopeModel} model @param {Metric} metric @param {number} row @param {number} whole @returns {Figure}
 */
export function shareFigure(model, metric, row, whole) {
  return shareOfSum(model, metric, [row], whole);
}

/** @param {ScopeModel} model @param {Metric} metric @param {number[]} rows @param {number} whole @param {Part} [part] @returns {Figure} */
export function shareOfSum(model, metric, rows, whole, part = "inclusive") {
  const sum = sumFigure(model, metric, rows, part);
  const from = rows.length > 1 ? `(${sum.from})` : sum.from;
  const all = exactAmount(model, metric, whole, "inclusive");
  const isKnown = sum.value !== null && all !== null;
  // Of nothing there is no share.
  const figure = share(from, isKnown ? sum.value ?? 0 : 0, scopePointer(model, metric, whole, "inclusive"), isKnown ? all : 0);
  return { ...figure, title: null };
}

/**
 * The rows below `row`, the one with the greatest figure first.
 * @param {ScopeModel} model @param {Metric} metric @param {number} row
 */
export function childrenBy(model, metric, row) {
  const key = `${metric.field} of ${metric.thread ?? "all"}`;
  let ordered = model.ordered.get(key);
  if (!ordered) model.ordered.set(key, (ordered = []));
  if (ordered[row]) return ordered[row];
  const below = childrenOf(model, row);
  const amounts = new Map(below.map((child) => [child, amount(model, metric, child, "inclusive")]));
  const of = (/** @type {number} */ child) => /** @type {number} */ (amounts.get(child));
  return (ordered[row] = [...below].sort((a, b) => of(b) - of(a) || a - b));
}

/**
 * The boxes of `top` and all below that are at least a `least` share of the width; what is narrower is folded into a box
 * `more` beside its siblings, and what the recording does not list, from a `finest` share on, into a box `unlisted`.
 * @param {ScopeModel} model @param {Metric} metric @param {number} top @param {number} least @param {number} finest
 * @param {number} most with more boxes it stops @returns {Box[]}
 */
export function flameBoxes(model, metric, top, least, finest, most) {
  /** @type {Box[]} */
  const boxes = [];
  const open = [{ row: top, depth: 0, left: 0, width: 1 }];
  for (let next = open.pop(); next && boxes.length <= most; next = open.pop()) {
    const { row, depth, left, width } = next;
    const below = childrenBy(model, metric, row);
    const own = amount(model, metric, row, "exclusive");
    const ofChildren = below.reduce((sum, child) => sum + amount(model, metric, child, "inclusive"), 0);
    const listed = own + ofChildren;
    // A recording's parts never sum to more than their whole; those of a strange file are drawn to scale all the same.
    const whole = Math.max(amount(model, metric, row, "inclusive"), listed);
    if (whole === 0) continue;
    boxes.push({ row, kind: "scope", depth, left, width, own: own / whole, folded: [] });
    let x = left;
    /** @type {number[]} */
    const folded = [];
    let foldedWidth = 0;
    const wide = [];
    for (const child of below) {
      const part = (amount(model, metric, child, "inclusive") / whole) * width;
      if (part === 0) break;
      if (part >= least) {
        wide.push({ row: child, depth: depth + 1, left: x, width: part });
        x += part;
      } else {
        folded.push(child);
        foldedWidth += part;
      }
    }
    // The stack gives the last one first.
    open.push(...wide.reverse());
    if (folded.length > 0) {
      boxes.push({ row, kind: "more", depth: depth + 1, left: x, width: foldedWidth, own: 0, folded });
      x += foldedWidth;
    }
    const rest = ((whole - listed) / whole) * width;
    if (rest >= finest) boxes.push({ row, kind: "unlisted", depth: depth + 1, left: x, width: rest, own: 0, folded: [] });
  }
  return boxes;
}

/**
 * The rows from the root to `row`.
 * @param {ScopeModel} model @param {number} row
 */
export function scopePath(model, row) {
  const path = [];
  for (let at = /** @type {number | null} */ (row); at !== null; at = model.data.parent[at]) path.unshift(at);
  return path;
}

/**
 * The rows in which each of `words` stands.
 * @param {ScopeModel} model @param {string} words
 */
export function searchScopes(model, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return [];
  return model.data.index.map((_, row) => row).filter((row) => wanted.every((word) => model.searched[row].includes(word)));
}

/**
 * Those of `rows` that are below none of the others, so that no byte is counted twice.
 * @param {ScopeModel} model @param {number[]} rows
 */
export function topmost(model, rows) {
  const wanted = new Set(rows);
  // A row's parent stands before it.
  const below = new Array(model.data.index.length).fill(false);
  model.data.parent.forEach((parent, row) => {
    if (parent !== null) below[row] = below[parent] || wanted.has(parent);
  });
  return rows.filter((row) => !below[row]);
}

/**
 * One of twelve colours and three shades, the same for the same names in each recording.
 * @param {ScopeModel} model @param {number} row
 */
export function scopeColour(model, row) {
  if (model.module[row] === "") return "hue-none shade-a";
  const hue = "abcdefghijkl"[hash(model.module[row]) % 12];
  return `hue-${hue} shade-${"abc"[hash(scopeName(model.data, row)) % 3]}`;
}

/**
 * Of each text that was asked for: there are far more scopes than modules.
 * @type {Map<string, number>}
 */
const hashes = new Map();

/**
 * FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), of UTF-16 units.
 * @param {string} text
 */
function hash(text) {
  let hash = hashes.get(text);
  if (hash !== undefined) return hash;
  hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  hashes.set(text, hash);
  return hash;
}

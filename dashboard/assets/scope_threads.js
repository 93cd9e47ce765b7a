// @ts-check
// The scopes by thread: what one thread has in each scope, as figures to choose in place of all threads' ones. The choice
// itself stands beside the figures. A thread's part of a scope of which the recording does not tell all threads apart may
// be none or some: it is not measured, and in no sum.
import { bytes, count, name } from "./figure.js";
import { escaped, figureHtml } from "./hbs.js";
import { METRIC_NAMES } from "./scope_model.js";

/** @typedef {import("./scope_model.js").ScopeModel} ScopeModel */
/** @typedef {import("./scope_model.js").Metric} Metric */
/** @typedef {import("./units.js").Whole} Whole */
/**
 * @typedef {object} OfThread what one thread has, as `src/view/scope_threads.rs` writes it
 * @property {number} id @property {number} pair index of its first pair in the document @property {string | null} name
 * @property {number[]} rows @property {Whole[]} calls
 * @property {(Whole | null)[][]} values @property {(Whole | null)[][] | null} errors by figure
 */
/**
 * @typedef {object} ScopeThreads
 * @property {OfThread[]} threads @property {number} left_out @property {number[]} not_told_apart
 * @property {Whole} pairs @property {(Whole | null)[]} sums @property {(Whole | null)[]} errors
 */

/**
 * What stands for each row of the tree: of its pair, or nothing; null where the thread's part is not known.
 * @template T
 * @param {ScopeModel} model @param {OfThread} thread @param {(T | null)[]} ofPairs @param {T} nothing @returns {(T | null)[]}
 */
function ofEachRow(model, thread, ofPairs, nothing) {
  /** @type {(T | null)[]} */
  const all = new Array(model.data.index.length).fill(nothing);
  for (const row of model.data.threads?.not_told_apart ?? []) all[row] = null;
  thread.rows.forEach((row, place) => { all[row] = ofPairs[place]; });
  return all;
}

/**
 * The figures of one thread.
 * @param {ScopeModel} model @param {OfThread} thread @returns {Metric[]}
 */
function metricsOfThread(model, thread) {
  return model.data.metrics.map(({ field }, figure) => {
    const ofPairs = thread.values[figure].map((value) => (value === null ? null : BigInt(value)));
    if (ofPairs.every((value) => value === null)) {
      const none = { values: null, errors: null, bounds: {} };
      return { field, exclusive: none, inclusive: none, ofEachRow: true, thread: thread.id };
    }
    const alone = ofEachRow(model, thread, ofPairs, 0n);
    const withBelow = summed(model, alone, (a, b) => a + b);
    const errors = thread.errors && ofEachRow(model, thread, thread.errors[figure].map((error) => (error === null ? null : Number(error))), 0);
    const squares = errors && summed(model, errors.map((error) => (error === null ? null : error ** 2)), (a, b) => a + b);
    const errorsWithBelow = squares && squares.map((square) => (square === null ? null : Math.ceil(Math.sqrt(square))));
    return {
      field,
      exclusive: { values: alone, errors, bounds: {} },
      inclusive: { values: withBelow, errors: errorsWithBelow, bounds: {} },
      ofEachRow: true,
      thread: thread.id,
    };
  });
}

/**
 * Each row with all below; what is null is left out.
 * @template T
 * @param {ScopeModel} model @param {(T | null)[]} alone @param {(a: T, b: T) => T} add @returns {(T | null)[]}
 */
function summed({ data }, alone, add) {
  const sums = [...alone];
  // A row's parent stands before it.
  for (let row = sums.length - 1; row > 0; row -= 1) {
    const [above, part] = [data.parent[row] ?? 0, sums[row]];
    const sum = sums[above];
    if (part !== null) sums[above] = sum === null ? part : add(sum, part);
  }
  return sums;
}

/** @param {OfThread} thread */
const called = ({ id, name }) => (name ? `${id} ${name}` : String(id));

/** @param {OfThread} thread */
function calledHtml(thread) {
  return `thread ${figureHtml(name(originOf(thread), thread.id))}${thread.name ? ` <b>${escaped(thread.name)}</b>` : ""}`;
}

/** @param {OfThread} thread */
const originOf = ({ pair }) => `/scope_threads/${pair}/thread`;

/**
 * What is said of the choice, beside it.
 * @param {ScopeModel} model @param {OfThread | null} thread @param {string} field
 */
function words({ data }, thread, field) {
  const { left_out, not_told_apart, pairs, sums, errors } = /** @type {ScopeThreads} */ (data.threads);
  const missing = left_out > 0 ? " Threads with fewer live bytes have no room on this page." : "";
  if (!thread) return missing.trim();
  const rest = data.metrics.findIndex((metric) => metric.field === field);
  let folded = "";
  if (not_told_apart.length > 0) {
    const scopes = `<span data-counted="${not_told_apart.map((row) => data.index[row]).join(" ")}">${not_told_apart.length}</span>`;
    const make = METRIC_NAMES[field]?.unit === "blocks" ? count : bytes;
    const together = make(`sum(/scope_threads/*/${field}, thread = null)`, sums[rest], errors[rest], `hypot(/scope_threads/*/${field}_error, thread = null)`);
    folded = ` <b>In ${scopes} ${not_told_apart.length === 1 ? "scope" : "scopes"} some threads are not told apart</b> (${figureHtml(count("sum(/scope_threads/*/pairs, thread = null)", pairs))}`
      + ` times, ${figureHtml(together)} together): unless it has a figure of its own there, this thread's part is not measured, and in no sum.`;
  }
  return `Only what ${calledHtml(thread)} allocated, whoever freed it, and its own calls. What stands below the tree is of all threads; callers, functions and curves over time are not available for one thread.${folded}${missing}`;
}

/**
 * The choice of a thread. It changes the model's figures, and calls `changed` when a reader did so.
 * @param {{ choice: HTMLElement, select: HTMLSelectElement, note: HTMLElement }} places @param {ScopeModel} model @param {() => void} changed
 */
export function threadChoice({ choice, select, note }, model, changed) {
  const offered = () => model.data.threads?.threads ?? [];
  /** @type {OfThread | null} */
  let chosen = null;

  /**
   * The model speaks of the thread with this number, or of all where it is not offered.
   * @param {number | null} id
   */
  function take(id) {
    chosen = offered().find((thread) => thread.id === id) ?? null;
    select.value = chosen ? String(chosen.id) : "";
    model.metrics = chosen ? metricsOfThread(model, chosen) : model.data.metrics;
    model.thread = null;
    if (!chosen) return;
    const calls = ofEachRow(model, chosen, chosen.calls, 0);
    const from = (/** @type {number} */ row) => `/scopes/${model.data.index[row]}/of_thread/${model.thread?.id}/calls`;
    model.thread = { id: chosen.id, calls: (row) => count(from(row), calls[row]) };
  }

  /** What can be chosen now, on a page that is fed too. */
  function fill() {
    const id = chosen?.id ?? null;
    const options = offered().map((thread) => {
      const option = new Option(called(thread), String(thread.id));
      Object.assign(option.dataset, { from: originOf(thread), value: String(thread.id) });
      return option;
    });
    const shown = [...select.options].slice(1).map(({ text }) => text).join("\n");
    // What is open stays open where nothing else is to be chosen.
    if (select.options.length === 0 || shown !== options.map(({ text }) => text).join("\n")) select.replaceChildren(new Option("all threads", ""), ...options);
    else options.forEach(({ dataset }, place) => Object.assign(select.options[place + 1].dataset, dataset));
    choice.hidden = options.length < 2;
    take(id);
  }
  select.addEventListener("change", () => {
    take(select.value === "" ? null : Number(select.value));
    changed();
  });
  fill();
  return {
    /** Finds the thread again among what the page has now. */
    renew: fill,
    take,
    /**
     * Says what is shown, by the figure that is.
     * @param {string} field
     */
    say(field) {
      note.innerHTML = model.data.threads ? words(model, chosen, field) : "";
    },
  };
}

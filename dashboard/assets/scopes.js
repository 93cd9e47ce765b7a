// @ts-check
// The panel of scopes: one state (figure, zoom, search, where the reader is), shown as flame graph, tree and table.
// Without this script, or without a tree to draw, the list that the page came with stands in its place.
import { keep, kept, lead, sayDead, scopesLink, target, write } from "./address.js";
import { escaped, figureHtml } from "./hbs.js";
import { island } from "./island.js";
import { countedHtml, flameGraph } from "./flame.js";
import { functionsOf } from "./scope_callers.js";
import { functionTable } from "./scope_functions.js";
import { stackedCurves } from "./scope_stack.js";
import { bottomUpView, isBottomUp } from "./scope_turned.js";
import { moreOfScope } from "./more_of_scope.js";
import { chooseAgain, onRange } from "./range.js";
import { metricAt, momentFigure, spanOf } from "./scope_range.js";
import {
  amount, isEstimated, isMeasured, metricName, metricOf, renewModel, scopeModel, scopePath, searchScopes, shareOfSum, sumFigure, topmost,
  wholeName,
} from "./scope_model.js";
import { scopeTable, scopeTree } from "./scope_table.js";
import { threadChoice } from "./scope_threads.js";

/** @typedef {import("./scope_model.js").ScopeData} ScopeData */
/** @typedef {import("./flame.js").ScopeState} ScopeState */

/** Rows that a search opens the tree for at most. */
const MOST_OPENED = 200;

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @param {ScopeData} data */
function showScopes(data) {
  const model = scopeModel(data);
  const measured = data.metrics.filter(isMeasured);
  const first = measured.find((metric) => amount(model, metric, 0, "inclusive") > 0) ?? measured[0];
  /** @type {ScopeState} */
  const state = { model, metric: first, top: 0, active: 0, found: new Set() };
  /**
   * What the address says of `row` on top, of the thread and of the figure; nothing of what is so at first.
   * @param {number} row
   */
  function linkTo(row) {
    const more = (model.thread ? `&thread=${model.thread.id}` : "") + figureLink();
    return row === 0 && more === "" ? "" : `#scope=${data.index[row]}${more}`;
  }
  const figureLink = () => (chosenFigure() === first.field ? "" : `&figure=${chosenFigure()}`);
  /** Whether the reader, or a link, went to a scope. */
  let isAtScope = false;
  const acts = {
    /**
     * The reader is at `row`.
     * @param {number} row
     */
    activate(row) {
      state.active = row;
      isAtScope = true;
      flame.follow();
      tree.fill();
      table.fill();
      details();
      placeDetails();
    },
    /**
     * `row` takes the whole width.
     * @param {number} row @param {boolean} [isLink] the address leads there, perhaps by another name, to which the way back does not
     */
    zoom(row, isLink = false) {
      state.top = row;
      if (bottomUp.isShown()) bottomUp.show(false);
      // Who is at a scope outside of it would be nowhere.
      if (!scopePath(model, state.active).includes(row)) state.active = row;
      isAtScope ||= row !== 0;
      flame.draw();
      details();
      placeDetails();
      table.fill();
      tree.show(false);
      sayFound([...state.found]);
      lead(linkTo(row), isLink);
    },
    /**
     * The tree shows all below `row`.
     * @param {number} row
     */
    list(row) {
      choose("tree");
      acts.activate(row);
      tree.show(true);
      part("scope-tree").scrollIntoView({ block: "nearest" });
    },
  };
  part("scopes-drawn").hidden = false;
  part("scope-list").hidden = true;
  const flame = flameGraph({ graph: part("flame"), readout: part("flame-readout"), path: part("flame-path") }, state, acts);
  const tree = scopeTree(part("scope-tree"), state, acts);
  const table = scopeTable(part("scope-table"), state, acts);
  const functions = functionTable(part("scope-functions"), state, (chain) => { location.hash = `#callers=${chain}`; });
  const stack = stackedCurves(part("scope-panel-stack"), model);
  const bottomUp = bottomUpView(state, {
    width: flame.width,
    shown() {
      redraw();
      choose(chosen);
    },
    listed: () => choose("tree"),
    left: () => lead(linkTo(state.top), false),
    more: figureLink,
  });

  /** All that the page knows of the scope that the reader is at, which it holds for the largest. */
  let borrowed = /** @type {{ home: HTMLElement, body: Element } | null} */ (null);
  function details() {
    if (!isAtScope) return;
    // A list that was rendered anew, on a page that is fed, may have left what was borrowed.
    if (borrowed && !borrowed.home.isConnected) {
      borrowed.body.remove();
      borrowed = null;
    }
    const home = document.getElementById(`scope=${data.index[state.active]}`)?.querySelector("details") ?? null;
    if (borrowed && borrowed.home === home) return;
    if (borrowed) borrowed.home.append(borrowed.body);
    const body = moreOfScope(home);
    borrowed = home && body ? { home, body } : null;
    const none = document.createElement("p");
    none.className = "more";
    none.textContent = "What else is known of a scope is on this page for those with the most allocated bytes only.";
    part("scope-details").replaceChildren(body ?? none);
  }

  /** Beside the figures of one thread: that the details are not its alone. */
  const sayWhose = () => { part("scope-details-of").hidden = !model.thread || part("scope-details").hidden; };

  const tabs = [...document.querySelectorAll("#scope-tabs [role=tab]")].map((tab) => /** @type {HTMLElement} */ (tab));
  let chosen = "tree";
  /** By function, by callers and over time all threads are told together. */
  function allowViews() {
    bottomUp.allow(!model.thread);
    tabs[2].hidden = model.thread !== null;
    tabs[3].hidden = model.thread !== null || !stack.isThere;
  }
  allowViews();

  const figures = part("flame-figures");
  figures.innerHTML += data.metrics.map((metric) =>
    `<label><input type="radio" name="scope-figure" value="${metric.field}"${metric === state.metric ? " checked" : ""}>`
    + `<span>${metricName(metric).label}</span><span hidden> (not measured by scope in this recording)</span></label>`).join("");
  function allowChoices() {
    for (const radio of figures.querySelectorAll("input")) {
      radio.disabled = !isMeasured(metricOf(model, radio.value));
      /** @type {HTMLElement} */ (radio.parentElement?.lastElementChild).hidden = !radio.disabled;
    }
  }
  allowChoices();
  const chosenFigure = () => /** @type {HTMLInputElement} */ (figures.querySelector(":checked")).value;
  /** What "live" is in a range: live at its end. */
  let then = /** @type {import("./scope_model.js").Metric | null} */ (null);
  /** The figure by which the graph from the top down is drawn. */
  let drawn = /** @type {import("./scope_model.js").Metric | null} */ (null);
  function redraw() {
    const value = chosenFigure();
    state.metric = (value === "live_bytes" && then) || metricOf(model, value);
    functions.refigure();
    if (bottomUp.isShown()) bottomUp.draw();
    else if (drawn !== state.metric) flame.draw();
    if (!bottomUp.isShown()) drawn = state.metric;
    found();
    threads.say(value);
  }
  figures.addEventListener("change", () => {
    redraw();
    if (bottomUp.isShown()) bottomUp.link(true);
    else lead(linkTo(state.top), true);
  });
  const threads = threadChoice(
    { choice: part("flame-thread-choice"), select: /** @type {HTMLSelectElement} */ (part("flame-thread")), note: part("flame-thread-note") },
    model,
    () => {
      changeThread();
      lead(linkTo(state.top), true);
    },
  );
  function changeThread() {
    allowChoices();
    allowViews();
    if (model.thread && bottomUp.isShown()) bottomUp.show(false);
    if (tabs.some((tab) => tab.hidden && tab.dataset.view === chosen)) choose("tree");
    table.renew();
    chooseAgain();
    sayWhose();
    redraw();
    flame.follow();
  }
  let span = /** @type {import("./scope_range.js").Span | null} */ (null);
  // A page that is fed speaks of now: its moments go on.
  if (!document.getElementById("live")) onRange("scopes", (range) => {
    const before = span;
    span = range && !model.thread ? spanOf(model, range) : null;
    const [first, last] = (span ?? []).map((moment) => figureHtml(momentFigure(model, moment)));
    if (String(before) !== String(span)) {
      then = span && metricAt(model, span[1]);
      /** @type {HTMLElement} */ (figures.querySelector("[value=live_bytes] + span")).innerHTML = then ? `Live at ${last}` : "Live";
      table.follow(span);
      functions.follow(span);
      stack.follow(span, chosen === "stack");
      tabs[1].textContent = span ? "Change by scope" : "All scopes";
      redraw();
    }
    if (range && model.thread) return "whole recording: what one thread held at a moment is not recorded";
    return span && `live from ${first} to ${last}${isEstimated(model) ? ", estimates without errors" : ""}; else whole recording`;
  });

  const search = /** @type {HTMLInputElement} */ (part("flame-search"));
  /**
   * What the search found.
   * @param {number[]} rows
   */
  function sayFound(rows) {
    const sentence = part("flame-found");
    if (search.value.trim() === "") {
      sentence.textContent = "";
    } else if (rows.length === 0) {
      sentence.textContent = "No scope has these words in its name, path or file.";
    } else {
      // From the bottom up each function has what is its own.
      const isAlone = bottomUp.isShown();
      const { of, rows: ofFunction } = functionsOf(model);
      const things = isAlone ? [...new Set(rows.map((row) => ofFunction[of[row]][0]))] : rows;
      const [once, as] = isAlone ? [rows, /** @type {const} */ ("exclusive")] : [topmost(model, rows), /** @type {const} */ ("inclusive")];
      const [sum, share] = [sumFigure(model, state.metric, once, as), shareOfSum(model, state.metric, once, 0, as)];
      sentence.innerHTML = `<b>${countedHtml(model, things)} ${isAlone ? "function" : "scope"}${things.length === 1 ? "" : "s"}</b>, ${figureHtml(sum)}`
        + `${isAlone ? " in them alone" : ""}, ${figureHtml(share)} of all${isAlone ? "" : " (not counted twice)"}`;
      const below = isAlone ? rows : rows.filter(isBelowTop);
      if (below.length === rows.length) return;
      sentence.innerHTML += `; ${below.length === 0 ? "none" : countedHtml(model, below)} of them below ${escaped(wholeName(data, state.top))} <button type="button">zoom out</button>`;
    }
  }
  part("flame-found").addEventListener("click", (event) => {
    if (!/** @type {Element} */ (event.target).closest("button")) return;
    acts.zoom(0);
    part("flame").focus();
  });
  /** @param {number} row whether the graph holds it */
  function isBelowTop(row) {
    // A row's parent stands before it.
    while (row > state.top) row = model.parent[row] ?? 0;
    return row === state.top;
  }

  function found() {
    const rows = searchScopes(model, search.value);
    state.found = new Set(rows);
    sayFound(rows);
    if (bottomUp.isShown()) {
      bottomUp.mark(rows);
    } else {
      flame.mark();
      tree.openTo(rows.length <= MOST_OPENED ? rows : []);
    }
    if (chosen === "functions") functions.draw();
    if (chosen === "table") table.draw();
  }
  search.addEventListener("input", found);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || search.value === "") return;
    event.preventDefault();
    search.value = "";
    found();
  });
  part("flame-controls").addEventListener("submit", (event) => event.preventDefault());

  /** @param {string} name */
  function choose(name) {
    chosen = name;
    for (const tab of tabs) {
      const isIt = tab.dataset.view === name;
      tab.setAttribute("aria-selected", String(isIt));
      tab.tabIndex = isIt ? 0 : -1;
      part(/** @type {string} */ (tab.getAttribute("aria-controls"))).hidden = !isIt;
    }
    if (bottomUp.isShown()) bottomUp.open();
    else tree.open();
    if (name === "table") table.open();
    if (name === "functions") functions.open();
    if (name === "stack") stack.open();
    placeDetails();
  }
  /** What is known of one scope stands below what shows scopes one by one, when the reader is at one. */
  function placeDetails() {
    const isThere = isAtScope && (chosen === "table" || (chosen === "tree" && !bottomUp.isShown()));
    part("scope-details").hidden = part("scope-details-h").hidden = !isThere;
    sayWhose();
  }
  for (const tab of tabs) {
    tab.addEventListener("click", () => choose(/** @type {string} */ (tab.dataset.view)));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const shown = tabs.filter((tab) => !tab.hidden);
      const other = shown[(shown.indexOf(tab) + (event.key === "ArrowRight" ? 1 : shown.length - 1)) % shown.length];
      choose(/** @type {string} */ (other.dataset.view));
      other.focus();
    });
  }

  /**
   * A link to a scope (`#scope=INDEX`), of a thread (`&thread=ID`), by a figure (`&figure=FIELD`), zooms to it and shows its row.
   * @param {Event} [event] what led to it
   */
  function follow(event) {
    const link = scopesLink();
    const isCallers = isBottomUp(link);
    const named = /^#scope=(\d+)(?:&thread=(\d+))?(?:&figure=\w+)?$/.exec(link);
    const row = named ? model.rowOf.get(Number(named[1])) : link === "" ? 0 : undefined;
    if (row === undefined && !isCallers) {
      if (/^#(scope=|callers)/.test(link)) sayDead();
      return;
    }
    const figure = /&figure=(\w+)$/.exec(link)?.[1] ?? first.field;
    const radio = /** @type {HTMLInputElement | null} */ (figures.querySelector(`[value="${figure}"]:enabled`));
    if (radio && !radio.checked) {
      radio.checked = true;
      redraw();
    }
    const thread = named?.[2] === undefined ? null : Number(named[2]);
    if (thread !== (model.thread?.id ?? null)) {
      threads.take(thread);
      changeThread();
    }
    if (bottomUp.follow(link) || row === undefined) return;
    if (bottomUp.isShown()) bottomUp.show(false);
    if (named || state.top !== 0) {
      state.active = row;
      acts.zoom(row, true);
    } else {
      keep("scopes", "");
    }
    if (!named || link !== target()) return;
    part("scopes").scrollIntoView();
    // The link may have stood in what is gone now.
    if (event) part("flame").focus({ preventScroll: true });
  }
  window.addEventListener("hashchange", follow);
  choose("tree");
  flame.draw();
  found();
  details();
  follow();
  threads.say(state.metric.field);

  /** A page that is fed has other figures now; the reader stays at the same scope. */
  function renew() {
    const { places, nearest } = renewModel(model);
    const isLinked = !bottomUp.isShown() && target() !== "" && target() === kept("scopes");
    threads.renew();
    // The thread that was chosen may be told of no more.
    allowViews();
    sayWhose();
    state.metric = metricOf(model, state.metric.field);
    [state.top, state.active] = [nearest[state.top], nearest[state.active]];
    state.found = new Set(searchScopes(model, search.value));
    if (!bottomUp.isShown()) keep("scopes", linkTo(state.top));
    if (isLinked) write(linkTo(state.top));
    allowChoices();
    flame.renew(places);
    tree.renew(places);
    table.renew();
    functions.renew();
    bottomUp.renew([...state.found]);
    sayFound([...state.found]);
    threads.say(state.metric.field);
  }
  document.addEventListener("memscope:data", (event) => {
    if (/** @type {CustomEvent} */ (event).detail === "scopes") renew();
  });
  // The details stand in the list, which comes after the data.
  document.addEventListener("memscope:panel", (event) => {
    if (/** @type {CustomEvent} */ (event).detail === "scopes") details();
  });
}

/** Draws them, if there is something to draw. */
function begin() {
  /** @type {ScopeData | null} */
  const data = island.scopes;
  const isThere = data !== null && data.metrics.some(isMeasured);
  if (isThere) showScopes(data);
  return isThere;
}

/**
 * The first scopes of a page that is fed.
 * @param {Event} event
 */
function awaitScopes(event) {
  if (/** @type {CustomEvent} */ (event).detail !== "scopes" || !begin()) return;
  document.removeEventListener("memscope:data", awaitScopes);
}
if (!begin()) document.addEventListener("memscope:data", awaitScopes);

// @ts-check
// The scopes from the bottom up: the flame graph and the tree of functions by what is theirs alone, below each its callers.
// They are made when they are first asked for; figure and search are those of the panel.
import { lead, sayDead, target } from "./address.js";
import { escaped, figureHtml } from "./hbs.js";
import { bytes, count } from "./figure.js";
import { callsFigure, countedHtml, exactHtml, fact, flameGraph, placeHtml } from "./flame.js";
import { chainPaths, functionsOf, renewTurned, turnedOver, unlistedAlone } from "./scope_callers.js";
import { childrenOf, isOfBytes, rowName, scopeFigure, scopeName, scopePath, shareFigure, shareOfSum, sumFigure } from "./scope_model.js";
import { scopeTree } from "./scope_table.js";
import { countText } from "./units.js";

/** @typedef {import("./flame.js").ScopeState} ScopeState */
/** @typedef {ReturnType<typeof turnedOver>} TurnedModel */

/** What the address says of this view: that it is shown, and which chain of callers takes the whole width. */
const LINK = /^#callers(?:=(\d{1,9})-(\d{1,9}))?(?:&|$)/;
/** @param {string} hash */
export const isBottomUp = (hash) => LINK.test(hash);

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * Functions, in which the chains of callers that begin with them are looked up.
 * @extends {Set<number>}
 */
class FoundFunctions extends Set {
  /** @param {TurnedModel} model @param {number[]} of the function of each scope @param {Iterable<number>} functions */
  constructor(model, of, functions) {
    super(functions);
    this.model = model;
    this.of = of;
  }

  /** @param {number} row */
  has(row) {
    return row > 0 && super.has(this.of[this.model.chains[row].at[0]]);
  }
}

/**
 * What a box is, in words and figures.
 * @param {ScopeState} base @param {ScopeState & { model: TurnedModel }} state @param {import("./flame.js").Box} box
 */
function told(base, { model, metric }, { row, kind, folded }) {
  const called = escaped(scopeName(model.data, row));
  if (kind === "more") {
    // Of chains apart: the scopes of all of them, each alone.
    const rows = folded.flatMap((one) => model.chains[one].rows);
    const sum = sumFigure(base.model, metric, rows, "exclusive");
    const what = row === 0 ? "more functions" : `more callers of ${called}`;
    return `<b><span data-counted-chains="${folded.map((one) => rowName(model, one)).join(" ")}">${countText(folded.length)}</span> ${what}</b><span class="facts">`
      + fact("together", figureHtml(sum) + exactHtml(sum)) + fact("of all", figureHtml(shareOfSum(base.model, metric, rows, 0, "exclusive")))
      + fact("", "each too narrow to draw; zoom in or see the tree") + "</span>";
  }
  if (kind === "unlisted") {
    const { from, value } = unlistedAlone(base.model, metric);
    const rest = (isOfBytes(metric) ? bytes : count)(from, value);
    return `<b>In scopes that are not listed</b><span class="facts">${fact("together", figureHtml(rest) + exactHtml(rest))}</span>`;
  }
  const figure = scopeFigure(model, metric, row, "inclusive");
  const sum = figureHtml(figure) + exactHtml(figure);
  if (row === 0) return `<b>${called}</b> <span class="where">each by what is its own, below it who calls it</span><span class="facts">${fact("together", sum)}</span>`;
  const path = scopePath(model, row);
  const [, first] = path;
  const owner = escaped(scopeName(model.data, first));
  const key = model.data.keys[model.data.key[row]];
  const chain = path.slice(1).map((one) => escaped(scopeName(model.data, one))).join(" ← ");
  return `<b>${chain}</b> <span class="where">${key ? `<code>${escaped(key)}</code> ` : ""}${placeHtml(model, row)}</span><span class="facts">`
    + fact(row === first ? "exclusive" : `exclusive of ${owner}, called so`, sum)
    + (row === first ? "" : fact(`of ${owner}`, figureHtml(shareFigure(model, metric, row, first))))
    + fact("of all", figureHtml(shareFigure(model, metric, row, 0)))
    + fact("calls", figureHtml(callsFigure(model, row))) + fact("paths", figureHtml(chainPaths(base.model, model.chains[row]))) + "</span>";
}

/**
 * @param {ScopeState} base what the panel shows from the top down
 * @param {{ width: () => number, shown: () => void, listed: () => void, left: () => void, more: () => string }} hooks of the graph
 *   beside which this one stands; the direction has changed; the tree is asked for; the reader went back to the other direction;
 *   what else the address says
 */
export function bottomUpView(base, { width, shown, listed, left, more }) {
  const ways = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("#scope-ways input")]);
  let isShown = false;
  /** @type {ReturnType<typeof made> | null} */
  let views = null;

  function made() {
    const model = turnedOver(base.model);
    /** @type {ScopeState & { model: TurnedModel }} */
    const state = { model, metric: base.metric, top: 0, active: 0, found: new Set(), told: (box) => told(base, state, box) };
    const acts = {
      /** @param {number} row */
      activate(row) {
        state.active = row;
        flame.follow();
        tree.fill();
      },
      /** @param {number} row @param {boolean} [isLink] the address leads there */
      zoom(row, isLink = false) {
        state.top = row;
        if (!scopePath(model, state.active).includes(row)) state.active = row;
        flame.draw();
        tree.show(false);
        link(isLink);
      },
      /** @param {number} row */
      list(row) {
        listed();
        acts.activate(row);
        tree.show(true);
        part("callers-tree").scrollIntoView({ block: "nearest" });
      },
    };
    const flame = flameGraph({ graph: part("callers"), readout: part("callers-readout"), path: part("callers-path") }, state, acts, width());
    const tree = scopeTree(part("callers-tree"), state, acts);
    return { model, state, acts, flame, tree };
  }

  /**
   * The address names what takes the whole width.
   * @param {boolean} isLink by another name: the way back does not lead to that
   */
  function link(isLink) {
    const top = views?.state.top ?? 0;
    lead(`${top === 0 ? "#callers" : `#callers=${views && rowName(views.model, top)}`}${more()}`, isLink);
  }

  function draw() {
    if (!views) return;
    views.state.metric = base.metric;
    views.flame.draw();
  }

  /**
   * Takes note of functions of `rows`, which a search found.
   * @param {number[]} rows
   */
  function find(rows) {
    if (!views) return;
    const { of } = functionsOf(base.model);
    views.state.found = new FoundFunctions(views.model, of, rows.map((row) => of[row]));
  }

  /** @param {boolean} isIt */
  function show(isIt) {
    isShown = isIt;
    for (const way of ways) way.checked = (way.value === "bottom-up") === isIt;
    part("top-down").hidden = part("scope-tree").hidden = part("own-key").hidden = isIt;
    part("bottom-up").hidden = part("callers-tree").hidden = !isIt;
    if (isIt) views ??= made();
    shown();
  }
  for (const way of ways) way.addEventListener("change", () => {
    show(way.value === "bottom-up");
    if (isShown) link(false);
    else left();
  });

  return {
    isShown: () => isShown,
    show,
    link,
    /** @param {boolean} isIt whether it can be chosen */
    allow: (isIt) => ways.forEach((way) => { way.disabled = !isIt && way.value === "bottom-up"; }),
    draw,
    /** Draws what has come into sight. */
    open: () => views?.tree.open(),
    /**
     * Marks functions of `rows`, which a search found.
     * @param {number[]} rows
     */
    mark(rows) {
      find(rows);
      views?.flame.mark();
      views?.tree.draw();
    },
    /**
     * Whether the address names this view, which then is shown.
     * @param {string} hash
     */
    follow(hash) {
      const named = LINK.exec(hash);
      if (!named) return false;
      show(true);
      if (!views) return true;
      const { model, acts, state } = views;
      let row = 0;
      if (named[1] !== undefined) {
        // The chain is made on the way to it; each scope is in one of those below another.
        const scope = base.model.rowOf.get(Number(named[1]));
        for (let callers = 0; scope !== undefined && callers <= Number(named[2]); callers += 1) {
          const next = childrenOf(model, row).find((child) => model.chains[child].rows.includes(scope));
          if (next === undefined) break;
          row = next;
        }
      }
      if (row !== state.top) acts.zoom(row, true);
      else link(true);
      if (named[1] !== undefined && row === 0) sayDead(hash);
      acts.activate(row);
      // Who comes from a row of this panel stays there.
      part("scopes").scrollIntoView({ block: "nearest" });
      return true;
    },
    /**
     * The scopes have other rows now.
     * @param {number[]} found
     */
    renew(found) {
      if (!views) return;
      const { model, state, flame, tree } = views;
      const isLinked = isBottomUp(target());
      const { places, nearest } = renewTurned(model, base.model);
      state.metric = base.metric;
      find(found);
      [state.top, state.active] = [nearest[state.top], nearest[state.active]];
      if (isLinked) link(true);
      flame.renew(places);
      tree.renew(places);
    },
  };
}

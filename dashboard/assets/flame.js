// @ts-check
// The flame graph of scopes: the root on top, a box's width its inclusive figure, the foot of a box what is its own.
// What is narrower than two pixels is folded into a box of its own beside its siblings, which says how much it stands for.
//
// Lengths are shares of the graph's width, so that it follows the window; the reader of the page's tests computes each
// again from the document (`data-flame` names the figure, `data-top` the scope over the whole width).
import { count, name } from "./figure.js";
import { escaped, figureHtml } from "./hbs.js";
import { countText } from "./units.js";
import {
  flameBoxes, metricName, rowName, rowNamed, scopeColour, scopeFigure, scopePath, shareFigure, shareOfSum, sumFigure,
  unlistedFigure, wholeName,
} from "./scope_model.js";

/** @typedef {import("./scope_model.js").Box} Box */
/** @typedef {import("./scope_model.js").Metric} Metric */
/** @typedef {import("./scope_model.js").ScopeModel} ScopeModel */
/** @typedef {import("./figure.js").Figure} Figure */
/**
 * @typedef {object} ScopeState what all views of the scopes show
 * @property {ScopeModel} model @property {Metric} metric
 * @property {number} top row over the whole width of the flame graph
 * @property {number} active row that the reader is at
 * @property {Set<number>} found rows that a search found
 * @property {(box: Box) => string} [told] what a box is, where its rows are no scopes
 */
/**
 * @typedef {object} ScopeActs
 * @property {(row: number) => void} activate @property {(row: number) => void} zoom @property {(row: number) => void} list
 */

/** What is narrower is folded, in pixels. */
const LEAST_PX = 2;

/** Boxes below this width have no gap beside them; from the others on they have room for a name, and for their figure
 * beside it; in pixels. */
const [THIN_PX, NAME_PX, FIGURE_PX] = [4, 22, 190];

/** Boxes at most: where there are more, they are folded from one and a half of the width on, and so on. 4,096 scopes, 60 deep,
 * had 1,350 in a wide window, and 15,000 of callers, for below each function stand all up to the root. */
const [MOST_BOXES, FEW_ABREAST] = [600, 16];

/** Fewer boxes glide to their place; with 380 of them that took 40 ms of each change. */
const FEW_BOXES = 120;

/** Height of a row of boxes, a gap of one pixel included, and of a box's foot; the boxes' own height is in scopes.css. */
const [BOX_PX, FOOT_PX] = [23, 4];

/**
 * A count of rows of ours, with the rows that it counts.
 * @param {ScopeModel} model @param {number[]} rows
 */
export function countedHtml(model, rows) {
  const indices = rows.map((row) => model.data.index[row]).join(" ");
  return `<span data-counted="${indices}">${countText(rows.length)}</span>`;
}

/**
 * Bytes to the last one, where the figure itself rounds them.
 * @param {Figure} figure
 */
export function exactHtml(figure) {
  if (figure.title === null || figure.bound !== null || !figure.title.endsWith("bytes")) return "";
  return ` <small>${figureHtml({ ...figure, text: figure.title, title: null, error: null })}</small>`;
}

/** @param {ScopeModel} model @param {number} row */
export function placeHtml(model, row) {
  const { data } = model;
  const file = data.file[row];
  if (file === null) return "";
  const line = data.line[row];
  const number = line === null ? "" : `:${figureHtml(name(`/scopes/${model.turned?.scopeOf(row) ?? data.index[row]}/line`, line))}`;
  return `<span class="place">${escaped(data.files[file])}${number}</span>`;
}

/** @param {string} label @param {string} figures */
export const fact = (label, figures) => `<span class="fact"><span>${label}</span> ${figures}</span>`;

/**
 * What a box is, in words and figures.
 * @param {ScopeState} state @param {Box | { row: number, kind: "scope", folded: number[] }} box
 */
function readoutHtml({ model, metric }, box) {
  const { row } = box;
  const called = escaped(wholeName(model.data, row));
  if (box.kind === "more") {
    const sum = sumFigure(model, metric, box.folded);
    return `<b>${countedHtml(model, box.folded)} more below ${called}</b><span class="facts">`
      + fact("together", figureHtml(sum) + exactHtml(sum)) + fact(`of ${called}`, figureHtml(shareOfSum(model, metric, box.folded, row)))
      + fact("", "each too narrow to draw; zoom in or see the tree") + "</span>";
  }
  if (box.kind === "unlisted") {
    const rest = unlistedFigure(model, metric, row);
    return `<b>Below ${called}, in scopes that are not listed</b><span class="facts">${fact("together", figureHtml(rest) + exactHtml(rest))}</span>`;
  }
  const parent = model.data.parent[row];
  const inclusive = scopeFigure(model, metric, row, "inclusive");
  const exclusive = scopeFigure(model, metric, row, "exclusive");
  const key = model.data.keys[model.data.key[row]];
  return `<b>${called}</b> <span class="where">${key ? `<code>${escaped(key)}</code> ` : ""}${placeHtml(model, row)}</span><span class="facts">`
    + fact("inclusive", figureHtml(inclusive) + exactHtml(inclusive)) + fact("exclusive", figureHtml(exclusive) + exactHtml(exclusive))
    + (!parent ? "" : fact(`of ${escaped(wholeName(model.data, parent))}`, figureHtml(shareFigure(model, metric, row, parent))))
    + (parent === null ? "" : fact(model.thread ? "of all of the thread" : "of all", figureHtml(shareFigure(model, metric, row, 0))))
    + fact("calls", figureHtml(callsFigure(model, row))) + "</span>";
}

/** @param {ScopeModel} model @param {number} row @returns {Figure} */
export const callsFigure = (model, row) =>
  (model.turned ?? model.thread)?.calls(row) ?? count(`/scopes/${model.data.index[row]}/calls`, model.data.calls[row]);

/** @param {Box} box */
const boxKey = (box) => (box.kind === "scope" ? "" : `${box.kind}-`) + box.row;

/**
 * Draws into `graph`, tells of a box in `readout` and of the way to the top in `path`.
 * @param {{ graph: HTMLElement, readout: HTMLElement, path: HTMLElement }} places @param {ScopeState} state @param {ScopeActs} acts
 * @param {number} [widthNow] where it is known
 */
export function flameGraph({ graph, readout, path }, state, acts, widthNow = graph.clientWidth) {
  const { model } = state;
  /** @type {Map<string, HTMLElement>} */
  let elements = new Map();
  /** @type {WeakMap<Element, Box>} */
  const boxOf = new WeakMap();
  /** What each element reads, as HTML. @type {WeakMap<Element, string>} */
  const labels = new WeakMap();
  /** @type {Box[]} */
  let boxes = [];
  // Kept, for to ask for it after a change makes the browser lay out everything at once.
  let width = Math.max(widthNow, 1);
  /**
   * The box under the keys, which may be no scope's.
   * @type {string}
   */
  let cursor = "";
  /** The rows that a search found, and all above them, where rows are scopes. */
  let around = { found: state.found, rows: /** @type {Set<number>} */ (new Set()) };
  /** The box under the pointer. */
  let pointed = /** @type {Box | null} */ (null);

  function draw() {
    const finest = Math.max(1, Math.floor(width / LEAST_PX));
    let least = finest;
    // With few side by side it is their depth that makes them many.
    const boxesNow = () => flameBoxes(model, state.metric, state.top, 1 / least, 1 / finest, least > FEW_ABREAST ? MOST_BOXES : Infinity);
    boxes = boxesNow();
    while (boxes.length > MOST_BOXES && least > FEW_ABREAST) {
      least = Math.floor(least / 1.5);
      boxes = boxesNow();
    }
    /** @type {Map<string, HTMLElement>} */
    const drawn = new Map();
    let deepest = 0;
    for (const box of boxes) {
      deepest = Math.max(deepest, box.depth);
      const key = boxKey(box);
      const element = elements.get(key) ?? newBox(box, key);
      place(element, box);
      boxOf.set(element, box);
      drawn.set(key, element);
    }
    for (const [key, element] of elements) if (!drawn.has(key)) element.remove();
    // In the order of the tree, for what reads the page aloud; what stays is not moved.
    let last = /** @type {Element | null} */ (null);
    for (const element of drawn.values()) {
      const next = last ? last.nextElementSibling : graph.firstElementChild;
      if (next !== element) graph.insertBefore(element, next);
      last = element;
    }
    elements = drawn;
    graph.dataset[model.turned ? "turned" : "flame"] = state.metric.field;
    if (state.metric.thread === undefined) delete graph.dataset.thread;
    else graph.dataset.thread = String(state.metric.thread);
    graph.dataset.top = rowName(model, state.top);
    [graph.dataset.least, graph.dataset.finest] = [String(least), String(finest)];
    // No custom property, which each box would inherit anew.
    graph.style.height = `${(deepest + 1) * BOX_PX}px`;
    graph.classList.toggle("empty", boxes.length === 0);
    graph.classList.toggle("few", boxes.length < FEW_BOXES);
    drawPath();
    mark();
  }

  /** @param {Box} box @param {string} key */
  function newBox(box, key) {
    const element = document.createElement("div");
    element.id = `${graph.id}-${key}`;
    element.setAttribute("role", "treeitem");
    element.className = `box ${box.kind === "scope" ? scopeColour(model, box.row) : box.kind === "more" ? "narrow" : "unlisted"}`;
    return element;
  }

  /** @param {HTMLElement} element @param {Box} box */
  function place(element, box) {
    /** @param {number} share */
    const percent = (share) => `${(share * 100).toFixed(4)}%`;
    element.setAttribute("style", `left:${percent(box.left)};width:${percent(box.width)};top:${box.depth * BOX_PX}px;background-size:${percent(box.own)} ${FOOT_PX}px`);
    element.setAttribute("aria-level", String(box.depth + 1));
    if (box.kind === "scope") element.dataset.scope = rowName(model, box.row);
    else element.dataset.below = rowName(model, box.row);
    if (box.kind === "more") element.dataset.folded = box.folded.map((row) => rowName(model, row)).join(" ");
    const px = box.width * width;
    element.classList.toggle("thin", px < THIN_PX);
    const name = box.kind === "scope" ? wholeName(model.data, box.row) : box.kind === "more" ? "more" : "not listed";
    const hasRoom = px >= NAME_PX;
    const figure = px >= FIGURE_PX && box.kind === "scope" ? ` ${figureHtml(scopeFigure(model, state.metric, box.row, "inclusive"))}` : "";
    const label = hasRoom ? `<span class="label">${escaped(name)}${figure}</span>` : "";
    // Most read after a zoom what they read before it.
    if (labels.get(element) === label) return;
    labels.set(element, label);
    element.innerHTML = label;
    if (hasRoom) element.removeAttribute("aria-label");
    else element.setAttribute("aria-label", name);
  }

  /** The way from the root to the top, each step a way out. */
  function drawPath() {
    const steps = scopePath(model, state.top);
    path.hidden = steps.length < 2;
    path.innerHTML = steps.map((row, step) => {
      const name = escaped(wholeName(model.data, row));
      const last = step === steps.length - 1;
      return last ? `<li aria-current="true">${name}</li>` : `<li><button type="button" data-scope="${rowName(model, row)}">${name}</button></li>`;
    }).join("");
  }

  /** @param {Box} box */
  function isFound({ kind, row, folded }) {
    if (kind === "scope") return state.found.has(row);
    // Of a chain, all below begin with the same function.
    return folded.some((row) => (model.turned ? state.found : around.rows).has(row));
  }

  /** Shows where the reader is and what a search found; nothing else changes. */
  function mark() {
    if (around.found !== state.found && !model.turned) {
      around = { found: state.found, rows: new Set() };
      for (const row of state.found) {
        for (let at = /** @type {number | null} */ (row); at !== null && !around.rows.has(at); at = model.data.parent[at]) around.rows.add(at);
      }
    }
    graph.classList.toggle("searching", state.found.size > 0);
    const at = elements.get(cursor) ?? elements.get(String(state.active)) ?? elements.values().next().value;
    for (const element of elements.values()) {
      const box = /** @type {Box} */ (boxOf.get(element));
      element.classList.toggle("found", isFound(box));
      element.classList.toggle("at", element === at);
    }
    if (at) graph.setAttribute("aria-activedescendant", at.id);
    else graph.removeAttribute("aria-activedescendant");
    tell(at ? boxOf.get(at) : undefined);
  }

  /** @param {Box | undefined} box */
  function tell(box) {
    const label = metricName(state.metric).label;
    const whose = model.thread ? " of this thread" : "";
    readout.innerHTML = box
      ? state.told?.(box) ?? readoutHtml(state, box)
      : state.top === 0
        ? `Nothing to draw: no scope has any of “${label}”${whose}.`
        : `Nothing to draw: ${escaped(wholeName(model.data, state.top))}, with all below, has none of “${label}”${whose}. Esc goes out.`;
  }

  /** @param {Event} event */
  const boxAt = (event) => {
    const element = /** @type {Element} */ (event.target).closest(".box");
    return element ? boxOf.get(element) : undefined;
  };

  /** @param {Box} box */
  function enter(box) {
    if (box.kind === "scope" && box.row !== state.top) return acts.zoom(box.row);
    if (box.kind === "scope") return acts.zoom(model.data.parent[box.row] ?? box.row);
    if (box.row !== state.top) return acts.zoom(box.row);
    acts.list(box.row);
  }

  /** @param {Box} box */
  function moveTo(box) {
    cursor = boxKey(box);
    if (box.kind === "scope") acts.activate(box.row);
    mark();
    elements.get(cursor)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /**
   * The box to which a key leads.
   * @param {string} key @param {Box} box @returns {Box | undefined}
   */
  function neighbour(key, box) {
    /** @param {Box} other */
    const above = (other) => (other.kind === "scope" ? model.data.parent[other.row] : other.row);
    const siblings = boxes.filter((other) => other.depth === box.depth && above(other) === above(box));
    siblings.sort((a, b) => a.left - b.left);
    const place = siblings.indexOf(box);
    switch (key) {
      case "ArrowDown": return boxes.filter((other) => other.depth === box.depth + 1 && above(other) === box.row && box.kind === "scope")
        .sort((a, b) => a.left - b.left)[0];
      case "ArrowUp": return boxes.find((other) => other.kind === "scope" && other.row === above(box));
      case "ArrowRight": return siblings[place + 1];
      case "ArrowLeft": return siblings[place - 1];
      case "Home": return boxes[0];
      default: return undefined;
    }
  }

  graph.addEventListener("click", (event) => {
    const box = boxAt(event);
    // The second press of two would undo what the first one did.
    if (!box || event.detail > 1) return;
    cursor = boxKey(box);
    if (box.kind === "scope") acts.activate(box.row);
    enter(box);
  });
  graph.addEventListener("pointerover", (event) => {
    const box = boxAt(event);
    pointed = box ?? null;
    if (box) tell(box);
  });
  graph.addEventListener("pointerleave", () => {
    pointed = null;
    mark();
  });
  graph.addEventListener("keydown", (event) => {
    const at = graph.querySelector(".at");
    const box = at ? boxOf.get(at) : undefined;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Out of what is zoomed to there is a way also where it has nothing to draw.
    if (event.key === "Escape") {
      if (state.top === 0) return;
      acts.zoom(0);
    } else if (event.key === "ArrowUp" && (!box || (box.row === state.top && box.kind === "scope"))) {
      const parent = model.data.parent[state.top];
      if (parent !== null) {
        acts.zoom(parent);
        acts.activate(parent);
      }
    } else if (!box) {
      return;
    } else if (event.key === "Enter" || event.key === " ") {
      enter(box);
    } else {
      const next = neighbour(event.key, box);
      if (next) moveTo(next);
      else if (!event.key.startsWith("Arrow")) return;
    }
    event.preventDefault();
  });
  path.addEventListener("click", (event) => {
    const step = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button"));
    if (!step) return;
    acts.zoom(/** @type {number} */ (rowNamed(model, step.dataset.scope)));
    graph.focus();
  });
  new ResizeObserver(() => {
    if (graph.clientWidth === 0 || graph.clientWidth === width) return;
    width = graph.clientWidth;
    draw();
  }).observe(graph);

  return {
    draw,
    mark,
    width: () => width,
    /**
     * Draws what the model is now; rows have other numbers. What the reader was told of is told anew.
     * @param {(number | null)[]} places by the number that a row had
     */
    renew(places) {
      /** @param {Box} box */
      const keyNow = (box) => (places[box.row] === null ? null : boxKey({ ...box, row: /** @type {number} */ (places[box.row]) }));
      /** @type {Map<string, HTMLElement>} */
      const kept = new Map();
      let cursorNow = "";
      for (const [key, element] of elements) {
        const now = keyNow(/** @type {Box} */ (boxOf.get(element)));
        if (now === null) element.remove();
        else kept.set(now, element).get(now)?.setAttribute("id", `${graph.id}-${now}`);
        if (key === cursor) cursorNow = now ?? "";
      }
      [elements, cursor] = [kept, cursorNow];
      const looked = pointed && keyNow(pointed);
      draw();
      const element = looked === null ? undefined : elements.get(looked);
      pointed = (element && boxOf.get(element)) ?? null;
      if (pointed) tell(pointed);
    },
    /** Leaves what is no scope's box. */
    follow() {
      cursor = String(state.active);
      mark();
    },
  };
}

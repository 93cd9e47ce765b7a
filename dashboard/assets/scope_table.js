// @ts-check
// The scopes as a tree and as a table of all of them: only the rows within sight are in the page.
//
// The rows are one list of numbers, whatever is shown; the grid has the focus and names the row that the reader is at
// (`aria-activedescendant`), so that a row may leave the page without taking the focus along.
import { countText } from "./units.js";
import { escaped, figureHtml } from "./hbs.js";
import { bytes } from "./figure.js";
import { callsFigure, placeHtml } from "./flame.js";
import {
  amount, childrenBy, childrenOf, isEstimated, isMeasured, metricName, rowName, rowNamed, scopeFigure, scopeName, scopePath, scopePointer,
  shareFigure, wholeName,
} from "./scope_model.js";
import { held, heldFigure, highest, momentFigure } from "./scope_range.js";

/** @typedef {import("./scope_model.js").Metric} Metric */
/** @typedef {import("./scope_model.js").Part} Part */
/** @typedef {import("./scope_model.js").ScopeModel} ScopeModel */
/** @typedef {{ id: string, title: string, key: (row: number) => number, html: (row: number) => string }} TableColumn `key`: what it sorts by */
/** @typedef {import("./flame.js").ScopeState} ScopeState */
/** @typedef {{ model: import("./scope_model.js").NamedRows, active: number, found: Set<number> }} GridState what a grid of rows knows of them */
/** @typedef {{ held: (row: number, moment: number) => bigint | null, figure: (row: number, moment: number) => import("./figure.js").Figure }} HeldRows */
/** @typedef {import("./flame.js").ScopeActs} ScopeActs */

/** Rows above and below the window that are drawn too, so that scrolling shows no gap. */
const ROWS_AROUND = 8;
/** Rows that print at most. */
const ROWS_ON_PAPER = 100;
/** Steps of indentation at most: there is no room for more. */
const DEEPEST_INDENT = 24;
/** Scopes with at least this share of all are open at first. */
const OPEN_SHARE = 0.2;

/**
 * A grid of rows of one height.
 * @param {HTMLElement} grid with a header and a body
 * @param {{ prefix: string, rows: () => number[], rowHtml: (row: number, place: number) => string, state: GridState, acts: Pick<ScopeActs, "activate" | "zoom">,
 *   key?: (key: string, row: number) => number | null }} view
 */
export function scopeGrid(grid, { prefix, rows, rowHtml, state, acts, key }) {
  const body = /** @type {HTMLElement} */ (grid.querySelector(".rows"));
  /** @type {number[]} */
  let shown = [];
  let onPaper = false;

  // What is read of the page is kept: to ask for it after a change makes the browser lay out everything at once.
  const head = /** @type {HTMLElement} */ (grid.querySelector(".head-row"));
  let [rowPx, headPx, roomPx, scrolledPx] = [1, 0, 0, 0];
  function measure() {
    rowPx = Number(getComputedStyle(grid).getPropertyValue("--row-px"));
    headPx = head.offsetHeight;
    roomPx = grid.clientHeight;
    scrolledPx = grid.scrollTop;
  }

  function draw() {
    shown = rows();
    grid.setAttribute("aria-rowcount", String(shown.length + 1));
    body.style.setProperty("--rows", String(onPaper ? Math.min(shown.length, ROWS_ON_PAPER) : shown.length));
    scrolledPx = Math.min(scrolledPx, Math.max(0, headPx + shown.length * rowPx - roomPx));
    fill();
  }

  /** Draws the rows within sight; none where the grid itself is out of it. */
  function fill() {
    const first = onPaper ? 0 : Math.max(0, Math.floor(scrolledPx / rowPx) - ROWS_AROUND);
    const count = onPaper ? ROWS_ON_PAPER : roomPx === 0 ? 0 : Math.ceil(roomPx / rowPx) + 2 * ROWS_AROUND;
    const within = shown.slice(first, first + count);
    body.innerHTML = within.map((row, place) => rowHtml(row, first + place)).join("");
    if (within.includes(state.active)) grid.setAttribute("aria-activedescendant", prefix + state.active);
    else grid.removeAttribute("aria-activedescendant");
  }

  /** Brings the row that the reader is at into sight. */
  function reveal() {
    const place = shown.indexOf(state.active);
    // With more rows than before the grid itself may have grown.
    measure();
    if (place < 0 || roomPx === 0) return;
    const [top, bottom] = [place * rowPx, (place + 1) * rowPx - (roomPx - headPx)];
    if (top >= scrolledPx && bottom <= scrolledPx) return;
    scrolledPx = top < scrolledPx ? top : bottom;
    fill();
    grid.scrollTop = scrolledPx;
  }

  let isDue = false;
  grid.addEventListener("scroll", () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      if (scrolledPx === grid.scrollTop) return;
      scrolledPx = grid.scrollTop;
      fill();
    });
  }, { passive: true });
  new ResizeObserver(() => {
    const before = [rowPx, roomPx];
    measure();
    if (before[0] !== rowPx || before[1] !== roomPx) draw();
  }).observe(grid);

  grid.addEventListener("keydown", (event) => {
    if (event.target !== grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = shown.indexOf(state.active);
    const page = Math.max(1, Math.floor(roomPx / rowPx) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -shown.length, End: shown.length };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    const own = key?.(event.key, state.active) ?? null;
    if (step !== undefined) {
      acts.activate(shown[Math.max(0, Math.min(shown.length - 1, place + step))]);
      reveal();
    } else if (own !== null) {
      acts.activate(own);
      reveal();
    } else if (event.key === "Enter") {
      acts.zoom(state.active);
    } else {
      return;
    }
    event.preventDefault();
  });
  /** @param {Event} event */
  const rowAt = (event) => {
    const element = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("[data-scope]"));
    return element ? /** @type {number} */ (rowNamed(state.model, element.dataset.scope)) : null;
  };
  grid.addEventListener("click", (event) => {
    const row = rowAt(event);
    if (row === null) return;
    const isTwisty = /** @type {Element} */ (event.target).closest(".twisty") !== null;
    if (isTwisty) key?.("toggle", row);
    acts.activate(row);
  });
  grid.addEventListener("dblclick", (event) => {
    const row = rowAt(event);
    if (row !== null) acts.zoom(row);
  });
  window.addEventListener("beforeprint", () => {
    onPaper = true;
    draw();
    if (shown.length > ROWS_ON_PAPER) grid.dataset.more = countText(shown.length - ROWS_ON_PAPER);
  });
  window.addEventListener("afterprint", () => {
    onPaper = false;
    delete grid.dataset.more;
    draw();
  });
  return {
    draw,
    fill,
    reveal,
    /**
     * The row below.
     * @param {number} row
     */
    after: (row) => shown[shown.indexOf(row) + 1] ?? row,
    /** Draws what has come into sight. */
    open() {
      draw();
      measure();
      fill();
    },
  };
}

/** @param {ScopeState} state @param {Metric} metric @param {number} row @param {Part} part */
export function barHtml({ model }, metric, row, part) {
  const [value, whole] = [amount(model, metric, row, part), amount(model, metric, 0, "inclusive")];
  const width = whole === 0 ? 0 : (value / whole) * 100;
  const from = `${scopePointer(model, metric, row, part)} / ${scopePointer(model, metric, 0, "inclusive")}`;
  return `<i class="bar" aria-hidden="true"><i style="width:${width.toFixed(2)}%" data-width="${from}"></i></i>`;
}

/** @param {string} prefix @param {GridState} state @param {number} row @param {number} place @param {string} more attributes */
export function rowStart(prefix, state, row, place, more) {
  const classes = [row === state.active ? "at" : "", state.found.has(row) ? "found" : ""].join(" ").trim();
  return `<div role="row" id="${prefix}${row}" class="${classes}" aria-rowindex="${place + 2}" aria-selected="${row === state.active}" `
    + `data-scope="${rowName(state.model, row)}"${more}`;
}

/**
 * The tree, by the chosen figure.
 * @param {HTMLElement} grid @param {ScopeState} state @param {ScopeActs} acts
 */
export function scopeTree(grid, state, acts) {
  const { model } = state;
  const prefix = `${grid.dataset.prefix}-`;
  /** @type {Set<number>} */
  const open = new Set([0]);
  model.data.index.forEach((_, row) => {
    if (amount(model, state.metric, row, "inclusive") >= OPEN_SHARE * amount(model, state.metric, 0, "inclusive")) open.add(row);
  });

  function rows() {
    const shown = [];
    const ahead = [0];
    for (let row = ahead.pop(); row !== undefined; row = ahead.pop()) {
      shown.push(row);
      if (open.has(row)) ahead.push(...[...childrenBy(model, state.metric, row)].reverse());
    }
    return shown;
  }

  /** @param {number} row @param {number} place */
  function rowHtml(row, place) {
    const hasBelow = childrenOf(model, row).length > 0;
    const expanded = hasBelow ? ` aria-expanded="${open.has(row)}"` : "";
    const depth = model.depth[row];
    const start = rowStart(prefix, state, row, place, ` aria-level="${depth + 1}"${expanded} style="--row:${place};--indent:${Math.min(depth, DEEPEST_INDENT)}"`);
    return `${start}><span role="gridcell" class="name"><i class="twisty" aria-hidden="true"></i><b>${escaped(wholeName(model.data, row))}</b> ${placeHtml(model, row)}</span>`
      + `<span role="gridcell" class="num calls">${figureHtml(callsFigure(model, row))}</span>`
      + (model.turned ? `<span role="gridcell" class="num">${figureHtml(shareFigure(model, state.metric, row, scopePath(model, row)[depth > 1 ? 1 : 0]))}</span>`
        : `<span role="gridcell" class="num">${figureHtml(scopeFigure(model, state.metric, row, "exclusive"))}${barHtml(state, state.metric, row, "exclusive")}</span>`)
      + `<span role="gridcell" class="num">${figureHtml(scopeFigure(model, state.metric, row, "inclusive"))}${barHtml(state, state.metric, row, "inclusive")}</span></div>`;
  }

  /**
   * The row to go to by a key of trees; null: none.
   * @param {string} name @param {number} row @returns {number | null}
   */
  function key(name, row) {
    const below = childrenBy(model, state.metric, row);
    const isOpen = open.has(row) && below.length > 0;
    if (name === "toggle") {
      if (isOpen) open.delete(row);
      else open.add(row);
      view.draw();
      return row;
    }
    if (name === "ArrowRight") return isOpen ? below[0] : below.length > 0 ? key("toggle", row) : row;
    if (name === "ArrowLeft") return isOpen ? key("toggle", row) : model.data.parent[row] ?? row;
    return null;
  }

  const view = scopeGrid(grid, { prefix, rows, rowHtml, state, acts, key });
  return {
    ...view,
    /**
     * Opens all above the row that the reader is at, and brings it into sight.
     * @param {boolean} andBelow
     */
    show(andBelow) {
      for (const row of scopePath(model, state.active)) if (andBelow || row !== state.active) open.add(row);
      view.draw();
      view.reveal();
    },
    /**
     * Opens all above `rows`.
     * @param {number[]} rows
     */
    openTo(rows) {
      for (const row of rows) for (const above of scopePath(model, row)) if (above !== row) open.add(above);
      view.draw();
    },
    /**
     * What was open stays open, by the new numbers of rows.
     * @param {(number | null)[]} places by the number that a row had
     */
    renew(places) {
      const still = [...open].map((row) => places[row]);
      open.clear();
      for (const row of still) if (row !== null) open.add(row);
      view.draw();
    },
  };
}

/**
 * What a table says of a range: each row alone. What is not on the page comes last.
 * @param {ScopeModel} model @param {import("./scope_range.js").Span} span @param {HeldRows} rows @returns {TableColumn[]}
 */
export function columnsOf(model, span, { held, figure }) {
  /** @param {string} id @param {string} title @param {(row: number) => number} moment @returns {TableColumn} */
  const column = (id, title, moment) => ({
    id,
    title,
    key: (row) => Number(held(row, moment(row)) ?? -Infinity),
    html: (row) => figureHtml(figure(row, moment(row))),
  });
  const [first, last] = span.map((at) => column(at === span[0] ? "first" : "last", `At ${figureHtml(momentFigure(model, at))}`, () => at));
  const columns = [first, last, column("most", "Highest noted", (row) => highest((moment) => held(row, moment), span))];
  // The ends of an estimate share samples: the error of their difference is not to be had from theirs.
  if (isEstimated(model)) return columns;
  /** @param {number} row */
  const change = (row) => last.key(row) - first.key(row) || 0;
  /** @param {number} row */
  const html = (row) => {
    const ends = span.map((moment) => figure(row, moment));
    const [less, more] = change(row) < 0 ? ends.reverse() : ends;
    if (more.value === null) return figureHtml(more);
    const size = BigInt(more.value) - BigInt(less.value ?? 0);
    return ["\u2212", "", "+"][Math.sign(change(row)) + 1] + figureHtml(bytes(`${more.from} - ${less.from}`, size));
  };
  return [{ id: "change", title: "Change", key: change, html }, ...columns];
}

/**
 * The head of a table, which sorts by each of its columns.
 * @param {HTMLElement} grid @param {string} title of the rows' names @param {TableColumn[]} columns @param {string} sortedBy
 * @param {() => void} draw
 */
export function sortedColumns(grid, title, columns, sortedBy, draw) {
  let descending = true;
  const head = /** @type {HTMLElement} */ (grid.querySelector(".head-row"));
  function titles() {
    head.innerHTML = [{ id: "name", title }, ...columns].map(({ id, title }) =>
      `<span role="columnheader" class="${id === "name" ? "name" : "num"}"><button type="button" data-sort="${id}">${title}</button></span>`).join("");
  }
  head.addEventListener("click", (event) => {
    const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest("button"));
    if (!button) return;
    const id = /** @type {string} */ (button.dataset.sort);
    // Names from their start, figures from the greatest.
    descending = id === sortedBy ? !descending : id !== "name";
    sortedBy = id;
    draw();
    grid.scrollTop = 0;
  });
  titles();
  return {
    columns: () => columns,
    /**
     * `rows` in the chosen order, which the head shows.
     * @param {number[]} rows @param {(row: number) => string} nameOf
     */
    sort(rows, nameOf) {
      for (const cell of head.querySelectorAll("[role=columnheader]")) {
        const isIt = /** @type {HTMLElement} */ (cell.firstElementChild).dataset.sort === sortedBy;
        if (isIt) cell.setAttribute("aria-sort", descending ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      }
      /** @type {(row: number) => number | string} */
      const sortKey = columns.find(({ id }) => id === sortedBy)?.key ?? nameOf;
      /** @type {Map<number, number | string>} */
      const keys = new Map(rows.map((row) => [row, sortKey(row)]));
      const key = (/** @type {number} */ row) => /** @type {number | string} */ (keys.get(row));
      const sign = descending ? -1 : 1;
      return rows.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : a - b));
    },
    /**
     * Shows other columns. The caller draws.
     * @param {TableColumn[]} now @param {string} [by] what they are sorted by, if by something else than before
     */
    use(now, by = sortedBy) {
      sortedBy = by;
      const before = columns.map(({ id, title }) => id + title).join();
      columns = now;
      if (!columns.some(({ id }) => id === sortedBy) && sortedBy !== "name") [sortedBy, descending] = [columns[0].id, true];
      if (columns.map(({ id, title }) => id + title).join() !== before) titles();
    },
  };
}

/**
 * The table of all scopes and figures; of a range, what they held in it.
 * @param {HTMLElement} grid @param {ScopeState} state @param {ScopeActs} acts
 */
export function scopeTable(grid, state, acts) {
  const { model } = state;
  /** The figure whose columns stand first. */
  let { field } = state.metric;
  /** @returns {TableColumn[]} */
  function wholeColumns() {
    const isFirst = (/** @type {Metric} */ metric) => Number(metric.field === field);
    const metrics = model.metrics.filter(isMeasured).sort((a, b) => isFirst(b) - isFirst(a));
    const measured = metrics.flatMap((metric) => /** @type {const} */ (["exclusive", "inclusive"]).map((part) => ({
      id: `${part} ${metric.field}`,
      title: `${metricName(metric).label} <small>${part}</small>`,
      key: (/** @type {number} */ row) => amount(model, metric, row, part),
      html: (/** @type {number} */ row) => figureHtml(scopeFigure(model, metric, row, part)),
    })));
    return [
      ...measured.slice(0, 2),
      { id: "calls", title: "Calls", key: (row) => Number(callsFigure(model, row).value), html: (row) => figureHtml(callsFigure(model, row)) },
      ...measured.slice(2),
    ];
  }
  let whole = wholeColumns();
  /** @param {number} row of a range each is told alone */
  const nameOf = (row) => (sorted.columns() === whole ? wholeName : scopeName)(model.data, row);
  const sorted = sortedColumns(grid, "Scope", whole, `inclusive ${field}`, () => view.draw());

  function rows() {
    if (sorted.columns() === whole && field !== state.metric.field) {
      ({ field } = state.metric);
      whole = wholeColumns();
      sorted.use(whole, `inclusive ${field}`);
    }
    const found = state.found.size > 0 ? [...state.found] : model.data.index.map((_, row) => row);
    return sorted.sort(found, nameOf);
  }

  /** @param {number} row @param {number} place */
  function rowHtml(row, place) {
    const cells = sorted.columns().map(({ html }) => `<span role="gridcell" class="num">${html(row)}</span>`);
    return `${rowStart("table-", state, row, place, ` style="--row:${place}"`)}><span role="gridcell" class="name"><b>${escaped(nameOf(row))}</b> ${placeHtml(model, row)}</span>${cells.join("")}</div>`;
  }

  const view = scopeGrid(grid, { prefix: "table-", rows, rowHtml, state, acts });
  return {
    ...view,
    /**
     * Speaks of `span`; null: of the whole recording. The caller draws.
     * @param {import("./scope_range.js").Span | null} span
     */
    follow(span) {
      sorted.use(span ? columnsOf(model, span, { held: (row, at) => held(model, row, at), figure: (row, at) => heldFigure(model, row, at) }) : whole);
      grid.classList.toggle("ranged", span !== null);
    },
    /** What is measured may be more than before. */
    renew() {
      whole = wholeColumns();
      sorted.use(whole);
      view.draw();
    },
  };
}

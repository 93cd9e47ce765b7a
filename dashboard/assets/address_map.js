// @ts-check
// The memory map by address: the cells of each region; what is pointed at is read out below. Arrow keys move from one to the
// next. A recording without such a map has its blocks, by `memory_map.js`.
import { address, bytes, count, ms, name, share } from "./figure.js";
import { escaped, figureHtml } from "./hbs.js";
import { island } from "./island.js";
import { unpacked } from "./packed.js";
import { onRange } from "./range.js";
import { scopeModel, scopeName, scopePath } from "./scope_model.js";
import { countText } from "./units.js";

/**
 * @typedef {object} Cell as `Drawn::cells` of `src/view/address_map.rs` has it
 * @property {number} index into the document's cells
 * @property {number} start @property {number} bytes @property {number} live @property {number} blocks @property {number} young
 * @property {number} scope @property {number} ofScope @property {number} thread @property {number} ofThread -1: not told
 * @property {number} oldest @property {number} newest
 * @property {number} variable -1: no tracked one @property {number} ofVariable -1: not told
 */
/** @typedef {{ start: number, end: number, slots: number, cell: Cell | null, from: string }} Stretch `from`: its first address */

const NUMBERS = 13;
/** Slots that a long cell, and a long hole, are drawn as at most. */
const MOST_SLOTS = { cell: 24, hole: 12 };
/** Blocks told of under a cell. */
const MOST_BLOCKS = 4;

/** @param {number} part @param {number} whole */
const fifth = (part, whole) => "abcde"[Math.min(Math.max(Math.ceil((part * 5) / whole), 1), 5) - 1];

/**
 * Cells and holes of a region, by address.
 * @param {number} place among the regions that are drawn @returns {Stretch[]}
 */
function stretches(place) {
  const { regions, cells } = island.memory_map.map;
  const [region, start, length, unit, first] = regions[place];
  /** @type {Stretch[]} */
  const found = [];
  let [end, from] = [start, `/memory_map/regions/${region}/start`];
  /** @param {number} to @param {Cell | null} cell */
  const add = (to, cell) => {
    if (to === end) return;
    const slots = Math.min(Math.ceil((to - end) / unit), cell ? MOST_SLOTS.cell : MOST_SLOTS.hole);
    found.push({ start: end, end: to, slots, cell, from });
    end = to;
  };
  const numbers = cells[place];
  for (let at = 0; at < numbers.length; at += NUMBERS) {
    const [hole, size, live, blocks, young, scope, notScope, thread, notThread, oldest, later, variable, notVariable] = numbers.slice(at, at + NUMBERS);
    add(end + hole, null);
    const index = first + at / NUMBERS;
    from = `/memory_map/cells/${index}/start`;
    const [ofScope, ofThread, ofVariable] = [notScope, notThread, notVariable].map((others) => (others < 0 ? -1 : live - others));
    add(end + (size || unit), {
      index, start: end, bytes: size || unit, live, blocks, young, scope, ofScope, thread, ofThread, oldest, newest: oldest + later, variable, ofVariable,
    });
    from = `/memory_map/cells/${index}/start + /memory_map/cells/${index}/bytes`;
  }
  add(start + length, null);
  return found;
}

/** @param {Cell} cell @param {string} by what is coloured @returns {string} its class */
function colour(cell, by) {
  const { thread_colours, scope_colours, variable_colours, elapsed_ms } = island.memory_map.map;
  const rank = (/** @type {number} */ at) => `c${at < 0 ? 7 : at}`;
  if (by === "thread") return rank(thread_colours.indexOf(cell.thread));
  if (by === "scope") return rank(scope_colours.indexOf(cell.scope));
  if (by === "variable") return cell.variable < 0 && cell.ofVariable >= 0 ? "lo" : rank(variable_colours.indexOf(cell.variable));
  if (by === "age") return `l${fifth(cell.newest, elapsed_ms || 1)}`;
  if (by === "young") return cell.young === 0 ? "lo" : `l${fifth(cell.young, cell.blocks)}`;
  return `l${fifth(cell.live, cell.bytes)}`;
}

/** @type {import("./range.js").Range | null} */
let range = null;

/**
 * What is known of a cell's blocks and the range: "" at least one is from it, "off" none, "may" it has older and newer ones, and
 * whether others lie between them the recording does not say.
 * @param {Cell} cell
 */
function ofRange({ oldest, newest }) {
  if (range === null || [oldest, newest].some((ms) => range && ms >= range.fromMs && ms <= range.toMs)) return "";
  return oldest > range.toMs || newest < range.fromMs ? "off" : "may";
}
/** What `ofRange` says, in words. */
const OF_RANGE = { "": "some", off: "none", may: "perhaps some: they are older and newer ones" };

/** @param {Cell} cell @param {string} by */
const classes = (cell, by) => `${colour(cell, by)} ${ofRange(cell)}`.trim();

/** @type {import("./scope_model.js").ScopeModel | null} */
let model = null;

/** @param {number} index into the document's scopes */
function scopeHtml(index) {
  model ??= island.scopes && scopeModel(island.scopes);
  const row = model?.rowOf.get(index);
  if (!model || row === undefined) return index < 0 ? "a scope that the recording does not list" : "a scope that the page does not list";
  const { data } = model;
  const path = scopePath(model, row).slice(1).map((row) => scopeName(data, row)).join(" › ");
  return `<a href="#scope=${index}">${escaped(path || scopeName(data, row))}</a>`;
}

/** @param {number} index into the document's variables */
function variableHtml(index) {
  if (index < 0) return "no tracked variable";
  const { index: all, name, texts } = island.variables;
  const at = all.indexOf(index);
  return at < 0 ? "a variable that the page does not list" : `<a href="#variable=${index}">${escaped(texts[name[at]])}</a>`;
}

/** @type {any[] | null} */
let blocks = null;

/**
 * The largest blocks with bytes in a cell.
 * @param {Cell} cell
 */
function blocksHtml(cell) {
  const { squares } = island.memory_map;
  blocks ??= squares.rows.map((/** @type {any} */ _, /** @type {number} */ position) => unpacked(squares, position));
  const inside = /** @type {any[]} */ (blocks)
    .filter((block) => block.address.value < cell.start + cell.bytes && block.address.value + block.bytes.value > cell.start)
    .sort((a, b) => b.bytes.value - a.bytes.value);
  return inside.slice(0, MOST_BLOCKS).map((block) => {
    const owner = escaped(block.owner);
    const link = block.variable === null ? owner : `<a href="#variable=${block.variable}">${owner}</a>`;
    return `<p><small>large block</small> ${figureHtml(block.address)}, ${figureHtml(block.bytes)}, ${link}, ${escaped(block.scope)}</p>`;
  }).join("");
}

/** @param {Cell} cell */
function cellHtml(cell) {
  const at = `/memory_map/cells/${cell.index}`;
  const of = (/** @type {string} */ field, /** @type {number} */ value) => figureHtml(bytes(`${at}/${field}`, value));
  const young = cell.blocks === 0 ? "" : `, of which ${figureHtml(count(`${at}/young_blocks`, cell.young))} young`;
  const thread = cell.ofThread < 0 ? "threads not told apart"
    : `most by thread ${figureHtml(name(`${at}/thread`, cell.thread))} ${escaped(island.memory_map.map.thread_names[cell.thread] ?? "")} (${of("thread_bytes", cell.ofThread)})`;
  const scope = cell.ofScope < 0 ? "scopes not told apart" : `most in ${scopeHtml(cell.scope)} (${of("scope_bytes", cell.ofScope)})`;
  const variable = cell.ofVariable < 0 ? "variables not told apart" : `most owned by ${variableHtml(cell.variable)} (${of("variable_bytes", cell.ofVariable)})`;
  const moment = (/** @type {string} */ field, /** @type {number} */ value) => figureHtml(ms(`${at}/${field}`, value));
  return `: ${of("live_bytes", cell.live)} live of ${of("bytes", cell.bytes)} (${figureHtml(share(`${at}/live_bytes`, cell.live, `${at}/bytes`, cell.bytes))}); `
    + `blocks that begin here: ${figureHtml(count(`${at}/blocks`, cell.blocks))}${young}; ${variable}; ${scope}; ${thread}; `
    + `oldest block at ${moment("oldest_ms", cell.oldest)}, newest at ${moment("newest_ms", cell.newest)}${range ? `; from the range: ${OF_RANGE[ofRange(cell)]}` : ""}</p>${blocksHtml(cell)}`;
}

/** @param {Stretch} stretch */
function stretchHtml({ start, end, cell, from }) {
  const last = cell ? `${from} + /memory_map/cells/${cell.index}/bytes` : null;
  const range = last === null ? `From ${figureHtml(address(from, start))} on` : `${figureHtml(address(from, start))} to ${figureHtml(address(last, end))}`;
  return cell ? `<p>${range}${cellHtml(cell)}` : `<p>${range}: no live block of the program's</p>`;
}

/** @param {HTMLElement} panel */
function addressMap(panel) {
  const readout = () => /** @type {HTMLElement} */ (document.getElementById("memory-map-readout"));
  const rows = () => /** @type {HTMLElement[]} */ ([...panel.querySelectorAll(".cells")]);
  /** @type {Stretch[][]} */
  let drawn = [];
  let by = "occupancy";
  /**
   * The address to which the reader went in each region, by its row.
   * @type {Map<Element | null, number>}
   */
  let stood = new Map();
  /** What the readout tells: the address, and the HTML; and what it says where it tells of none. */
  let [told, html, invitation] = [/** @type {number | null} */ (null), "", ""];

  /** Draws the cells; on a page that is fed once more, where the reader is at the same addresses as before. */
  function fill() {
    model = blocks = null;
    const [addresses, focused] = [[...stood.values()], stood.get(document.activeElement)];
    stood = new Map();
    drawn = rows().map((row, place) => {
      const found = stretches(place);
      row.innerHTML = found.map(({ slots, cell }) =>
        `<i${cell ? ` class="${classes(cell, by)}" data-cell="${cell.index}"` : ""}${slots > 1 ? ` style="--n:${slots}"` : ""}></i>`).join("");
      row.dataset.by = by;
      row.tabIndex = 0;
      row.setAttribute("role", "slider");
      row.setAttribute("aria-label", `Cells of the region: ${(row.previousElementSibling?.firstChild?.textContent ?? "").trim()}`);
      row.setAttribute("aria-valuemin", "1");
      row.setAttribute("aria-valuemax", String(found.length));
      mark(row, 0);
      return found;
    });
    for (const address of addresses) {
      const place = find(address);
      if (!place) continue;
      stood.set(place.row, address);
      mark(place.row, place.at);
    }
    if (focused !== undefined) find(focused)?.row.focus({ preventScroll: true });
    tellAgain();
  }
  /**
   * Where an address is drawn.
   * @param {number} address
   */
  function find(address) {
    for (const [place, found] of drawn.entries()) {
      const at = found.findIndex(({ start, end }) => start <= address && address < end);
      if (at >= 0) return { row: rows()[place], at };
    }
    return null;
  }
  /** @param {Element | undefined} one */
  const value = (one) => !one?.hasAttribute("data-cell") ? "no live block"
    : `a cell${["off", "may"].filter((name) => one.classList.contains(name)).map((name) => `, blocks from the range: ${name === "off" ? "none" : "perhaps"}`)}`;
  /** @param {HTMLElement} row @param {number} at */
  function mark(row, at) {
    row.setAttribute("aria-valuenow", String(at + 1));
    row.setAttribute("aria-valuetext", value(row.children[at]));
  }
  /** @param {HTMLElement} row @param {number} at @param {number} [address] within it */
  function tell(row, at, address) {
    const stretch = drawn[rows().indexOf(row)][at];
    panel.querySelectorAll(".cells .at").forEach((one) => one.classList.remove("at"));
    row.children[at].classList.add("at");
    mark(row, at);
    if (told === null) invitation = readout().innerHTML;
    told = address ?? stretch.start;
    stood.set(row, told);
    say(stretchHtml(stretch));
    row.setAttribute("aria-describedby", "memory-map-readout");
  }
  /**
   * Set anew only when it changes: it is read out. Who is at one of its links stays there.
   * @param {string} now
   */
  function say(now) {
    if (now === html) return;
    html = now;
    const links = () => [...readout().querySelectorAll("a")];
    const focused = links().findIndex((link) => link === document.activeElement);
    readout().innerHTML = html;
    links()[focused]?.focus({ preventScroll: true });
  }
  /** What was told has other figures now, or is gone. */
  function tellAgain() {
    if (told === null) return;
    const place = find(told);
    if (place) return tell(place.row, place.at, told);
    told = null;
    say(invitation);
  }
  function paint() {
    rows().forEach((row, place) => {
      drawn[place].forEach(({ cell }, at) => {
        if (cell) row.children[at].className = classes(cell, by) + (row.children[at].classList.contains("at") ? " at" : "");
      });
      mark(row, Number(row.getAttribute("aria-valuenow")) - 1);
    });
  }
  panel.addEventListener("pointerover", (event) => {
    const one = /** @type {Element} */ (event.target).closest(".cells i");
    const row = /** @type {HTMLElement | null} */ (one?.parentElement);
    if (one && row) tell(row, [...row.children].indexOf(one));
  });
  panel.addEventListener("keydown", (event) => {
    const row = /** @type {Element} */ (event.target).closest(".cells");
    if (!(row instanceof HTMLElement)) return;
    const at = Number(row.getAttribute("aria-valuenow")) - 1;
    const last = row.children.length - 1;
    const isNew = row.querySelector(".at") === null;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 20, PageUp: at - 20, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    tell(row, isNew && event.key.startsWith("Arrow") ? at : Math.min(Math.max(next, 0), last));
  });
  panel.addEventListener("change", (event) => {
    by = /** @type {HTMLInputElement} */ (event.target).value;
    panel.querySelectorAll("[data-key]").forEach((key) => { /** @type {HTMLElement} */ (key).hidden = key.getAttribute("data-key") !== by; });
    rows().forEach((row) => { row.dataset.by = by; });
    paint();
  });
  // Live blocks that were allocated in the range.
  onRange("memory-map", (chosen) => {
    if (!island.memory_map.map) return null;
    range = chosen;
    paint();
    tellAgain();
    const counted = (/** @type {string} */ how) => drawn.flat().filter(({ cell }) => cell && ofRange(cell) === how).length;
    const said = (/** @type {string} */ how, /** @type {string} */ list) => `<span data-shown="map-regions ${list}">${countText(counted(how))}</span>`;
    return range && `allocated in ${range.html}: in ${said("", "some")} of the cells drawn, perhaps in ${said("may", "may")} more, in ${said("off", "off")} none`;
  });
  return fill;
}

const map = document.getElementById("memory-map");
if (map) {
  const fill = addressMap(map);
  if (island.memory_map.map) fill();
  // A page that is fed has other blocks now, and perhaps other regions: first the data, then the panel.
  document.addEventListener("memscope:panel", (event) => {
    if (/** @type {CustomEvent} */ (event).detail === "memory_map" && island.memory_map.map) fill();
  });
}

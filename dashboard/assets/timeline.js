// @ts-check
// The timeline: what it holds at a moment, and the range of time that is chosen on it, by dragging over the curve or by
// the two handles below it.
import { rangeNamed, sayDead, writeRange } from "./address.js";
import { bytes, ms } from "./figure.js";
import { figureHtml } from "./hbs.js";
import { island, render } from "./island.js";
import { allUnpacked } from "./packed.js";
import { choose } from "./range.js";

/**
 * A point of the curve: its position in percent, and the cells that hold its figures; a recording may have no resident ones.
 * @typedef {{ x: number, at: HTMLElement, live: HTMLElement, resident?: HTMLElement }} Point
 */

/** What the address says of a range: its first and its last millisecond. */
const LINK = /^(\d{1,15})-(\d{1,15})$/;
/** The address follows when the handles rest: a browser takes few changes of it in a second. */
const LINK_MS = 300;

/** @param {HTMLElement} chart */
function timeline(chart) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (chart.querySelector(selector));
  /** @returns {Point[]} */
  function fill() {
    const { timeline } = island;
    // The curve's corners, each told by its distance from the one before.
    const line = find(".line").getAttribute("d") ?? "";
    let x = 0;
    const corners = line.slice(1).split("l").map((corner) => (x += parseInt(corner, 10)));
    find(".area").setAttribute("d", `${line}V2000H${corners[0]}Z`);
    const views = allUnpacked(timeline).map((view, position) => ({ ...view, x: corners[position] }));
    find("tbody").innerHTML = render("points", { points: views });
    return [...chart.querySelectorAll("tbody tr")].map((row) => {
      const [at, live, resident] = /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll("td"));
      return { x: Number(/** @type {HTMLElement} */ (row).dataset.x) / 100, at, live, resident };
    });
  }
  let points = fill();
  const [plot, cursor, readout, selection] = [".plot", ".cursor", ".readout", ".selection"].map(find);
  const [controls, said, clear] = [".range", ".range output", ".range button"].map(find);
  const handles = /** @type {HTMLInputElement[]} */ ([...chart.querySelectorAll(".range input")]);

  /**
   * Index of the point whose `of` is nearest to `value`.
   * @param {(point: Point) => number} of @param {number} value
   */
  const closest = (of, value) =>
    points.reduce((best, point, index) => (Math.abs(of(point) - value) < Math.abs(of(points[best]) - value) ? index : best), 0);
  const nearest = (/** @type {number} */ x) => closest((point) => point.x, x);
  const at = (/** @type {number} */ ms) => closest((point) => Number(origin(point.at).value), ms);
  /** @param {PointerEvent} event */
  const under = (event) => {
    const box = plot.getBoundingClientRect();
    return nearest(((event.clientX - box.left) / box.width) * 100);
  };
  /**
   * Of a cell that is read.
   * @param {HTMLElement} cell
   */
  const origin = (cell) => {
    const { from = "", value } = plain(cell).dataset;
    return { from, value: BigInt(/** @type {string} */ (value)) };
  };
  /** @param {number} index */
  const msOf = (index) => Number(origin(points[index].at).value);
  /** @param {HTMLElement | undefined} cell @returns {cell is HTMLElement} whether a number is in it */
  const isRead = (cell) => cell !== undefined && plain(cell).dataset.value !== "null";
  /** Words around what is measured, whatever the live bytes are. */
  const measured = (/** @type {string} */ html) => `<span data-provenance="measured">${html}</span>`;
  /** The figure of a cell, without the word beside it. */
  const plain = (/** @type {HTMLElement} */ cell) => /** @type {HTMLElement} */ (cell.querySelector("[data-from]"));
  const resident = () => `resident${isEstimate() ? " (measured)" : ""}`;
  /**
   * What is read out of a point, as HTML, and as a screen reader says it.
   * @param {Point} point
   */
  const held = (point) => {
    if (!point.resident) return point.live.innerHTML;
    const read = isRead(point.resident) ? measured(`${plain(point.resident).outerHTML} ${resident()}`) : "resident not measured";
    return `${point.live.innerHTML} live, ${read}`;
  };
  const spoken = (/** @type {Point} */ point) =>
    point.resident ? `${point.live.textContent} live, ${plain(point.resident).textContent} resident` : `${point.live.textContent}`;
  /**
   * How resident memory went from the first to the last of `inside`, with the highest reading of them.
   * @param {Point[]} inside
   */
  function residentWords(inside) {
    if (!inside[0].resident) return "";
    const read = inside.flatMap(({ at, resident }) => (isRead(resident) ? [{ at, resident }] : []));
    if (read.length === 0) return "; resident not measured";
    const top = read.reduce((best, one) => (origin(one.resident).value > origin(best.resident).value ? one : best));
    const [first, last] = [inside[0].resident, inside[inside.length - 1].resident];
    const ends = isRead(first) && isRead(last)
      ? ` ${plain(first).outerHTML} → ${plain(last).outerHTML}${change(origin(first), origin(last))};`
      : "";
    return `; ${measured(`${resident()}${ends} highest reading ${plain(top.resident).outerHTML} at ${top.at.innerHTML}`)}`;
  }
  /**
   * @param {{ from: string, value: bigint }} before @param {{ from: string, value: bigint }} after
   */
  function change(before, after) {
    const [grew, more, less] = after.value >= before.value ? ["grown", after, before] : ["shrunk", before, after];
    return `, ${grew} by ${figureHtml(bytes(`${more.from} - ${less.from}`, more.value - less.value))}`;
  }
  const isEstimate = () => points.some(({ live }) => live.querySelector(".plus-minus") !== null);

  /**
   * The words of a range. Copies of the figures, so that what is read out says where it comes from too.
   * @param {number} first @param {number} last indices
   */
  function words(first, last) {
    const [a, b] = [points[first], points[last]];
    const [from, to, before, after] = [a.at, b.at, a.live, b.live].map(origin);
    // Neighbouring estimates share their samples, so the error of their difference is not to be had from theirs.
    const changed = isEstimate() ? "" : change(before, after);
    const inside = points.slice(first, last + 1);
    const top = inside.reduce((best, point) => (origin(point.live).value > origin(best.live).value ? point : best));
    return `${a.at.innerHTML} to ${b.at.innerHTML} (${figureHtml(ms(`${to.from} - ${from.from}`, to.value - from.value))}): live `
      + `${a.live.innerHTML} → ${b.live.innerHTML}${changed}; highest point ${top.live.innerHTML} at ${top.at.innerHTML}${residentWords(inside)}`;
  }

  /**
   * What the reader chose: its first and its last millisecond. The points are others with every update of a page that is fed, so
   * that which of them are nearest is found anew each time.
   * @type {[number, number] | null}
   */
  let asked = null;
  /** @param {number} first @param {number} last indices */
  const isRange = (first, last) => first < last && !(first === 0 && last === points.length - 1);
  /** @param {number} one @param {number} other milliseconds in either order; the same: no range */
  function ask(one, other) {
    const [fromMs, toMs] = [Math.min(one, other), Math.max(one, other)];
    asked = isRange(at(fromMs), at(toMs)) ? [fromMs, toMs] : null;
    draw();
  }
  /** The points nearest to what was chosen: a neighbour beside one that is nearest to both ends, all where nothing was. */
  function ends() {
    const end = points.length - 1;
    if (!asked) return [0, end];
    const [first, last] = asked.map(at);
    if (first < last) return [first, last];
    const isBefore = first === end || (first > 0 && (asked[0] + asked[1]) / 2 < msOf(first));
    return isBefore ? [first - 1, last] : [first, last + 1];
  }
  /** Draws and tells what was chosen, as far as there are points. */
  function draw() {
    const [from, to] = ends();
    [from, to].forEach((index, end) => {
      handles[end].value = String(points[index].x);
      handles[end].setAttribute("aria-valuetext", `${points[index].at.textContent}, ${spoken(points[index])}`);
      // The row of the document that it tells of.
      handles[end].dataset.row = origin(points[index].at).from.replace(/\/ms$/, "");
    });
    const isChosen = isRange(from, to);
    selection.hidden = clear.hidden = !isChosen;
    selection.style.left = `${points[from].x}%`;
    selection.style.width = `${points[to].x - points[from].x}%`;
    said.innerHTML = isChosen ? words(from, to) : "Drag over the curve, or move the handles, to look at a range of time.";
    choose(isChosen ? { fromMs: msOf(from), toMs: msOf(to), html: `${points[from].at.innerHTML} to ${points[to].at.innerHTML}` } : null);
    clearTimeout(due);
    due = setTimeout(writeLink, LINK_MS);
  }

  let due = 0;
  const writeLink = () => writeRange(asked?.join("-") ?? "");
  function follow() {
    const named = rangeNamed();
    const ends = LINK.exec(named ?? "");
    if (ends) ask(Number(ends[1]), Number(ends[2]));
    else if (named !== undefined) sayDead();
    // A link led elsewhere, and the range is the same.
    else if (asked) writeLink();
  }

  /** @type {number | null} the millisecond at which the reader began to drag */
  let begun = null;
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return; // a finger scrolls; it has the handles
    begun = msOf(under(event));
    plot.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  /** @param {number} index */
  function readOut(index) {
    readout.innerHTML = `${held(points[index])} at ${points[index].at.innerHTML}`;
    cursor.style.left = `${points[index].x}%`;
    cursor.hidden = false;
  }
  plot.addEventListener("pointermove", (event) => {
    const index = under(event);
    readOut(index);
    if (begun !== null && index !== at(begun)) ask(begun, msOf(index));
  });
  plot.addEventListener("pointerup", (event) => {
    if (begun !== null && under(event) === at(begun)) ask(begun, begun); // a click: no range
    begun = null;
  });
  plot.addEventListener("pointercancel", () => { begun = null; });
  plot.addEventListener("pointerleave", () => {
    cursor.hidden = true;
    readout.replaceChildren();
  });
  handles.forEach((handle, end) => {
    handle.addEventListener("input", () => move(end, nearest(Number(handle.value))));
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      move(end, ends()[end] + step);
    });
  });
  /**
   * Moves one end: at most to the other's neighbour, so that they do not pass each other.
   * @param {number} end @param {number} index
   */
  function move(end, index) {
    const other = ends()[1 - end];
    const to = end === 0 ? Math.max(0, Math.min(index, other - 1)) : Math.min(points.length - 1, Math.max(index, other + 1));
    // The other one stays at what was chosen, where it is shown there.
    const stays = asked && at(asked[1 - end]) === other ? asked[1 - end] : msOf(other);
    ask(msOf(to), stays);
  }
  clear.addEventListener("click", () => {
    ask(0, 0);
    handles[0].focus();
  });
  controls.hidden = points.length < 3;
  if (!controls.hidden) {
    // When all panels are there to hear of it.
    document.addEventListener("memscope:drawn", follow, { once: true });
    window.addEventListener("hashchange", follow);
    draw();
  }
  // A page that is fed has another curve now: the range is of the same moments, as far as there are points.
  document.addEventListener("memscope:panel", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "overview") return;
    points = fill();
    controls.hidden = points.length < 3;
    if (!cursor.hidden) readOut(nearest(parseFloat(cursor.style.left)));
    if (!controls.hidden) draw();
  });
}

const chart = document.getElementById("timeline");
if (chart) timeline(chart);

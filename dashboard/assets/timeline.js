// @ts-check
// The timeline: what it holds at a moment, and the range of time that is chosen on it, by dragging over the curve or by
// the two handles below it.
import { bytes, ms } from "./figure.js";
import { figureHtml } from "./hbs.js";
import { island, render } from "./island.js";
import { unpacked } from "./packed.js";
import { choose } from "./range.js";

/**
 * A point of the curve: its position, and the cells that hold its figures.
 * @typedef {{ x: number, at: HTMLElement, live: HTMLElement }} Point
 */

/** What the address says of a range: its first and its last millisecond. */
const LINK = /^#range=(\d+)-(\d+)$/;
/** The address follows when the handles rest: a browser takes few changes of it in a second. */
const LINK_MS = 300;

/** @param {HTMLElement} chart */
function timeline(chart) {
  const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (chart.querySelector(selector));
  /** @returns {Point[]} */
  function fill() {
    const { timeline } = island;
    // The curve's corners, of which the first and the last are its feet.
    const corners = find(".line").getAttribute("d")?.split("L") ?? [];
    const views = timeline.rows.map((/** @type {any} */ _, /** @type {number} */ position) =>
      ({ ...unpacked(timeline, position), x: corners[position + 1].split(" ")[0] }));
    find("tbody").innerHTML = render("points", { points: views });
    return [...chart.querySelectorAll("tbody tr")].map((row) => {
      const [at, live] = /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll("td"));
      return { x: Number(/** @type {HTMLElement} */ (row).dataset.x), at, live };
    });
  }
  let points = fill();
  const [plot, cursor, readout, selection] = [".plot", ".cursor", ".readout", ".selection"].map(find);
  const [controls, said, clear] = [".range", ".range output", ".range button"].map(find);
  const handles = /** @type {HTMLInputElement[]} */ ([...chart.querySelectorAll(".range input")]);

  /** @param {number} x @returns {number} index of the point nearest to it */
  const nearest = (x) =>
    points.reduce((best, point, index) => (Math.abs(point.x - x) < Math.abs(points[best].x - x) ? index : best), 0);
  /** @param {PointerEvent} event */
  const under = (event) => {
    const box = plot.getBoundingClientRect();
    return nearest(((event.clientX - box.left) / box.width) * 1000);
  };
  // Copies of the figures, so that what is read out says where it comes from too.
  /** @param {HTMLElement} cell */
  const copies = (cell) => [...cell.childNodes].map((node) => node.cloneNode(true));
  /** @param {HTMLElement} cell */
  const origin = (cell) => {
    const { from = "", value } = /** @type {HTMLElement} */ (cell.querySelector("[data-from]")).dataset;
    return { from, value: Number(value) };
  };
  const isEstimate = () => points.some(({ live }) => live.querySelector(".plus-minus") !== null);

  /**
   * A figure that is computed here, as an element.
   * @param {import("./figure.js").Figure} figure
   */
  const shown = (figure) => document.createRange().createContextualFragment(figureHtml(figure));

  /**
   * The words of a range.
   * @param {number} first @param {number} last indices
   */
  function* words(first, last) {
    const [a, b] = [points[first], points[last]];
    const [from, to] = [origin(a.at), origin(b.at)];
    yield* copies(a.at);
    yield " to ";
    yield* copies(b.at);
    yield " (";
    yield shown(ms(`${to.from} - ${from.from}`, to.value - from.value));
    yield "): live ";
    yield* copies(a.live);
    yield " → ";
    yield* copies(b.live);
    if (!isEstimate()) {
      // Neighbouring estimates share their samples, so the error of their difference is not to be had from theirs.
      const [before, after] = [origin(a.live), origin(b.live)];
      const grew = after.value >= before.value;
      const [more, less] = grew ? [after, before] : [before, after];
      yield grew ? ", grown by " : ", shrunk by ";
      yield shown(bytes(`${more.from} - ${less.from}`, more.value - less.value));
    }
    const inside = points.slice(first, last + 1);
    const top = inside.reduce((best, point) => (origin(point.live).value > origin(best.live).value ? point : best));
    yield "; highest point ";
    yield* copies(top.live);
    yield " at ";
    yield* copies(top.at);
  }

  /** @type {import("./range.js").Range | null} */
  let chosen = null;
  /** @param {number} one @param {number} other indices; the same: no range */
  function select(one, other) {
    const [first, last] = [Math.min(one, other), Math.max(one, other)];
    const isRange = first < last && !(first === 0 && last === points.length - 1);
    const [from, to] = isRange ? [first, last] : [0, points.length - 1];
    [from, to].forEach((index, end) => {
      handles[end].value = String(points[index].x / 10);
      handles[end].setAttribute("aria-valuetext", `${points[index].at.textContent}, ${points[index].live.textContent}`);
      // The row of the document that it tells of.
      handles[end].dataset.row = origin(points[index].at).from.replace(/\/ms$/, "");
    });
    selection.hidden = clear.hidden = !isRange;
    selection.style.left = `${points[from].x / 10}%`;
    selection.style.width = `${(points[to].x - points[from].x) / 10}%`;
    if (isRange) said.replaceChildren(...words(first, last));
    else said.textContent = "Drag over the curve, or move the handles, to look at a range of time.";
    const [fromMs, toMs] = [from, to].map((index) => origin(points[index].at).value);
    chosen = isRange ? { fromMs, toMs, html: `${points[from].at.innerHTML} to ${points[to].at.innerHTML}` } : null;
    choose(chosen);
    clearTimeout(due);
    due = setTimeout(writeLink, LINK_MS);
  }
  const ends = () => handles.map((handle) => nearest(Number(handle.value) * 10));
  /** @param {number} ms @returns {number} index of the point nearest to it */
  const at = (ms) => points.reduce((best, point, index) =>
    (Math.abs(origin(point.at).value - ms) < Math.abs(origin(points[best].at).value - ms) ? index : best), 0);

  let due = 0;
  /** The address names the range, unless it names something else. */
  function writeLink() {
    const { hash, pathname, search } = location;
    if (hash === "" || LINK.test(hash)) history.replaceState(null, "", chosen ? `#range=${chosen.fromMs}-${chosen.toMs}` : pathname + search);
  }
  function follow() {
    const [, ...ends] = LINK.exec(location.hash) ?? [];
    if (ends.length > 0) select(at(Number(ends[0])), at(Number(ends[1])));
  }

  let begun = -1;
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return; // a finger scrolls; it has the handles
    begun = under(event);
    plot.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  plot.addEventListener("pointermove", (event) => {
    const at = under(event);
    readout.replaceChildren(...copies(points[at].live), " at ", ...copies(points[at].at));
    cursor.style.left = `${points[at].x / 10}%`;
    cursor.hidden = false;
    if (begun >= 0 && at !== begun) select(begun, at);
  });
  plot.addEventListener("pointerup", (event) => {
    if (begun >= 0 && under(event) === begun) select(0, points.length - 1); // a click: no range
    begun = -1;
  });
  plot.addEventListener("pointercancel", () => { begun = -1; });
  plot.addEventListener("pointerleave", () => {
    cursor.hidden = true;
    readout.replaceChildren();
  });
  handles.forEach((handle, end) => {
    handle.addEventListener("input", () => select(...pair(end, nearest(Number(handle.value) * 10))));
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      select(...pair(end, ends()[end] + step));
    });
  });
  /**
   * The ends with one of them moved: at most to its neighbour, so that they do not pass each other.
   * @param {number} end @param {number} index @returns {[number, number]}
   */
  function pair(end, index) {
    const [first, last] = ends();
    return end === 0
      ? [Math.max(0, Math.min(index, last - 1)), last]
      : [first, Math.min(points.length - 1, Math.max(index, first + 1))];
  }
  clear.addEventListener("click", () => {
    select(0, points.length - 1);
    handles[0].focus();
  });
  controls.hidden = points.length < 3;
  if (!controls.hidden) {
    // When all panels are there to hear of it.
    document.addEventListener("DOMContentLoaded", follow);
    window.addEventListener("hashchange", follow);
    select(0, points.length - 1);
  }
  // A page that is fed has another curve now: the range is of the same moments, as far as there are points.
  document.addEventListener("memscope:panel", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "overview") return;
    points = fill();
    controls.hidden = points.length < 3;
    if (controls.hidden) return;
    const range = chosen;
    if (range) select(at(range.fromMs), at(range.toMs));
    else select(0, points.length - 1);
  });
}

const chart = document.getElementById("timeline");
if (chart) timeline(chart);

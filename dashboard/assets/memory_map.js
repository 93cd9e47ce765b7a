// @ts-check
// The memory map of a recording without one by address: a square for each of the largest blocks, read out below on hover and
// focus; arrow keys move from square to square.
import { island, render } from "./island.js";
import { unpacked } from "./packed.js";
import { onRange } from "./range.js";
import { countText } from "./units.js";

/** @param {HTMLElement} map */
function squareMap(map) {
  const readout = () => document.getElementById("memory-map-readout");
  /** @param {Element} group @returns {HTMLAnchorElement[]} */
  const within = (group) => /** @type {HTMLAnchorElement[]} */ ([...group.children]);
  /** @param {Event} event @returns {HTMLAnchorElement | null} */
  const squareOf = (event) => /** @type {Element} */ (event.target).closest(".squares a");

  /** @type {import("./range.js").Range | null} */
  let range = null;
  /** Pales the squares of blocks that are not from the range. @returns {number} how many are */
  function pale() {
    const { squares } = island.memory_map;
    const all = [...map.querySelectorAll(".squares > *")];
    return all.filter((square, position) => {
      const { value } = unpacked(squares, position).allocated;
      return !square.classList.toggle("off", range !== null && (value < range.fromMs || value > range.toMs));
    }).length;
  }

  // Each square is an image with its title for a name, or a link; one of a group is in the order of the tab key.
  function fill() {
    const { threads, squares } = island.memory_map;
    const views = squares.rows.map((/** @type {any} */ _, /** @type {number} */ position) => unpacked(squares, position));
    for (const [thread, group] of [...map.querySelectorAll(".squares")].entries()) {
      const focused = within(group).findIndex((square) => square === document.activeElement);
      group.innerHTML = render("squares", { squares: views.splice(0, threads[thread]) });
      within(group).forEach((square, position) => {
        if (!square.hasAttribute("href")) square.setAttribute("role", "img");
        square.tabIndex = position === Math.max(focused, 0) ? 0 : -1;
      });
      within(group)[focused]?.focus({ preventScroll: true });
    }
  }

  onRange("memory-map", (chosen) => {
    if (island.memory_map.map) return null;
    range = chosen;
    const shown = countText(pale());
    return range && `<span data-shown="map-squares some">${shown}</span> of the blocks drawn allocated in ${range.html}`;
  });

  /** @param {Event} event */
  function tell(event) {
    const [square, shown] = [squareOf(event), readout()];
    if (!shown || !map.querySelector(".squares")) return;
    shown.hidden = !square;
    if (!square) return;
    shown.textContent = square.title;
    // The row of the document that it tells of.
    shown.dataset.row = (square.dataset.from ?? "").replace(/\/bytes$/, "");
  }
  map.addEventListener("pointerover", tell);
  map.addEventListener("focusin", tell);
  map.addEventListener("pointerleave", () => {
    const shown = readout();
    if (shown && map.querySelector(".squares")) shown.hidden = true;
  });
  map.addEventListener("keydown", (event) => {
    const square = squareOf(event);
    const next = square && { ArrowRight: square.nextElementSibling, ArrowLeft: square.previousElementSibling }[event.key];
    if (!(square && next instanceof HTMLElement)) return;
    event.preventDefault();
    square.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  return fill;
}

const map = document.getElementById("memory-map");
if (map) {
  const fill = squareMap(map);
  if (!island.memory_map.map) fill();
  // A page that is fed has other blocks now, and perhaps other threads: first the data, then the panel.
  document.addEventListener("memscope:panel", (event) => {
    if (/** @type {CustomEvent} */ (event).detail === "memory_map" && !island.memory_map.map) fill();
  });
}

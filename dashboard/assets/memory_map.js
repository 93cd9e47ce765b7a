// The memory map: what a square is, read out below on hover and focus; arrow keys move from square to square.
import { island, render } from "./island.js";
import { unpacked } from "./packed.js";

const map = document.getElementById("memory-map");
const readout = document.getElementById("memory-map-readout");
if (readout) {
  // Each square is an image with its title for a name, or a link; one of a group is in the order of the tab key.
  const fill = () => {
    const { threads, squares } = island.memory_map;
    const views = squares.rows.map((_, position) => unpacked(squares, position));
    for (const [thread, group] of [...map.querySelectorAll(".squares")].entries()) {
      const focused = [...group.children].indexOf(document.activeElement);
      group.innerHTML = render("squares", { squares: views.splice(0, threads[thread]) });
      [...group.children].forEach((square, position) => {
        if (!square.hasAttribute("href")) square.setAttribute("role", "img");
        square.tabIndex = position === Math.max(focused, 0) ? 0 : -1;
      });
      group.children[focused]?.focus({ preventScroll: true });
    }
  };
  fill();
  // A page that is fed has other blocks now, and perhaps other threads: first the data, then the panel.
  document.addEventListener("memscope:panel", (event) => {
    if (event.detail === "memory_map") fill();
  });
  const tell = (event) => {
    const square = event.target.closest(".squares a");
    readout.hidden = !square;
    if (!square) return;
    readout.textContent = square.title;
    // The row of the document that it tells of.
    readout.dataset.row = square.dataset.from.replace(/\/bytes$/, "");
  };
  map.addEventListener("pointerover", tell);
  map.addEventListener("focusin", tell);
  map.addEventListener("pointerleave", () => { readout.hidden = true; });
  map.addEventListener("keydown", (event) => {
    const square = event.target.closest(".squares a");
    const step = { ArrowRight: "nextElementSibling", ArrowLeft: "previousElementSibling" }[event.key];
    const next = square && step && square[step];
    if (!next) return;
    event.preventDefault();
    square.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

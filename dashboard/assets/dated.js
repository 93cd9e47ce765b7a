// @ts-check
// Panels whose rows stand on the page with their times, in a range: the tasks that were alive in it, the findings that rest on
// a moment of it, and of the largest blocks those that were allocated in it.
import { note, onRange } from "./range.js";
import { countText } from "./units.js";

/** Where evidence names a moment; what else ends in "ms" is a length of time. */
const MOMENT = /^\/(trend_ms\/|(timeline|variables)\/.*ms$)/;

/**
 * Numbers of the figures within `row` that come from where `from` says.
 * @param {Element} row @param {RegExp} from
 */
const numbers = (row, from) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll("[data-from]")])
  .map(({ dataset }) => dataset).filter((data) => from.test(data.from ?? "")).map((data) => Number(data.value));

onRange("tasks", (range) => {
  let alive = 0;
  for (const row of /** @type {NodeListOf<HTMLTableRowElement>} */ (document.querySelectorAll("#task-rows tr"))) {
    const [first, last] = numbers(row, /(first|last)_ms$/);
    row.hidden = range !== null && (first > range.toMs || (last < range.fromMs && row.cells[2].textContent !== "running"));
    if (!row.hidden) alive += 1;
  }
  return range && `<span data-shown="task-rows">${countText(alive)}</span> of those listed alive in ${range.html}`;
});

onRange("diagnostics", (range) => {
  for (const finding of document.querySelectorAll("#diagnostics .finding")) {
    const moments = numbers(finding, MOMENT);
    const isOf = range && moments.some((ms) => ms >= range.fromMs && ms <= range.toMs);
    note(finding.querySelector(".row"), isOf ? "evidence from the range" : null, true);
  }
  return range && `marked where evidence is of ${range.html}`;
});

onRange("memory-map", (range) => {
  const rows = /** @type {NodeListOf<HTMLTableRowElement>} */ (document.querySelectorAll("#hotspot-rows tr"));
  let shown = 0;
  for (const row of rows) {
    const [at] = numbers(row, /allocated_ms$/);
    row.hidden = range !== null && (at < range.fromMs || at > range.toMs);
    if (!row.hidden) shown += 1;
  }
  const words = range && `<span data-shown="hotspot-rows">${countText(shown)}</span> of those listed allocated in ${range.html}`;
  note(document.getElementById("hotspots"), words, true);
  return null;
});

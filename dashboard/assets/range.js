// @ts-check
// The range of time that the reader chose on the timeline. A panel whose data has moments speaks of the range and says
// what of it; every other one says in its heading that it speaks of the whole recording.

/**
 * @typedef {{ fromMs: number, toMs: number, html: string }} Range both ends included; `html`: the ends as they read, each
 *   with where it comes from
 */
/** @typedef {(range: Range | null) => string | null} Listener gives what its panel shows of the range, as HTML; null: no more than without one */

/** @type {Record<string, string>} */
const WHY_WHOLE = {
  overview: "; of the range: below the curve", types: ": a type's bytes have no times", threads: ": threads have no times",
};
/** @type {Map<string, Listener[]>} */
const listeners = new Map();
/** @type {Range | null} */
let chosen = null;

/**
 * Says `html` in a note at the end of `place`; null: there is no note.
 * @param {Element | null} place @param {string | null} html @param {boolean} follows
 */
export function note(place, html, follows) {
  const old = place?.querySelector(".range-note");
  if (html === null) return old?.remove();
  const note = old ?? document.createElement("small");
  note.className = `badge range-note${follows ? " follows" : ""}`;
  note.innerHTML = html;
  if (!old) place?.append(" ", note);
}

/**
 * `listener` is told of each range that is chosen, and of `null` when the whole recording is looked at again. Of several for a
 * panel the first that has something to say is heard.
 * @param {string} panel its id @param {Listener} listener
 */
export const onRange = (panel, listener) => listeners.set(panel, [...(listeners.get(panel) ?? []), listener]);

/** @param {Range | null} range */
export function choose(range) {
  chosen = range;
  for (const panel of document.querySelectorAll(".panel")) {
    const words = (listeners.get(panel.id) ?? []).map((listener) => listener(range)).find((said) => said !== null) ?? null;
    note(panel.querySelector("h2"), range && (words ?? `whole recording${WHY_WHOLE[panel.id] ?? ""}`), words !== null);
  }
}
/** Tells of the range again, if there is one: what a panel shows of it has changed. */
export const chooseAgain = () => chosen && choose(chosen);
// A page that is fed has other rows now; the panel's own module draws them first.
document.addEventListener("memscope:panel", () => queueMicrotask(chooseAgain));

// @ts-check
// The range of time that the reader chose on the timeline. A panel whose data has moments speaks of the range; every
// other one says in its heading that it speaks of the whole recording.

/** @typedef {{ fromMs: number, toMs: number }} Range both ends included */
/** @typedef {(range: Range | null) => void} Listener */

/** @type {Map<string, { words: string, listener: Listener }>} */
const listeners = new Map();
/** @type {Range | null} */
let chosen = null;

/** @param {HTMLElement} panel */
function note(panel) {
  let note = /** @type {HTMLElement | null} */ (panel.querySelector("h2 .range-note"));
  if (!note) {
    note = document.createElement("small");
    note.className = "badge range-note";
    panel.querySelector("h2")?.append(" ", note);
  }
  const own = listeners.get(panel.id);
  note.textContent = own ? own.words : "whole recording";
  note.classList.toggle("follows", Boolean(own));
  note.hidden = chosen === null;
}

/**
 * `listener` is told of each range that is chosen, and of `null` when the whole recording is looked at again; while there
 * is a range, the panel's heading says `words`.
 * @param {string} panel its id @param {string} words @param {Listener} listener
 */
export function onRange(panel, words, listener) {
  listeners.set(panel, { words, listener });
}

/** @param {Range | null} range */
export function choose(range) {
  chosen = range;
  for (const panel of document.querySelectorAll(".panel")) note(/** @type {HTMLElement} */ (panel));
  for (const { listener } of listeners.values()) listener(range);
}

// @ts-check
// What the address says: what it leads to (`#scope=5`, `#variable=7`, `#variables?q=x`), and behind that the range of time,
// which stays in force wherever it leads. Where nothing else is named it says what else is in force: the variables' filters,
// the scopes' zoom.

const RANGE = /[#&]range=([^&]*)$/;
/** @type {Map<string, string>} the last one that was set comes last */
const inForce = new Map();

/** What it leads to, without the range. */
export const target = () => location.hash.replace(RANGE, "");
/** What it says of the range. */
export const rangeNamed = () => RANGE.exec(location.hash)?.[1];
/** The range in force; before the timeline has read it, as the address has it. */
let range = rangeNamed() ?? "";

/** @param {string} to */
function whole(to) {
  const base = to || ([...inForce.values()].pop() ?? "");
  // A panel's own name leads there by itself.
  if (range === "" || /^#(?!scope=|callers|variable=|variables\?)/.test(base)) return base;
  return `${base}${base === "" ? "#" : "&"}range=${range}`;
}

/** @param {string} link @param {"pushState" | "replaceState"} way @param {unknown} state */
function set(link, way, state) {
  if (location.hash !== link) history[way](state, "", link || location.pathname + location.search);
}

/** @param {string} name of who said so */
export const kept = (name) => inForce.get(name) ?? "";

/**
 * The address leads to `to`, in place of where it led.
 * @param {string} to
 */
export const write = (to) => set(whole(to), "replaceState", history.state);

/** @param {string} name of who says so @param {string} link what it has in force; "": nothing */
export function keep(name, link) {
  inForce.delete(name);
  if (link !== "") inForce.set(name, link);
}

/** @param {string} chosen its first and its last millisecond; "": none */
export function writeRange(chosen) {
  range = chosen;
  write(target());
}

const isOfScopes = () => /^#(scope=|callers)/.test(target());
/**
 * The scopes are shown as `link` says. The way back leads to how they were, whatever the address named then.
 * @param {string} link @param {boolean} isHere the address leads there, perhaps by another name, to which the way back does not
 */
export function lead(link, isHere) {
  const before = kept("scopes");
  keep("scopes", link);
  said("");
  if (isHere && history.state?.scopes === link) return;
  if (!isHere && !isOfScopes()) history.replaceState({ ...history.state, scopes: before }, "");
  set(whole(link), isHere ? "replaceState" : "pushState", null);
}
/** How the scopes are to be shown, by the address and the way that led to it. @returns {string} */
export const scopesLink = () => (isOfScopes() ? target() : history.state?.scopes ?? target());

/** @param {string} words */
const said = (words) => { /** @type {HTMLElement} */ (document.getElementById("dead-link")).textContent = words; };
/** Says that nothing is there to which the address leads. */
export const sayDead = (link = location.hash) => said(`This page holds no ${link.slice(1, 60).replace("=", " ")}.`);
// Before each module looks at the address.
window.addEventListener("hashchange", () => said(""));

// @ts-check
// The page as it was rendered, beside the page as it is: so that a new rendering changes what it changes and nothing else.
//
// A live page is rendered again and again by the same partials. Between two renderings a person has typed, sorted, opened
// and focused things, and modules have added theirs. So each panel has a copy of what was rendered last, whose nodes know
// the nodes on the page that they became. The next rendering is compared with that copy, and only what differs is done to
// the page. This module comes first: it copies before any other changes what was rendered.
import { counted } from "./scope_model.js";

/**
 * The node on the page that a rendered node became.
 * @type {WeakMap<Node, Node>}
 */
const became = new WeakMap();

/**
 * What was rendered last, by what it became.
 * @type {WeakMap<Element, Element>}
 */
const renderedAs = new WeakMap();

/** @param {Node} rendered @param {Node} live */
function note(rendered, live) {
  became.set(rendered, live);
  for (let index = 0; index < rendered.childNodes.length; index++) note(rendered.childNodes[index], live.childNodes[index]);
}

/**
 * Takes note of `live` as what was rendered.
 * @param {Element} live
 */
function copy(live) {
  const rendered = /** @type {Element} */ (live.cloneNode(true));
  note(rendered, live);
  renderedAs.set(live, rendered);
}

/**
 * The element that `html` is.
 * @param {string} html
 */
function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

/**
 * What a node is told by among its siblings, where it is told by anything.
 * @param {Node} node
 */
function key(node) {
  if (!(node instanceof Element)) return null;
  // A scope's number becomes another's when one is found before it.
  if (node.id.startsWith("scope=")) return node.querySelector(".path")?.textContent ?? null;
  return node.id || null;
}

/** @param {Node} a @param {Node} b */
const isAlike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && key(a) === key(b);

/** @param {Element} before @param {Element} now @param {Element} live */
function changeAttributes(before, now, live) {
  for (const { name, value } of now.attributes) {
    if (before.getAttribute(name) !== value) live.setAttribute(name, value);
  }
  for (const { name } of before.attributes) if (!now.hasAttribute(name)) live.removeAttribute(name);
}

/**
 * For each of `now`, the one of `before` that it was.
 * @param {Node[]} before @param {Node[]} now
 */
function pairs(before, now) {
  /** @type {Map<Node, Node>} */
  const was = new Map();
  // Of several with one key each is told by how many came before.
  const [told, toldBefore] = [counted(), counted()];
  const keyed = new Map(before.flatMap((node) => {
    const own = key(node);
    return own === null ? [] : [[toldBefore(own), node]];
  }));
  const others = before.filter((node) => key(node) === null);
  let next = 0;
  for (const node of now) {
    const own = key(node);
    const same = own === null ? others[next] : keyed.get(told(own));
    if (!same || !isAlike(same, node)) continue;
    if (own === null) next++;
    was.set(node, same);
  }
  return was;
}

/** @param {Node} before @param {Node} now */
function change(before, now) {
  const live = became.get(before);
  if (!live) return;
  became.set(now, live);
  if (!(before instanceof Element) || !(now instanceof Element) || !(live instanceof Element)) {
    if (before.nodeValue !== now.nodeValue) live.nodeValue = now.nodeValue;
    return;
  }
  if (before.isEqualNode(now)) {
    // The nodes that know the page stay.
    now.parentNode?.replaceChild(before, now);
    return;
  }
  changeAttributes(before, now, live);
  // A module that put its own in the place of all that was rendered here hears of the panel, and does it again.
  const isOurs = before.childNodes.length === 0 || [...before.childNodes].some((node) => became.get(node)?.parentNode === live);
  if (!isOurs) return;
  const [old, fresh] = [[...before.childNodes], [...now.childNodes]];
  const was = pairs(old, fresh);
  const stay = new Set(was.values());
  for (const node of old) {
    const gone = stay.has(node) ? null : became.get(node);
    if (gone?.parentNode === live) live.removeChild(gone);
  }
  // Moved only where the rendering has another order: what a person sorted stays sorted, and focus and scrolling with it.
  const order = old.filter((node) => stay.has(node));
  const isMoved = fresh.filter((node) => was.has(node)).some((node, index) => was.get(node) !== order[index]);
  /** @type {Node | null} */
  let last = null;
  for (const node of fresh) {
    const same = was.get(node);
    if (same) change(same, node);
    const place = same ? became.get(node) : document.importNode(node, true);
    if (!place) continue;
    if (!same) note(node, place);
    if (!same || (isMoved && place.parentNode === live)) {
      live.insertBefore(place, last ? last.nextSibling : live.firstChild);
    }
    if (place.parentNode === live) last = place;
  }
}

/**
 * Makes `live` what `html` is, as far as that changed since it was rendered last.
 * @param {Element} live @param {string} html one element
 */
export function show(live, html) {
  showElement(live, parsed(html));
}

/**
 * The same of an element.
 * @param {Element} live @param {Element | null} now
 */
function showElement(live, now) {
  const before = renderedAs.get(live);
  if (!now || !before || before.isEqualNode(now)) return;
  change(before, now);
  renderedAs.set(live, now);
}

/**
 * The panel that `html` is, where there was none: put behind `after`.
 * @param {Element} after @param {string} html
 */
export function add(after, html) {
  const live = parsed(html);
  if (!live) return;
  after.after(live);
  copy(live);
}

for (const panel of document.querySelectorAll("main > .panel, body > .panel")) copy(panel);
document.addEventListener("memscope:inspector", (event) => {
  const { dialog, now } = /** @type {CustomEvent} */ (event).detail;
  if (now) showElement(dialog, now);
  else copy(dialog);
});

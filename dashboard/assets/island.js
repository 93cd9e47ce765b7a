// @ts-check
// The data that stands beside the page (`src/view/island.rs`), and the programs of the partials that it is shown by.
import { renderer } from "./hbs.js";

/** @param {string} id */
const json = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "{}");
/** One field for each module. */
export const island = json("data");

/** Renders the partial of that name with its view. */
export const render = renderer(json("programs"));

/**
 * The element that the partial `name` makes of `view`.
 * @param {string} name
 * @param {any} view
 * @returns {HTMLElement}
 */
export function rendered(name, view) {
  const template = document.createElement("template");
  template.innerHTML = render(name, view);
  return /** @type {HTMLElement} */ (template.content.firstElementChild);
}

// @ts-check
// The data that stands beside the page (`src/view/island.rs`), and the partials that it is shown by.
import { renderer } from "./hbs.js";

const element = document.getElementById("data");
/** One field for each module. */
export const island = JSON.parse(element?.textContent ?? "{}");

/** Renders the partial of that name with its view. */
export const render = renderer(island.partials);

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

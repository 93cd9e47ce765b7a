// @ts-check
// The data that stands beside the page (`src/view/island.rs`), and the programs of the partials that it is shown by, compressed
// as `src/island.rs` says.
import { renderer } from "./hbs.js";

/**
 * What stands behind `text`. No figure is shown of what did not come out as it was written: the page then stays as it stands.
 * @param {string} text
 */
export async function unpackedJson(text) {
  try {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    // Of 2022 and 2023, and so not among the types of every `tsc`.
    const { DecompressionStream } = /** @type {any} */ (globalThis);
    return await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  } catch (error) {
    document.documentElement.classList.remove("js", "busy");
    throw new Error(`the page's data are damaged, or this browser is too old for them (${error}): nothing is drawn of them`);
  }
}

/** @param {string} id */
async function json(id) {
  const text = document.getElementById(id)?.textContent;
  return text ? unpackedJson(text) : {};
}
const [data, programs] = await Promise.all([json("data"), json("programs")]);
/** One field for each module. */
export const island = data;

/** Renders the partial of that name with its view. */
export const render = renderer(programs);

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

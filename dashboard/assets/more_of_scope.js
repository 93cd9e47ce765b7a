// @ts-check
// What is known of a scope beside its row: the page holds it as data, and makes it when a row is opened or chosen. On a page
// that is fed it stands in the rows, which are rendered whole.
import { island, rendered } from "./island.js";
import { unpacked } from "./packed.js";

const { more_of_scopes } = island;

/**
 * All that the page knows of a scope; null: it holds nothing of it.
 * @param {Element | null} home what is opened of its row
 */
export function moreOfScope(home) {
  const index = /^scope=(\d+)$/.exec(home?.parentElement?.id ?? "")?.[1];
  if (!home || !index) return null;
  const there = home.querySelector(".more-of-scope");
  const place = more_of_scopes.index.indexOf(Number(index));
  if (there || place < 0) return there;
  const made = rendered("more_of_scope", unpacked(more_of_scopes, place));
  home.append(made);
  return made;
}

// Where there is no tree to draw, the list has its place. A row that is opened is told to those around it on its way down.
document.getElementById("scope-rows")?.addEventListener("toggle", (event) => {
  moreOfScope(/** @type {Element} */ (event.target));
}, true);

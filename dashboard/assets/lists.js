// @ts-check
// Tables whose rows the page holds as data, each by the partial that makes its rows. On a page that is fed they stand in
// their panels.
import { island, render } from "./island.js";
import { allUnpacked } from "./packed.js";

for (const [partial, rows] of Object.entries(island.lists)) {
  const list = document.querySelector(`[data-rows=${partial}]`);
  if (list && list.children.length === 0) list.innerHTML = render(partial, { rows: allUnpacked(rows) });
}

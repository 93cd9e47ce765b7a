// @ts-check
// The list of who freed whose blocks, which the page holds as data. On a page that is fed it is part of its panel.
import { island, render } from "./island.js";
import { unpacked } from "./packed.js";

const { pairs } = island;
const list = document.getElementById("pairs");
if (list && list.children.length === 0) {
  const rows = pairs.rows.map((/** @type {any} */ _, /** @type {number} */ position) => unpacked(pairs, position));
  list.innerHTML = render("pairs", { rows });
}

// Small things on panels that are complete without them: the timeline's readout, the order of the scopes.
import { island, render } from "./island.js";
import { unpacked } from "./packed.js";

const chart = document.getElementById("timeline");
if (chart) {
  const { timeline } = island;
  const fill = () => {
    const views = timeline.rows.map((_, position) => unpacked(timeline, position));
    chart.querySelector("tbody").innerHTML = render("points", { points: views });
  };
  fill();
  document.addEventListener("memscope:data", (event) => {
    if (event.detail === "timeline") fill();
  });
  const points = () => [...chart.querySelectorAll("tbody tr")];
  const plot = chart.querySelector(".plot");
  const cursor = chart.querySelector(".cursor");
  const readout = chart.querySelector(".readout");
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 1000;
    const distance = (point) => Math.abs(point.dataset.x - x);
    const nearest = points().reduce((best, point) => (distance(point) < distance(best) ? point : best));
    const [at, live] = nearest.querySelectorAll("td");
    // Copies of the figures, so that what is read out says where it comes from too.
    const copies = (cell) => [...cell.childNodes].map((node) => node.cloneNode(true));
    readout.replaceChildren(...copies(live), " at ", ...copies(at));
    cursor.style.left = `${nearest.dataset.x / 10}%`;
    cursor.hidden = false;
  });
  plot.addEventListener("pointerleave", () => {
    cursor.hidden = true;
    readout.replaceChildren();
  });
}

// A link to a scope (`#scope=INDEX`) opens its row.
function openScope() {
  const row = location.hash.startsWith("#scope=") ? document.getElementById(location.hash.slice(1)) : null;
  if (!row) return;
  row.firstElementChild.open = true;
  row.scrollIntoView();
}
window.addEventListener("hashchange", openScope);
openScope();

const scopes = document.getElementById("scope-rows");
const controls = document.getElementById("scopes-controls");
if (scopes.children.length > 1) {
  const place = (row) => Number(row.id.slice("scope=".length));
  const figure = (row, column) =>
    Number(row.querySelector(`summary > :nth-child(${column}) [data-value]`).dataset.value);
  const order = document.getElementById("scopes-sort");
  const sort = () => {
    // The columns of a row: name, path, calls, exclusive, inclusive.
    const column = Number(order.value) + 2;
    const rows = [...scopes.children].sort((a, b) =>
      (order.value === "" ? 0 : figure(b, column) - figure(a, column)) || place(a) - place(b));
    scopes.classList.toggle("flat", order.value !== "");
    scopes.append(...rows);
  };
  controls.hidden = false;
  controls.addEventListener("submit", (event) => event.preventDefault());
  order.addEventListener("change", sort);
  sort();
  // A page that is fed has other figures now.
  document.addEventListener("memscope:panel", (event) => {
    if (event.detail === "scopes" && order.value !== "") sort();
  });
}

// A small thing on a panel that is complete without it: the timeline's readout.
import { island, render } from "./island.js";
import { unpacked } from "./packed.js";

const chart = document.getElementById("timeline");
if (chart) {
  const { timeline } = island;
  const views = timeline.rows.map((_, position) => unpacked(timeline, position));
  chart.querySelector("tbody").innerHTML = render("points", { points: views });
  const points = [...chart.querySelectorAll("tbody tr")];
  const plot = chart.querySelector(".plot");
  const cursor = chart.querySelector(".cursor");
  const readout = chart.querySelector(".readout");
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 1000;
    const distance = (point) => Math.abs(point.dataset.x - x);
    const nearest = points.reduce((best, point) => (distance(point) < distance(best) ? point : best));
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

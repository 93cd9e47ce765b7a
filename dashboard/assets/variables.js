// Filter and order of the variable cards, and the count (shown/total). The data is the page's island.
const rows = JSON.parse(document.getElementById("data").textContent).variables;
const list = document.getElementById("cards");
if (list) {
  const items = [...list.children];
  const field = (name) => document.getElementById(`variables-${name}`);
  const texts = rows.map((row) =>
    [row.name, row.type_name ?? "", row.scope.join(" › "), row.file ?? ""].join("\n").toLowerCase());
  const shown = field("shown").firstElementChild;
  const unfiltered = { text: shown.textContent, value: shown.dataset.value, from: shown.dataset.from };
  const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  function filter() {
    const words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const stage = field("stage").value;
    const thread = field("thread").value;
    const type = field("type").value;
    let count = 0;
    rows.forEach((row, position) => {
      const passes = words.every((word) => texts[position].includes(word))
        && (stage === "" || row.stage === stage)
        && (thread === "" || row.threads.includes(Number(thread)))
        && (type === "" || row.type_number === Number(type));
      items[position].hidden = !passes;
      count += passes;
    });
    // A filtered count comes from the filter, not from the document, and must not say that it does: it says which list's
    // items it counts.
    if (count === items.length) {
      delete shown.dataset.shown;
      shown.textContent = unfiltered.text;
      shown.dataset.value = unfiltered.value;
      shown.dataset.from = unfiltered.from;
    } else {
      shown.textContent = grouped(count);
      shown.dataset.shown = list.id;
      delete shown.dataset.value;
      delete shown.dataset.from;
    }
    field("none").hidden = count > 0;
  }

  function sort() {
    const key = field("sort").value;
    const byName = key === "name" || key === "type_name";
    const order = rows.map((_, position) => position);
    order.sort((a, b) => {
      const [x, y] = [rows[a][key], rows[b][key]];
      if (x === y) return a - b;
      if (x === null) return 1; // not measured: last, whichever way
      if (y === null) return -1;
      if (byName) return x < y ? -1 : 1;
      return key === "first_ms" ? x - y : y - x;
    });
    list.append(...order.map((position) => items[position]));
  }

  const controls = field("controls");
  controls.hidden = false;
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("input", (event) => (event.target === field("sort") ? sort() : filter()));
  // A reload may keep what was typed.
  filter();
  sort();
}

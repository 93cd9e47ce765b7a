// @ts-check
// Search, filter by class and order of the rows of a comparison; the page is complete without it.
for (const panel of document.querySelectorAll("section.compare")) {
  const list = panel.querySelector("tbody");
  const form = panel.querySelector("form");
  if (!list || !form) continue;
  const rows = [...list.rows];
  const texts = rows.map((row) => (row.cells[0].textContent ?? "").toLowerCase());
  const names = rows.map((row) => row.querySelector(".name")?.textContent ?? "");
  const shown = /** @type {HTMLElement} */ (panel.querySelector(".shown")?.firstElementChild);
  const none = /** @type {HTMLElement} */ (panel.querySelector(".none-shown"));
  const unfiltered = { text: shown.textContent, value: shown.dataset.value, from: shown.dataset.from };
  /** @param {string} name */
  const field = (name) => /** @type {HTMLInputElement | HTMLSelectElement} */ (form.elements.namedItem(name));
  /** @param {number} count */
  const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  const filter = () => {
    const words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = field("class").value;
    let count = 0;
    rows.forEach((row, position) => {
      const passes = words.every((word) => texts[position].includes(word))
        && (wanted === "" || row.dataset.class === wanted);
      row.hidden = !passes;
      count += Number(passes);
    });
    // A filtered count comes from the filter, not from the documents: it says which list's items it counts.
    if (count === rows.length) {
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
    none.hidden = count > 0;
  };

  const sort = () => {
    const key = field("order").value;
    const order = rows.map((_, position) => position);
    if (key === "name") {
      order.sort((a, b) => (names[a] === names[b] ? a - b : names[a] < names[b] ? -1 : 1));
    } else if (key !== "") {
      // How far the figures lie apart, whichever way; what nobody knows comes last.
      const sizes = rows.map((row) => {
        const cell = [...row.cells].find((one) => one.dataset.label === key);
        const value = cell?.querySelector(".difference [data-value]")?.getAttribute("data-value") ?? "null";
        return value === "null" ? -1 : Math.abs(Number(value));
      });
      order.sort((a, b) => sizes[b] - sizes[a] || a - b);
    }
    list.append(...order.map((position) => rows[position]));
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => (event.target === field("order") ? sort() : filter()));
  // A reload may keep what was typed.
  filter();
  sort();
}

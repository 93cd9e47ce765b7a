// @ts-check
// Search, filter by class and order of the rows of a comparison; the page is complete without it. The address says what was
// chosen last (`#variables?search=index&class=new`), and a slash leads to the search of what is in sight.
const CHOICES = ["search", "class", "order"];
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

  const link = `#${panel.id}?`;
  const writeLink = () => {
    const told = new URLSearchParams(CHOICES.flatMap((name) => (field(name).value === "" ? [] : [[name, field(name).value]])));
    if (String(told) !== "") history.replaceState(null, "", link + told);
    else if (location.hash.startsWith(link)) history.replaceState(null, "", location.pathname + location.search);
  };
  const follow = () => {
    if (!location.hash.startsWith(link)) return;
    const asked = new URLSearchParams(location.hash.slice(link.length));
    for (const name of CHOICES) {
      const one = field(name);
      one.value = asked.get(name) ?? "";
      if (one instanceof HTMLSelectElement && one.selectedIndex < 0) one.value = "";
    }
    filter();
    sort();
    panel.scrollIntoView({ behavior: /** @type {any} */ ("instant") });
  };
  window.addEventListener("hashchange", follow);

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    if (event.target === field("order")) sort();
    else filter();
    writeLink();
  });
  // A reload may keep what was typed.
  filter();
  sort();
  follow();
}

document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || isTyping) return;
  const searches = [...document.querySelectorAll("form:not([hidden]) [name=search]")];
  const inSight = searches.find((one) => (one.closest("section")?.getBoundingClientRect().bottom ?? 0) > innerHeight / 3);
  const search = /** @type {HTMLInputElement | undefined} */ (inSight ?? searches.at(-1));
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

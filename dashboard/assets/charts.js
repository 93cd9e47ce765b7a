// The scopes, which are complete without it: their order, and links to one.
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
  const tree = [...scopes.children];
  const figure = (row, column) =>
    Number(row.querySelector(`summary > :nth-child(${column}) [data-value]`).dataset.value);
  const order = document.getElementById("scopes-sort");
  const sort = () => {
    // The columns of a row: name, path, calls, exclusive, inclusive.
    const column = Number(order.value) + 2;
    const rows = order.value === "" ? tree : [...tree].sort((a, b) => figure(b, column) - figure(a, column));
    scopes.classList.toggle("flat", order.value !== "");
    scopes.append(...rows);
  };
  controls.hidden = false;
  controls.addEventListener("submit", (event) => event.preventDefault());
  order.addEventListener("change", sort);
  sort();
}

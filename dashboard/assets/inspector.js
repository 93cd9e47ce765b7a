// The inspector: a card's link names a dialog (`#variable=INDEX`); the address alone decides what is open.
const prefix = "#variable=";
const dialogs = document.querySelectorAll("dialog.inspector");
let tab = "Overview";
let scrollBack = null;

function select(dialog, name, focus) {
  tab = name;
  for (const panel of dialog.querySelectorAll(".tab")) panel.hidden = panel.dataset.tab !== name;
  for (const button of dialog.querySelectorAll("[role=tab]")) {
    const selected = button.textContent === name;
    button.setAttribute("aria-selected", selected);
    button.tabIndex = selected ? 0 : -1;
    if (selected && focus) button.focus();
  }
}

// Tabs are made when a dialog is first opened: a page holds up to two hundred.
function prepare(dialog) {
  if (dialog.querySelector("[role=tablist]")) return;
  const tabs = document.createElement("div");
  tabs.className = "tabs";
  tabs.setAttribute("role", "tablist");
  tabs.setAttribute("aria-label", "About this variable");
  const names = [];
  for (const panel of dialog.querySelectorAll(".tab")) {
    const name = panel.dataset.tab;
    names.push(name);
    panel.id = `${dialog.id}/${name}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-label", name);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", panel.id);
    button.addEventListener("click", () => select(dialog, name, true));
    tabs.append(button);
  }
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    select(dialog, names[(names.indexOf(tab) + step + names.length) % names.length], true);
  });
  dialog.querySelector("header").after(tabs);
  dialog.addEventListener("click", (event) => {
    const close = event.target.closest(".close");
    if (close || event.target === dialog) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => {
    // The address no longer names it, and the page does not jump.
    if (location.hash === `#${dialog.id}`) history.replaceState(null, "", location.pathname + location.search);
    if (scrollBack !== null) window.scrollTo({ top: scrollBack, behavior: "instant" });
  });
}

function follow() {
  // Who goes to a scope leaves for good.
  if (location.hash.startsWith("#scope=")) scrollBack = null;
  const open = location.hash.startsWith(prefix) ? document.getElementById(location.hash.slice(1)) : null;
  for (const dialog of dialogs) if (dialog.open && dialog !== open) dialog.close();
  if (!open || open.open) return;
  scrollBack = window.scrollY;
  prepare(open);
  open.showModal();
  open.scrollTop = 0;
  select(open, "Overview", false);
  open.querySelector("h2").focus({ preventScroll: true });
}

for (const card of document.querySelectorAll("a.card")) {
  card.setAttribute("role", "button");
  card.setAttribute("aria-haspopup", "dialog");
  card.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    card.click();
  });
}
window.addEventListener("hashchange", follow);
follow();

// @ts-check
// The inspector: a card's link names a variable (`#variable=INDEX`); the address alone decides what is open. It is made
// when it is opened: of all that is known where the page holds that, of what the card tells elsewhere. A page that is fed
// holds none and asks the program.
import { sayDead, target, write } from "./address.js";
import { card } from "./card.js";
import { figureHtml } from "./hbs.js";
import { island, rendered } from "./island.js";
import { unpacked } from "./packed.js";
import { identity } from "./variables.js";

const room = /** @type {HTMLElement} */ (document.getElementById("inspectors"));
const { inspectors, variables } = island;
let tab = "Overview";
/** @type {number | null} */
let scrollBack = null;
/** @type {Element | null} what had the focus before it */
let opener = null;
/** @type {Element | null} the panel that it is in */
let home = null;

/**
 * Where each variable stands in a list of indices.
 * @param {number[]} indices
 */
const places = (indices) => new Map(indices.map((index, place) => [index, place]));
const whole = places(inspectors.index);
let held = places(variables.index);

/** @param {number} index @returns {HTMLDialogElement | null} */
function made(index) {
  const place = whole.get(index);
  if (place !== undefined) {
    return /** @type {HTMLDialogElement} */ (rendered("inspector", unpacked(inspectors, place)));
  }
  const position = held.get(index);
  if (position === undefined) return null;
  return /** @type {HTMLDialogElement} */ (rendered("brief", card(variables, position)));
}

/**
 * @param {HTMLElement} dialog
 * @param {string} name
 * @param {boolean} focus
 */
function select(dialog, name, focus) {
  tab = name;
  for (const panel of /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll(".tab"))) {
    panel.hidden = panel.dataset.tab !== name;
  }
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll("[role=tab]"))) {
    const selected = button.textContent === name;
    button.setAttribute("aria-selected", String(selected));
    button.tabIndex = selected ? 0 : -1;
    if (selected && focus) button.focus();
  }
  // The way back leads to the same tab.
  if (focus) history.replaceState({ ...history.state, tab }, "");
}

/** @param {HTMLDialogElement} dialog */
function prepare(dialog) {
  const tabs = document.createElement("div");
  tabs.className = "tabs";
  tabs.setAttribute("role", "tablist");
  tabs.setAttribute("aria-label", "About this variable");
  /** @type {string[]} */
  const names = [];
  for (const panel of /** @type {NodeListOf<HTMLElement>} */ (dialog.querySelectorAll(".tab"))) {
    const name = panel.dataset.tab ?? "";
    names.push(name);
    panel.id = `${dialog.id}/${name.replaceAll(" ", "-")}`;
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
  if (names.length > 1) dialog.querySelector("header")?.after(tabs);
  dialog.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (target.closest(".close") || target === dialog) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => {
    // The address no longer names it, and the page does not jump.
    if (target() === `#${dialog.id}`) write("");
    dialog.remove();
    if (scrollBack === null) return;
    window.scrollTo({ top: scrollBack, behavior: /** @type {any} */ ("instant") });
    if (document.activeElement === document.body) goBack(dialog);
  });
}

/**
 * On a page that is fed, what opened the dialog was made anew: the focus goes to the link that leads there now, or to the cards
 * where that one is out of sight.
 * @param {HTMLElement} dialog
 */
function goBack(dialog) {
  if (!opener || !home || opener.isConnected) return;
  const index = variables.index[positionOf(opened)];
  const link = home.querySelector(`a[href="#${index === undefined ? dialog.id : `variable=${index}`}"]`) ?? home.querySelector("#cards-room");
  /** @type {HTMLElement | null} */ (link)?.focus({ preventScroll: true });
}

const isFed = document.getElementById("live") !== null;
/** A program that does not answer for so long is waited for no longer. */
const ANSWER_MS = 3_000;
/** One that has too much to do is asked again. */
const [BUSY, AGAIN_MS] = [503, 150];

/**
 * All that the program that feeds the page knows of a variable; null: it does not answer, or its variable of this number is
 * another by now.
 * @param {number} index @param {string | null} wanted its identity
 * @returns {Promise<HTMLDialogElement | null>}
 */
async function ask(index, wanted) {
  const patience = new AbortController();
  const end = setTimeout(() => patience.abort(), ANSWER_MS);
  try {
    let answer = await fetch(`inspector?variable=${index}`, { signal: patience.signal });
    while (answer.status === BUSY) {
      await new Promise((again) => setTimeout(again, AGAIN_MS));
      answer = await fetch(`inspector?variable=${index}`, { signal: patience.signal });
    }
    const view = answer.ok ? await answer.json() : null;
    if (view === null || (wanted !== null && identityOf(view) !== wanted)) return null;
    const dialog = /** @type {HTMLDialogElement} */ (rendered("inspector", view));
    const moment = document.createElement("p");
    moment.className = "more moment";
    moment.innerHTML = `As the program was ${figureHtml(view.end)} after its start.`;
    dialog.querySelector("header")?.after(moment);
    return dialog;
  } catch {
    return null;
  } finally {
    clearTimeout(end);
  }
}

/**
 * What the page itself holds of a variable, where the program does not tell more.
 * @param {number} index
 */
function withoutAnswer(index) {
  const dialog = made(index);
  const lead = dialog?.querySelector(".lead");
  if (lead) lead.textContent = "The program did not answer: this is what the page itself holds of the variable. Close and open it to ask again.";
  return dialog;
}

function follow() {
  // Who goes to a scope leaves for good.
  if (target().startsWith("#scope=")) scrollBack = null;
  const asked = /^#variable=(.*)$/.exec(target());
  const open = /** @type {HTMLDialogElement | null} */ (room.querySelector("dialog[open]"));
  if (open && asked && open.id === target().slice(1)) return;
  open?.close();
  if (!asked) return;
  const index = Number(asked[1]);
  const who = identity(held.get(index));
  if (!isFed) {
    show(made(index), who);
    return;
  }
  void ask(index, who).then((dialog) => {
    // Who went elsewhere meanwhile stays there.
    if (target() === asked[0] && !room.querySelector("dialog[open]")) show(dialog ?? withoutAnswer(index), who);
  });
}

/** @param {HTMLDialogElement | null} dialog @param {string | null} who */
function show(dialog, who) {
  if (!dialog) return sayDead();
  opened = who;
  opener = document.activeElement;
  home = opener?.closest(".panel") ?? null;
  scrollBack = window.scrollY;
  room.replaceChildren(dialog);
  tell(dialog, null);
  prepare(dialog);
  dialog.showModal();
  dialog.scrollTop = 0;
  const before = history.state?.tab;
  select(dialog, dialog.querySelector(`.tab[data-tab="${before}"]`) ? before : "Overview", false);
  /** @type {HTMLElement | null} */ (dialog.querySelector("h2"))?.focus({ preventScroll: true });
}

/**
 * On a page that is fed, `rendered.js` takes note of a dialog that was rendered, and makes it what it is now.
 * @param {HTMLElement} dialog @param {HTMLElement | null} now
 */
function tell(dialog, now) {
  document.dispatchEvent(new CustomEvent("memscope:inspector", { detail: { dialog, now } }));
}

/**
 * Where the variable of that identity stands among those that the page holds.
 * @param {string | null} who
 */
const positionOf = (who) => variables.index.findIndex((/** @type {number} */ _, /** @type {number} */ place) => identity(place) === who);

/**
 * The identity of a view's variable.
 * @param {any} view
 */
const identityOf = ({ name, scope, type_name, place }) =>
  JSON.stringify([name, scope, type_name, place?.file ?? null, place?.line?.value ?? null]);

/** @type {string | null} the variable whose inspector is open */
let opened = null;

// A page that is fed has other figures now, and the variable may have another number.
async function renew() {
  held = places(variables.index);
  const dialog = /** @type {HTMLDialogElement | null} */ (room.querySelector("dialog[open]"));
  if (!dialog || opened === null) return;
  const index = variables.index[positionOf(opened)];
  const now = index === undefined ? null : await ask(index, opened);
  // Only what has tabs becomes what has them.
  if (!now || !dialog.open || dialog.querySelectorAll(".tab").length !== now.querySelectorAll(".tab").length) return;
  if (now.id !== dialog.id) write(`#${now.id}`);
  tell(dialog, now);
}
document.addEventListener("memscope:data", (event) => {
  if (/** @type {CustomEvent} */ (event).detail === "variables") void renew();
});

window.addEventListener("hashchange", follow);
follow();

// @ts-check
// The variable cards: ten thousand of them, of which those in sight are elements; search, filters, order, the count
// (shown/total), keys, and links to a filter (`#variables?stage=active&q=index`).
import { keep, target, write } from "./address.js";
import { card } from "./card.js";
import { island, render } from "./island.js";
import { onRange } from "./range.js";
import { countText } from "./units.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

const rows = island.variables;
const room = document.getElementById("cards-room");
const list = document.getElementById("cards");

/** @param {string} name @returns {any} */
const field = (name) => document.getElementById(`variables-${name}`);
const FILTERS = ["stage", "thread", "type", "category", "finding"];
/** Rows of cards that stand ready above and below what is in sight. */
const READY = 2;
/** Cards that print at most. */
const CARDS_ON_PAPER = 100;

/**
 * What a variable is told by from one update of a page that is fed to the next.
 * @param {number | undefined} position
 */
export function identity(position) {
  if (position === undefined) return null;
  const { texts } = rows;
  const columns = [rows.name, rows.scope, rows.type_name, rows.file, rows.line];
  return JSON.stringify(columns.map((column, place) => (place < 4 && column[position] !== null ? texts[column[position]] : column[position])));
}

/**
 * Cards of the positions `order`, as many as are in sight.
 * @param {HTMLElement} room
 * @param {HTMLElement} list
 */
function grid(room, list) {
  /** @type {number[]} */
  let order = [];
  /** @type {Map<number, HTMLLIElement>} by place in the order */
  let shown = new Map();
  let active = 0;
  /** @type {string | null} the variable that had the focus last, which is at `active` */
  let who = null;

  /** @type {{ columns: number, height: number } | null} until the room is resized */
  let measured = null;
  function measure() {
    if (measured) return measured;
    const style = getComputedStyle(list);
    const columns = Math.max(1, style.gridTemplateColumns.split(" ").length);
    const height = (list.firstElementChild?.getBoundingClientRect().height || 184) + parseFloat(style.rowGap);
    measured = { columns, height };
    return measured;
  }

  /**
   * Items of cards at `places`, made together: that is quicker.
   * @param {number[]} places
   */
  function items(places) {
    const template = document.createElement("template");
    template.innerHTML = places.map((place) => `<li>${render("card", card(rows, order[place]))}</li>`).join("");
    return /** @type {HTMLLIElement[]} */ ([...template.content.children]).map((li, number) => {
      const link = /** @type {HTMLElement} */ (li.firstElementChild);
      link.setAttribute("role", "button");
      link.setAttribute("aria-haspopup", "dialog");
      li.setAttribute("aria-setsize", String(order.length));
      li.setAttribute("aria-posinset", String(places[number] + 1));
      return li;
    });
  }

  let onPaper = false;
  for (const event of ["beforeprint", "afterprint"]) {
    window.addEventListener(event, () => {
      onPaper = event === "beforeprint";
      update();
      delete room.dataset.more;
      if (onPaper && order.length > shown.size) room.dataset.more = countText(order.length - shown.size);
    });
  }

  function update() {
    const { columns, height } = measure();
    const lines = Math.ceil(order.length / columns);
    const first = onPaper ? 0 : Math.max(0, Math.min(Math.floor(room.scrollTop / height) - READY, lines - 1));
    const last = Math.min(lines, Math.ceil((room.scrollTop + room.clientHeight) / height) + READY);
    const [from, to] = [first * columns, Math.min(order.length, onPaper ? CARDS_ON_PAPER : Math.max(last, first + 1) * columns)];
    let hadFocus = false;
    for (const [place, li] of shown) {
      if (place >= from && place < to) continue;
      hadFocus ||= li.contains(document.activeElement);
      li.remove();
      shown.delete(place);
    }
    const places = Array.from({ length: to - from }, (_, number) => from + number);
    const missing = places.filter((place) => !shown.has(place));
    items(missing).forEach((li, number) => shown.set(missing[number], li));
    /** @type {Element | null} */
    let next = list.firstElementChild;
    for (const place of places) {
      const li = /** @type {HTMLLIElement} */ (shown.get(place));
      if (li !== next) list.insertBefore(li, next);
      /** @type {HTMLElement} */ (li.firstElementChild).tabIndex = place === active ? 0 : -1;
      next = li.nextElementSibling;
    }
    // One of those in sight is in the order of the tab key.
    if ((active < from || active >= to) && to > from) {
      /** @type {HTMLElement} */ (shown.get(from)?.firstElementChild).tabIndex = 0;
    }
    list.style.paddingTop = `${first * height}px`;
    list.style.paddingBottom = `${Math.max(0, lines - Math.ceil(to / columns)) * height}px`;
    // A card that was scrolled away leaves its focus to the room, whose keys go on from it.
    if (hadFocus) room.focus({ preventScroll: true });
  }

  /** @param {number} place */
  function focus(place) {
    active = Math.max(0, Math.min(place, order.length - 1));
    reveal()?.scrollIntoView({ block: "nearest", behavior: /** @type {any} */ ("instant") });
  }

  /** The active card has the focus, and is in sight within the room. */
  function reveal() {
    const { columns, height } = measure();
    const top = Math.floor(active / columns) * height;
    if (top < room.scrollTop) room.scrollTop = top;
    if (top + height > room.scrollTop + room.clientHeight) room.scrollTop = top + height - room.clientHeight;
    update();
    const link = /** @type {HTMLElement | undefined} */ (shown.get(active)?.firstElementChild);
    link?.focus({ preventScroll: true });
    return link;
  }

  room.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || order.length === 0) return;
    const { columns, height } = measure();
    const page = columns * Math.max(1, Math.floor(room.clientHeight / height));
    /** @type {Record<string, number>} */
    const steps = {
      ArrowRight: active + 1, ArrowLeft: active - 1, ArrowDown: active + columns, ArrowUp: active - columns,
      PageDown: active + page, PageUp: active - page, Home: 0, End: order.length - 1,
    };
    if (event.key === " ") {
      event.preventDefault();
      /** @type {HTMLElement} */ (event.target).click();
    }
    if (!(event.key in steps)) return;
    event.preventDefault();
    // Down from the last line but one into a gap goes nowhere else than down: to the last card.
    focus(steps[event.key]);
  });
  room.addEventListener("focusin", (event) => {
    for (const [place, li] of shown) {
      if (!li.contains(/** @type {Node} */ (event.target))) continue;
      active = place;
      who = identity(order[place]);
    }
  });
  room.addEventListener("scroll", () => requestAnimationFrame(update), { passive: true });
  let width = 0;
  new ResizeObserver(() => {
    if (room.clientWidth === width) return;
    width = room.clientWidth;
    measured = null;
    update();
  }).observe(room);

  /** @param {number[]} positions @param {boolean} stays whether what is in sight and has the focus stays so */
  return (positions, stays) => {
    const [top, hadFocus] = [stays ? room.scrollTop : 0, stays && list.contains(document.activeElement)];
    order = positions;
    if (!stays) who = null;
    const was = active;
    active = stays ? Math.max(0, Math.min(active, order.length - 1)) : 0;
    if (who !== null && identity(order[active]) !== who) {
      // It stands elsewhere now; where it is gone, what is in its place is active.
      const place = order.findIndex((position) => identity(position) === who);
      if (place >= 0) active = place;
    }
    shown = new Map();
    list.replaceChildren();
    list.style.paddingTop = "0";
    room.scrollTop = 0;
    // The first card tells how high all are.
    measured = null;
    for (const li of items(order.length > 0 ? [0] : [])) {
      list.append(li);
      shown.set(0, li);
    }
    update();
    if (top === 0 && !hadFocus) return;
    room.scrollTop = top;
    update();
    const link = /** @type {HTMLElement | undefined} */ (shown.get(active)?.firstElementChild);
    if (hadFocus && active !== was) reveal();
    else if (hadFocus) link?.focus({ preventScroll: true });
  };
}

/**
 * Puts `options` behind "all". What is chosen stays chosen, also where no variable is of it any more, and what is open stays open
 * where nothing else is to be chosen.
 * @param {HTMLSelectElement} select @param {HTMLOptionElement[]} options
 */
function offer(select, options) {
  const [chosen] = select.selectedOptions;
  const isThere = chosen.value === "" || options.some(({ value }) => value === chosen.value);
  const all = [select.options[0], ...options, ...(isThere ? [] : [chosen])];
  const [shown, now] = [[...select.options], all].map((list) => JSON.stringify(list.map(({ text, value }) => [text, value])));
  if (shown === now) {
    all.forEach(({ dataset }, place) => Object.assign(select.options[place].dataset, dataset));
    return;
  }
  const { value } = chosen;
  select.replaceChildren(...all);
  select.value = value;
}

/** Types to choose from: the most frequent ones. Thousands would be styled anew with every dialog, and nobody reads them. */
const MOST_TYPES = 1_000;
let areTypesDue = true;
/** @param {string} type by its name, for an update numbers the texts anew */
const typeOption = (type) => new Option(type, type);
/** The types as options, once somebody comes to choose one. */
function typeChoices() {
  if (!areTypesDue) return;
  areTypesDue = false;
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const type of rows.type_name) if (type !== null) counts.set(type, (counts.get(type) ?? 0) + 1);
  const all = [...counts.keys()];
  const types = all.sort((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0)).slice(0, MOST_TYPES).map((type) => rows.texts[type]);
  types.sort((a, b) => (a < b ? -1 : 1));
  const others = new Option("others: search for them", "");
  others.disabled = true;
  offer(field("type"), [...types.map(typeOption), ...(all.length > types.length ? [others] : [])]);
}

/**
 * A type that is asked for can be chosen, whether it is frequent or not.
 * @param {string} type
 */
function offerType(type) {
  typeChoices();
  const options = /** @type {HTMLOptionElement[]} */ ([...field("type").options]);
  if (rows.type_name.includes(rows.texts.indexOf(type)) && !options.some(({ value }) => value === type)) field("type").append(typeOption(type));
}

/** Options of the other selects whose values the rows have. */
function choices() {
  /** @type {Map<number, HTMLOptionElement>} */
  const threads = new Map();
  rows.index.forEach((/** @type {number} */ index, /** @type {number} */ position) => {
    rows.thread_lists[rows.threads[position]].forEach((/** @type {number} */ id, /** @type {number} */ place) => {
      if (threads.has(id)) return;
      const option = new Option(rows.thread_names[id] ? `${id} ${rows.thread_names[id]}` : String(id), String(id));
      Object.assign(option.dataset, { from: `/variables/${index}/threads/${place}`, value: String(id) });
      threads.set(id, option);
    });
  });
  offer(field("thread"), [...threads].sort(([a], [b]) => a - b).map(([, option]) => option));
  const categories = new Set(rows.categories.map((/** @type {{ name: string }} */ category) => category.name));
  offer(field("category"), [...[...categories].sort().map((name) => new Option(name, name)), new Option("not measured", "none")]);
  areTypesDue = true;
  // Who is in the list by keyboard does not come to it again.
  if (document.activeElement === field("type")) typeChoices();
}

/** @type {string[] | null} what is searched in each row */
let searched = null;
function texts() {
  const { texts } = rows;
  searched ??= rows.index.map((/** @type {number} */ _, /** @type {number} */ position) =>
    [rows.name, rows.type_name, rows.scope, rows.file]
      .map((column) => (column[position] === null ? "" : texts[column[position]]))
      .join("\n").toLowerCase());
  return /** @type {string[]} */ (searched);
}

/** @type {import("./range.js").Range | null} */
let range = null;

/** Positions that pass the filters, in order. */
function passing() {
  const words = field("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [stage, thread, type, category, finding] = FILTERS.map((name) => field(name).value);
  const typeNumber = rows.texts.indexOf(type);
  const lists = rows.thread_lists.map((/** @type {number[]} */ ids) => thread === "" || ids.includes(Number(thread)));
  const all = words.length > 0 ? texts() : [];
  /** @type {number[]} */
  const found = [];
  for (let position = 0; position < rows.index.length; position += 1) {
    const kind = rows.category?.[position] ?? null;
    const severity = rows.finding[position] ?? "none";
    if (words.every((/** @type {string} */ word) => all[position].includes(word))
      && (range === null || (rows.first_ms[position] <= range.toMs && (rows.last_ms[position] ?? Infinity) >= range.fromMs))
      && (stage === "" || rows.stages[rows.stage[position]].key === stage)
      && lists[rows.threads[position]]
      && (type === "" || rows.type_name[position] === typeNumber)
      && (category === "" || (kind === null ? "none" : rows.categories[kind].name) === category)
      && (finding === "" || severity === finding || (finding === "any" && severity !== "none"))) found.push(position);
  }
  const key = field("sort").value;
  const column = rows[key];
  if (key === "") return found;
  const byText = key === "name" || key === "type_name";
  return found.sort((a, b) => {
    const [x, y] = [column[a], column[b]];
    if (x === y) return a - b;
    if (x === null) return 1; // not measured: last, whichever way
    if (y === null) return -1;
    if (byText) return rows.texts[x] < rows.texts[y] ? -1 : 1;
    return (key === "first_ms" ? Number(x) - Number(y) : Number(y) - Number(x)) || a - b;
  });
}

/** What the address says of the filters: `#variables?…`. */
const LINK = "#variables?";
function readLink() {
  const asked = new URLSearchParams(target().slice(LINK.length));
  keep("variables", target());
  field("search").value = asked.get("q") ?? "";
  for (const name of [...FILTERS, "sort"]) {
    const value = asked.get(name) ?? "";
    if (name === "type" && value !== "") offerType(value);
    field(name).value = value;
    if (field(name).selectedIndex < 0) field(name).value = "";
  }
}
function writeLink() {
  const told = new URLSearchParams();
  if (field("search").value !== "") told.set("q", field("search").value);
  for (const name of [...FILTERS, "sort"]) {
    const { value } = field(name);
    if (value !== "") told.set(name, value);
  }
  const link = String(told) === "" ? "" : `${LINK}${told}`;
  keep("variables", link);
  if (link !== "" || target().startsWith(LINK)) write(link);
}

if (room && list) {
  room.tabIndex = -1;
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", "Variables; arrow keys move from card to card, Enter opens one");
  const show = grid(room, list);
  const count = field("shown").firstElementChild;
  const all = { text: count.textContent, value: count.dataset.value, from: count.dataset.from };

  const filter = (stays = false) => {
    const found = passing();
    show(found, stays);
    // A filtered count comes from the filter, not from the document, and must not say that it does: it says which list's
    // items it counts.
    if (found.length === rows.index.length) {
      delete count.dataset.shown;
      count.textContent = all.text;
      Object.assign(count.dataset, { value: all.value, from: all.from });
    } else {
      count.textContent = countText(found.length);
      count.dataset.shown = list.id;
      delete count.dataset.value;
      delete count.dataset.from;
    }
    field("none").hidden = found.length > 0;
    field("clear").hidden = [field("search"), ...FILTERS.map(field)].every((asked) => asked.value === "");
  };
  onRange("variables", (chosen) => {
    if (chosen !== range) {
      range = chosen;
      filter();
    }
    return chosen && `between first and last sight in ${chosen.html}`;
  });
  const follow = () => {
    if (!location.hash.startsWith(LINK)) return;
    readLink();
    filter();
    document.getElementById("variables")?.scrollIntoView({ behavior: /** @type {any} */ ("instant") });
  };

  choices();
  for (const event of ["pointerdown", "focus"]) field("type").addEventListener(event, typeChoices);
  // Before the first letter is typed, if there is time.
  (window.requestIdleCallback ?? setTimeout)(texts);
  const controls = field("controls");
  controls.hidden = false;
  controls.addEventListener("submit", (/** @type {Event} */ event) => event.preventDefault());
  controls.addEventListener("input", () => {
    filter();
    writeLink();
  });
  controls.addEventListener("reset", () => setTimeout(() => {
    filter();
    writeLink();
    field("search").focus();
  }));
  // A reload may keep what was chosen.
  if (location.hash.startsWith(LINK)) follow();
  else filter();
  window.addEventListener("hashchange", follow);
  // A page that is fed has other rows now.
  document.addEventListener("memscope:data", (event) => {
    if (/** @type {CustomEvent} */ (event).detail !== "variables") return;
    searched = null;
    all.value = String(rows.index.length);
    all.text = countText(rows.index.length);
    choices();
    filter(true);
  });
}

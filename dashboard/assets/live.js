// @ts-check
// A page that is fed by the running program: server-sent events bring the sums several times a second, panels when they
// changed, alerts as they fire. Panels are rendered by the partials that Rust renders them with.
//
// What was typed, sorted, opened or scrolled stays: see `rendered.js`. Other modules hear `memscope:panel` on the document
// after a panel changed, and `memscope:data` after the island did.
import { figureHtml } from "./hbs.js";
import { island, render } from "./island.js";
import { patched } from "./patch.js";
import { add, show } from "./rendered.js";

/** @typedef {import("./figure.js").Figure} Figure */
/** @typedef {"books_ms" | "variables_ms" | "blocks_ms"} Age of a look, as the pulse says it */

const bar = document.getElementById("live");
/**
 * The partials' panels, in the page's order, the ids of their elements, and of which look at the program they are.
 * @type {[string, string, Age][]}
 */
const PANELS = [
  ["answers", "answers", "blocks_ms"], ["overview", "overview", "books_ms"], ["variables", "variables", "variables_ms"], ["memory_map", "memory-map", "blocks_ms"],
  ["diagnostics", "diagnostics", "blocks_ms"], ["scopes", "scopes", "books_ms"], ["types", "types", "variables_ms"],
  ["lifetimes", "lifetimes", "blocks_ms"], ["sizes", "sizes", "blocks_ms"], ["threads", "threads", "books_ms"],
  ["handed_out", "handed-out", "books_ms"], ["tasks", "tasks", "books_ms"], ["sites", "sites", "blocks_ms"],
  ["recording", "recording", "variables_ms"],
];
/**
 * Parts of panels that are of another look than theirs, by the ids of their headings.
 * @type {[string, string, Age][]}
 */
const PARTS = [
  ["leaks-h", "outlived", "variables_ms"], ["fragmentation-h", "slack and glibc", "blocks_ms"],
  ["scope-details-h", "details of a scope", "blocks_ms"],
];
/** What is older than this beside the sums says so. */
const OLD_MS = 2_500;
/** What does not answer for so long is lost. Pulses come every 400 ms. */
const SILENCE_MS = 5_000;
const RETRY_MS = 1_000;
const MOST_ALERTS = 20;
/** What the island's fields are sent as. */
const DATA = "data:";
/** What has a module at work only if it was there when the page was loaded. */
const WITH_MODULES = ["cards", "timeline", "memory-map-readout"];

/** @param {string} id @returns {HTMLElement} */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

if (bar) follow(bar);

/** @param {HTMLElement} bar */
function follow(bar) {
  const [state, age, pause, alerts] = ["state", "age", "pause", "alerts"].map((name) => element(`live-${name}`));
  const known = { run: bar.dataset.run ?? "", update: Number(bar.dataset.update), alert: 0 };
  const missing = WITH_MODULES.filter((id) => !document.getElementById(id));
  /** @type {EventSource | null} */
  let source = null;
  let [heard, retry, isPaused] = [0, 0, false];
  /**
   * The JSON of each panel that came since the page listens, which changes are told of.
   * @type {Map<string, string>}
   */
  const texts = new Map();
  /** When the program was looked at for what is shown. */
  const at = { books_ms: performance.now(), variables_ms: performance.now(), blocks_ms: performance.now() };

  /** @param {string} name @param {string} text */
  function say(name, text) {
    bar.dataset.state = name;
    // Set anew only when it changes: it is read out.
    if (state.textContent !== text) state.textContent = text;
  }

  /**
   * A panel came whole: `{"name":…,"view":…}`.
   * @param {string} data
   */
  function takeWhole(data) {
    const { name, view } = JSON.parse(data);
    texts.set(name, data.slice(`{"name":"${name}","view":`.length, -1));
    take(name, view);
  }

  /**
   * What changed in one came: `{"name":…,"patch":[…]}`.
   * @param {string} data
   */
  function takePatch(data) {
    const { name, patch } = JSON.parse(data);
    const text = patched(texts.get(name) ?? "", patch);
    texts.set(name, text);
    take(name, JSON.parse(text));
  }

  /** @param {string} name @param {any} view */
  function take(name, view) {
    if (name.startsWith(DATA)) {
      const field = name.slice(DATA.length);
      // In its place, for modules hold it.
      if (island[field]) Object.assign(island[field], view);
      else island[field] = view;
      document.dispatchEvent(new CustomEvent("memscope:data", { detail: field }));
      return;
    }
    const index = PANELS.findIndex(([partial]) => partial === name);
    if (index < 0) return;
    const live = document.getElementById(PANELS[index][1]);
    if (view === null) {
      if (live) live.hidden = true;
      return;
    }
    if (live) {
      live.hidden = false;
      show(live, render(name, view));
    } else {
      const before = PANELS.slice(0, index).map(([, id]) => document.getElementById(id)).filter((panel) => panel !== null);
      add(/** @type {HTMLElement} */ (before.at(-1)), render(name, view));
    }
    if (missing.some((id) => document.getElementById(id))) location.reload();
    document.dispatchEvent(new CustomEvent("memscope:panel", { detail: name }));
  }

  /**
   * Each figure of the process's sums, wherever it stands in the overview.
   * @param {Figure[]} figures
   */
  function beat(figures) {
    for (const figure of figures.flatMap((figure) => (figure.error ? [figure, figure.error] : [figure]))) {
      const places = document.querySelectorAll(`:is(#overview, #recording, #first-line) [data-from="${CSS.escape(figure.from)}"]`);
      for (const place of places) {
        const text = place.firstChild;
        // The node stays, so that the next rendering finds it; a bound within the figure is the panel's to change.
        if (!(text instanceof Text) || place.childNodes.length !== 1) continue;
        const now = document.createElement("template");
        now.innerHTML = figureHtml(figure);
        const span = now.content.firstElementChild;
        if (!span) continue;
        text.data = span.textContent ?? "";
        for (const name of ["data-value", "title"]) {
          const value = span.getAttribute(name);
          if (value === null) place.removeAttribute(name);
          else place.setAttribute(name, value);
        }
      }
    }
  }

  /** How old each panel is, where it is older than the sums. */
  function tellAges() {
    const now = performance.now();
    /** @param {Age} of */
    const ago = (of) => `${Math.round((now - at[of]) / 1_000)} s ago`;
    /** @param {Age} of */
    const isOld = (of) => now - at[of] > OLD_MS;
    const text = `scopes and threads ${ago("books_ms")}, variables ${ago("variables_ms")}, blocks and findings ${ago("blocks_ms")}`;
    if (age.textContent !== text) age.textContent = text;
    for (const [, id, of] of PANELS) note(document.querySelector(`#${id} > h2`), isOld(of) ? ago(of) : "");
    for (const [id, called, of] of PARTS) note(document.getElementById(id), isOld(of) ? `${called}: ${ago(of)}` : "");
  }

  /**
   * Says in a heading how old its figures are; "": as old as the sums.
   * @param {Element | null} heading @param {string} text
   */
  function note(heading, text) {
    if (!heading) return;
    let badge = /** @type {HTMLElement | null} */ (heading.querySelector(".age-note"));
    if (!badge && text === "") return;
    if (!badge) {
      badge = document.createElement("small");
      badge.className = "badge age-note";
      heading.append(" ", badge);
    }
    badge.hidden = text === "";
    if (badge.textContent !== text) badge.textContent = text;
  }

  /** @param {{ number: number, severity: string, message: string, at: string }} alert */
  function warn(alert) {
    if (alert.number <= known.alert) return;
    known.alert = alert.number;
    alerts.hidden = false;
    const row = document.createElement("li");
    row.className = alert.severity;
    row.textContent = `${alert.at}: ${alert.message}`;
    const gone = document.createElement("button");
    gone.type = "button";
    gone.textContent = "Dismiss";
    gone.addEventListener("click", () => {
      const hadFocus = row.contains(document.activeElement);
      const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector("button") ?? pause;
      row.remove();
      if (hadFocus) next.focus();
      alerts.hidden = alerts.children.length === 0;
    });
    row.append(" ", gone);
    alerts.prepend(row);
    while (alerts.children.length > MOST_ALERTS) alerts.lastElementChild?.remove();
  }

  function connect() {
    clearTimeout(retry);
    source?.close();
    texts.clear();
    const query = new URLSearchParams({ run: known.run, update: String(known.update), alert: String(known.alert) });
    source = new EventSource(`events?${query}`);
    heard = performance.now();
    source.addEventListener("panel", (event) => takeWhole(event.data));
    source.addEventListener("patch", (event) => takePatch(event.data));
    source.addEventListener("alert", (event) => warn(JSON.parse(event.data)));
    source.addEventListener("pulse", (event) => {
      const pulse = JSON.parse(event.data);
      if (pulse.run !== known.run) {
        // Another process: its page is another one.
        location.reload();
        return;
      }
      heard = performance.now();
      for (const [age, ms] of Object.entries(pulse.ages)) at[/** @type {Age} */ (age)] = heard - ms;
      known.update = pulse.update;
      beat(pulse.figures);
      say("live", "Live");
    });
    source.addEventListener("error", lose);
  }

  function lose() {
    if (isPaused) return;
    source?.close();
    source = null;
    say("lost", "Connection lost: the figures are the last that came. Trying again …");
    clearTimeout(retry);
    retry = setTimeout(connect, RETRY_MS);
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    pause.textContent = isPaused ? "Resume" : "Pause";
    if (!isPaused) {
      say("connecting", "Connecting …");
      connect();
      return;
    }
    // Who is paused does not listen, so the program has nothing to do for it.
    clearTimeout(retry);
    source?.close();
    source = null;
    say("paused", "Paused");
  });
  setInterval(() => {
    if (source && performance.now() - heard > SILENCE_MS) lose();
    tellAges();
  }, 1_000);
  say("connecting", "Connecting …");
  connect();
}

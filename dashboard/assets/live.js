// @ts-check
// A page that is fed by the running program: server-sent events bring the sums several times a second, panels when they
// changed, alerts as they fire. Panels are rendered by the partials that Rust renders them with.
//
// What was typed, sorted, opened or scrolled stays: see `rendered.js`. Other modules hear `memscope:panel` on the document
// after a panel changed, and `memscope:data` after the island did.
import { figureHtml } from "./hbs.js";
import { island, render } from "./island.js";
import { add, show } from "./rendered.js";

/** @typedef {import("./figure.js").Figure} Figure */

const bar = document.getElementById("live");
/**
 * The partials' panels, in the page's order, and the ids of their elements.
 * @type {[string, string][]}
 */
const PANELS = [
  ["overview", "overview"], ["variables", "variables"], ["memory_map", "memory-map"], ["diagnostics", "diagnostics"],
  ["scopes", "scopes"], ["types", "types"], ["lifetimes", "lifetimes"], ["sizes", "sizes"], ["threads", "threads"],
  ["handed_out", "handed-out"], ["tasks", "tasks"], ["sites", "sites"], ["recording", "recording"],
];
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
  let [heard, fed, fedLarge, retry, isPaused] = [0, performance.now(), performance.now(), 0, false];

  /** @param {string} name @param {string} text */
  function say(name, text) {
    bar.dataset.state = name;
    // Set anew only when it changes: it is read out.
    if (state.textContent !== text) state.textContent = text;
  }

  /** @param {{ name: string, view: any }} panel */
  function take({ name, view }) {
    if (name === "data:variables") fed = performance.now();
    if (name === "data:inspectors") fedLarge = performance.now();
    if (name.startsWith(DATA)) {
      const field = name.slice(DATA.length);
      // In its place, for modules hold it.
      Object.assign(island[field], view);
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
      row.remove();
      alerts.hidden = alerts.children.length === 0;
    });
    row.append(" ", gone);
    alerts.prepend(row);
    while (alerts.children.length > MOST_ALERTS) alerts.lastElementChild?.remove();
  }

  function connect() {
    clearTimeout(retry);
    source?.close();
    const query = new URLSearchParams({ run: known.run, update: String(known.update), alert: String(known.alert) });
    source = new EventSource(`events?${query}`);
    heard = performance.now();
    source.addEventListener("panel", (event) => take(JSON.parse(event.data)));
    source.addEventListener("alert", (event) => warn(JSON.parse(event.data)));
    source.addEventListener("pulse", (event) => {
      const pulse = JSON.parse(event.data);
      if (pulse.run !== known.run) {
        // Another process: its page is another one.
        location.reload();
        return;
      }
      heard = performance.now();
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
    const [panels, large] = [fed, fedLarge].map((time) => Math.floor((performance.now() - time) / 1_000));
    age.textContent = `panels changed ${panels} s ago, memory map and inspectors ${large} s ago`;
  }, 1_000);
  say("connecting", "Connecting …");
  connect();
}

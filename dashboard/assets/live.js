// @ts-check
// A page that is fed by the running program: server-sent events bring the sums several times a second, panels when they
// changed, alerts as they fire. Panels are rendered by the partials that Rust renders them with.
//
// What was typed, sorted, opened or scrolled stays: see `rendered.js`. Other modules hear `memscope:panel` on the document
// after a panel changed, and `memscope:data` after the island did.
import { figureHtml, renderer } from "./hbs.js";
import { add, show } from "./rendered.js";

/** @typedef {import("./figure.js").Figure} Figure */

const bar = document.getElementById("live");
/** The partials' panels, in the page's order, and the ids of their elements. @type {[string, string][]} */
const PANELS = [
  ["overview", "overview"], ["variables", "variables"], ["memory_map", "memory-map"], ["diagnostics", "diagnostics"],
  ["scopes", "scopes"], ["types", "types"], ["lifetimes", "lifetimes"], ["threads", "threads"],
  ["handed_out", "handed-out"], ["tasks", "tasks"], ["sites", "sites"], ["recording", "recording"],
];
/** What does not answer for so long is lost. Pulses come every 400 ms. */
const SILENCE_MS = 5_000;
const RETRY_MS = 1_000;
const MOST_ALERTS = 20;

/** @param {string} id @returns {HTMLElement} */
function element(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

if (bar) follow(bar);

/** @param {HTMLElement} bar */
function follow(bar) {
  const render = renderer(JSON.parse(element("programs").textContent ?? "{}"));
  const [state, age, pause, alerts] = ["state", "age", "pause", "alerts"].map((name) => element(`live-${name}`));
  const known = { run: bar.dataset.run ?? "", update: Number(bar.dataset.update), alert: 0 };
  /** @type {EventSource | null} */
  let source = null;
  let [heard, fed, retry, isPaused] = [0, performance.now(), 0, false];

  /** @param {string} name @param {string} text */
  function say(name, text) {
    bar.dataset.state = name;
    // Set anew only when it changes: it is read out.
    if (state.textContent !== text) state.textContent = text;
  }

  /** @param {{ name: string, view: any }} panel */
  function take({ name, view }) {
    if (name === "island") {
      element("data").textContent = JSON.stringify(view);
      document.dispatchEvent(new CustomEvent("memscope:data"));
      return;
    }
    const index = PANELS.findIndex(([partial]) => partial === name);
    if (index < 0) return;
    const live = document.getElementById(PANELS[index][1]);
    fed = performance.now();
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
    document.dispatchEvent(new CustomEvent("memscope:panel", { detail: name }));
  }

  /** Each figure of the process's sums, wherever it stands in the overview. @param {Figure[]} figures */
  function beat(figures) {
    for (const figure of figures.flatMap((figure) => (figure.error ? [figure, figure.error] : [figure]))) {
      const places = document.querySelectorAll(`#overview [data-from="${CSS.escape(figure.from)}"], #recording [data-from="${CSS.escape(figure.from)}"]`);
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
    const seconds = Math.floor((performance.now() - fed) / 1_000);
    age.textContent = `sums ${isPaused ? "as they were" : "now"}, panels ${seconds} s old`;
  }, 1_000);
  say("connecting", "Connecting …");
  connect();
}

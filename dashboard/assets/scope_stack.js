// @ts-check
// Live bytes over time, stacked by function: at each of the recording's moments what the scopes of a function held, each
// alone. The seven functions with the highest values have bands of their own, all others share one; the largest lies at
// the bottom. The table below names them in the order in which they lie, so that no colour is needed to read it, and
// tells the moment that the reader is at.
import { bytes } from "./figure.js";
import { countedHtml, placeHtml } from "./flame.js";
import { escaped, figureHtml } from "./hbs.js";
import { island } from "./island.js";
import { functionsOf } from "./scope_callers.js";
import { isEstimated, scopeName } from "./scope_model.js";
import { held, highest, momentFigure } from "./scope_range.js";

/** @typedef {import("./scope_model.js").ScopeModel} ScopeModel */
/** @typedef {import("./scope_range.js").Span} Span */
/**
 * @typedef {object} Band
 * @property {number[]} rows its scopes @property {boolean} isOthers
 * @property {bigint[]} values at each moment of the recording
 */

/** Bands of one function each. */
const MOST_BANDS = 7;
/** The drawing's own units, and the air above the highest point. */
const [WIDTH, HEIGHT, AIR] = [10_000, 2_000, 100];
/** A band has its name within it where it is as high as this part of the drawing. */
const LABEL_SHARE = 0.13;

/**
 * The bands from the bottom up, what all functions held that are in them, and the scopes of functions whose bytes over time are not all on this page.
 * @param {ScopeModel} model @param {Span} span
 */
export function bandsOf(model, [first, last]) {
  const moments = model.data.trends?.ms.length ?? 0;
  /** @type {number[]} */
  const missing = [];
  /** @type {Band[]} */
  const functions = [];
  /** @param {number[]} rows @param {boolean} isOthers @returns {Band} */
  const band = (rows, isOthers) => {
    const values = new Array(moments).fill(0n);
    for (const row of rows) for (let at = 0; at < moments; at += 1) values[at] += held(model, row, at) ?? 0n;
    return { rows, isOthers, values };
  };
  for (const rows of functionsOf(model).rows) {
    if (rows.some((row) => held(model, row, 0) === null)) missing.push(...rows);
    else functions.push(band(rows, false));
  }
  /** @param {Band} band */
  const most = ({ values }) => values.slice(first, last + 1).reduce((a, b) => (a > b ? a : b), 0n);
  const ranked = functions.map((band) => ({ band, most: most(band) })).sort((a, b) => (a.most < b.most ? 1 : a.most > b.most ? -1 : 0));
  const own = ranked.slice(0, MOST_BANDS).filter(({ most }) => most > 0n).map(({ band }) => band);
  // The only other one is no crowd.
  if (ranked.length === own.length + 1) own.push(ranked[own.length].band);
  const rest = ranked.slice(own.length).flatMap(({ band }) => band.rows);
  return { bands: rest.length > 0 ? [...own, band(rest, true)] : own, functions, missing };
}

/**
 * Numbers of the bands' colours: a scope that has one in the memory map by address has the same here, the others have what is left.
 * @param {ScopeModel} model @param {Band[]} bands
 */
function coloursOf({ data }, bands) {
  /** @type {number[]} */
  const given = island.memory_map?.map?.scope_colours ?? [];
  const colours = bands.map(({ rows, isOthers }) => (isOthers ? MOST_BANDS : given.findIndex((scope) => rows.some((row) => data.index[row] === scope))));
  const left = Array.from({ length: MOST_BANDS }, (_, colour) => colour).filter((colour) => !colours.includes(colour));
  // Those that no scope of the map has come first.
  left.sort((a, b) => Number(a < given.length) - Number(b < given.length));
  return colours.map((colour) => (colour < 0 ? left.shift() ?? MOST_BANDS : colour));
}

/**
 * Where a sum over `rows` at a moment comes from.
 * @param {ScopeModel} model @param {Band} band @param {Band[]} bands @param {number} at
 */
function heldFrom({ data }, { rows, isOthers }, bands, at) {
  const pointer = (/** @type {number} */ row) => `/scopes/${data.index[row]}/trend/${at}`;
  const ofFunction = (/** @type {number[]} */ rows) => (rows.length === 1 ? pointer(rows[0]) : `alike(${pointer(rows[0])}, 0)`);
  if (!isOthers) return ofFunction(rows);
  if (!data.trends?.is_whole) return rows.map(pointer).join(" + ");
  return [`listed(/scopes/*/trend/${at})`, ...bands.filter((band) => !band.isOthers).map((band) => ofFunction(band.rows))].join(" - ");
}

/**
 * @param {HTMLElement} place @param {ScopeModel} model
 */
export function stackedCurves(place, model) {
  const moments = model.data.trends?.ms ?? [];
  /** @type {Span} */
  const all = [0, moments.length - 1];
  let span = all;
  let isDrawn = false;
  let at = 0;

  /** @param {number} moment in percent of the drawing's width */
  const x = (moment) => {
    const [first, last] = span.map((end) => Number(moments[end]));
    return last === first ? 0 : ((Number(moments[moment]) - first) / (last - first)) * 100;
  };

  function draw() {
    isDrawn = true;
    const { bands, functions, missing } = bandsOf(model, span);
    const [first, last] = span;
    const within = moments.map((_, moment) => moment).slice(first, last + 1);
    const totals = moments.map((_, moment) => bands.reduce((sum, { values }) => sum + values[moment], 0n));
    const top = highest((moment) => totals[moment], span);
    const most = totals[top];
    const ends = span.map((moment) => figureHtml(momentFigure(model, moment)));
    const left = missing.length === 0 ? "" : ` Not in here: ${countedHtml(model, missing)} scope${missing.length === 1 ? "" : "s"} of functions whose bytes over time are not all on this page.`;
    const unlisted = model.data.trends?.is_whole || missing.length > 0 ? "" : " Not in here: scopes that are not listed.";
    const said = `<p class="lead said">What the scopes of a function held, each alone, from ${ends[0]} to ${ends[1]}. The recorder notes it at few moments; the lines between them are drawn, not measured, and the timeline above has moments of its own.`
      + `${isEstimated(model) ? " These are estimates, whose errors at these moments are not recorded." : ""}${left}${unlisted}</p>`;
    if (most === 0n) {
      place.innerHTML = `${said}<p class="more">Nothing was held at these moments.</p>`;
      return;
    }
    const y = (/** @type {bigint} */ value) => Math.round(HEIGHT - (Number(value) / Number(most)) * (HEIGHT - AIR));
    const px = (/** @type {number} */ moment) => Math.round((x(moment) / 100) * WIDTH);
    const below = new Array(moments.length).fill(0n);
    const name = (/** @type {Band} */ band) => (band.isOthers ? "all others" : escaped(scopeName(model.data, band.rows[0])));
    const colours = coloursOf(model, bands);
    const colour = (/** @type {Band} */ band) => colours[bands.indexOf(band)];
    const drawn = bands.map((band) => {
      const lower = within.map((moment) => `${px(moment)},${y(below[moment])}`).reverse();
      const thickest = highest((moment) => band.values[moment], span);
      // Where its name has room, which lies between two moments where it is highest at an end.
      const across = Math.min(88, Math.max(12, x(thickest)));
      const later = Math.max(first + 1, within.find((moment) => x(moment) >= across) ?? last);
      const part = (across - x(later - 1)) / (x(later) - x(later - 1) || 1);
      const there = (/** @type {bigint[]} */ values) => (Number(values[later - 1]) * (1 - part) + Number(values[later]) * part) / Number(most);
      const [base, height] = [there(below), there(band.values)];
      band.values.forEach((value, moment) => (below[moment] += value));
      const upper = within.map((moment) => `${px(moment)},${y(below[moment])}`);
      const label = height < LABEL_SHARE ? "" : `<span class="band-label" style="left:${across.toFixed(2)}%;bottom:${((base + height / 2) * (1 - AIR / HEIGHT) * 100).toFixed(2)}%">${name(band)}</span>`;
      const path = `<path class="c${colour(band)}" data-band="${band.isOthers ? "others" : model.data.index[band.rows[0]]}" d="M${[...upper, ...lower].join("L")}Z"/>`;
      return { path, label };
    });
    place.innerHTML = `${said}<div class="plot bands"><svg viewBox="0 0 10000 2000" preserveAspectRatio="none" role="img" aria-label="Live bytes over time, a band for each function; the table below holds its figures." `
      + `data-stacked="${first}-${last}" data-missing="${missing.map((row) => model.data.index[row]).join(" ")}">${drawn.map(({ path }) => path).join("")}</svg>`
      + `${drawn.map(({ label }) => label).join("")}<span class="cursor"></span></div>`
      + `<p class="axis"><span>${ends[0]}</span><span>${ends[1]}</span></p>`
      + `<div class="handles one"><input type="range" step="any" aria-label="Moment that the table tells"></div>`
      + `<p class="moment" aria-live="polite"></p>`
      + `<div class="scroll"><table class="bands-table"><thead><tr><th scope="col">Function, as they lie</th><th scope="col">Then</th><th scope="col">Highest noted</th></tr></thead><tbody></tbody></table></div>`;
    const find = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (place.querySelector(selector));
    const [plot, cursor, spoken, body] = [".plot", ".cursor", ".moment", "tbody"].map(find);
    const handle = /** @type {HTMLInputElement} */ (find("input"));
    const figure = (/** @type {Band} */ band, /** @type {number} */ moment) => bytes(heldFrom(model, band, bands, moment), band.values[moment]);
    const whole = (/** @type {number} */ moment) => {
      const from = model.data.trends?.is_whole ? `listed(/scopes/*/trend/${moment})` : bands.map((band) => heldFrom(model, band, bands, moment)).join(" + ");
      return figureHtml(bytes(from, totals[moment]));
    };
    const highestHtml = bands.map((band) => figureHtml(figure(band, highest((moment) => band.values[moment], span))));
    const rowHtml = (/** @type {string} */ key, /** @type {string} */ title, /** @type {string} */ then, /** @type {string} */ most) =>
      `<tr><th scope="row">${key}${title}</th><td>${then}</td><td>${most}</td></tr>`;

    /**
     * Tells of a moment.
     * @param {number} moment
     */
    function tell(moment) {
      at = moment;
      cursor.style.left = `${x(at)}%`;
      const then = figureHtml(momentFigure(model, at));
      handle.value = String(x(at));
      handle.dataset.row = `/trend_ms/${at}`;
      handle.setAttribute("aria-valuetext", momentFigure(model, at).text);
      // It may be one of the others; where nothing was held there is none.
      const largest = functions.reduce((a, b) => (b.values[at] > a.values[at] ? b : a));
      spoken.innerHTML = `At ${then}: ${whole(at)} together${largest.values[at] > 0n ? `, most in ${name(largest)}` : ""}`;
      body.innerHTML = [...bands].reverse().map((band) => rowHtml(`<i class="c${colour(band)}" aria-hidden="true"></i>`,
        band.isOthers ? `all others, ${countedHtml(model, band.rows)} scope${band.rows.length === 1 ? "" : "s"}` : `<b>${name(band)}</b> ${placeHtml(model, band.rows[0])}`,
        figureHtml(figure(band, at)), highestHtml[bands.indexOf(band)])).join("")
        + rowHtml("", "together", whole(at), whole(top));
    }
    const nearest = (/** @type {number} */ percent) =>
      within.reduce((best, moment) => (Math.abs(x(moment) - percent) < Math.abs(x(best) - percent) ? moment : best), first);
    const go = (/** @type {number} */ moment) => {
      const next = Math.max(first, Math.min(last, moment));
      if (next !== at) tell(next);
      else handle.value = String(x(at));
    };
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      go(nearest(((event.clientX - box.left) / box.width) * 100));
    });
    handle.addEventListener("input", () => go(nearest(Number(handle.value))));
    handle.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 4, PageDown: -4, Home: -moments.length, End: moments.length }[event.key];
      if (!step) return;
      event.preventDefault();
      go(at + step);
    });
    tell(top);
  }

  return {
    /** Whether there are moments to draw. */
    isThere: moments.length > 1,
    /** Draws what has come into sight. */
    open() {
      if (!isDrawn && moments.length > 1) draw();
    },
    /**
     * Draws the moments of a range; null: all.
     * @param {Span | null} now @param {boolean} isOpen
     */
    follow(now, isOpen) {
      span = now ?? all;
      isDrawn = false;
      if (isOpen) this.open();
    },
  };
}

// @ts-check
// The page's partials in the browser: runs what Rust parsed of them (`src/partials.rs`), to the same bytes as Rust's
// Handlebars does in strict mode (`tests/parity.rs`). A template that names what its view does not have throws.
//
// A program is a list of steps. A step is text, or a list whose first entry says what is done:
// ["=", path] the value, escaped; ["#", path] a figure; ["t", path] a type, ["p", path] prose, as in `src/words.rs`;
// [">", name, path] a partial;
// ["?", test, then, otherwise], ["*", path, each, otherwise], ["@", path, with, otherwise].
// A test is a path, or ["eq" | "ne", path, literal]. A path is names between dots, "" the view itself.
import { NO_SAMPLE, numberText } from "./units.js";

/** @typedef {any[]} Program */
/** @typedef {(view: any) => string} Render */
/** @typedef {import("./figure.js").Figure} Figure */

/** @type {Record<string, string>} */
const ESCAPES = {
  "<": "&lt;", ">": "&gt;", '"': "&quot;", "&": "&amp;", "'": "&#x27;", "\x60": "&#x60;", "=": "&#x3D;",
};

/**
 * `text` as it stands in HTML, in an element or an attribute.
 * @param {string} text
 */
export const escaped = (text) => text.replace(/[<>"&'\x60=]/g, (c) => ESCAPES[c]);

/** @param {Figure} figure @param {string} kind its class */
function open(figure, kind) {
  const from = figure.from === "" ? "" : ` data-from="${escaped(figure.from)}" data-value="${numberText(figure.value)}"`;
  const title = figure.title === null ? "" : ` title="${escaped(figure.title)}"`;
  return `<span${kind === "" ? "" : ` class="${kind}"`}${from}${title}>`;
}

/**
 * `{{figure x}}`, as in `src/render.rs`.
 * @param {Figure} figure
 */
export function figureHtml(figure) {
  const { bound, error } = figure;
  const isBlank = figure.value === null || figure.text === NO_SAMPLE || bound !== null;
  const inner = bound === null ? escaped(figure.text) : `${open(bound, "")}${escaped(bound.text)}</span>`;
  const beside = error === null || bound !== null ? "" : ` ${open(error, "plus-minus")}${escaped(error.text)}</span>`;
  return `${open(figure, isBlank ? "none" : "")}${inner}</span>${beside}`;
}

/** @param {string} text */
const withPaths = (text) =>
  text.split(/((?:[a-z_]\w*::)+)/i).map((piece, place) => (place % 2 ? `<i>${escaped(piece)}</i>` : escaped(piece))).join("");

/** @param {string} text */
function prose(text) {
  const pieces = text.split("\x60");
  const html = pieces.map((piece, place) => {
    if (place % 2 === 0) return withPaths(piece);
    return place < pieces.length - 1 ? `<code>${withPaths(piece)}</code>` : escaped("\x60") + withPaths(piece);
  });
  return html.join("");
}

/** @param {any} value */
function text(value) {
  if (value === null) return "";
  if (typeof value === "object") throw new Error("a list or an object is no text");
  return typeof value === "number" ? numberText(value) : String(value);
}

/** @param {any} value */
const isTrue = (value) =>
  value !== null && typeof value === "object" ? Object.keys(value).length > 0 : Boolean(value);

/** @param {string} path @returns {(view: any) => any} */
function reach(path) {
  const names = path === "" ? [] : path.split(".");
  return (view) =>
    names.reduce((value, name) => {
      if (value === null || typeof value !== "object" || !Object.hasOwn(value, name)) {
        throw new Error(`the view has no ${path}`);
      }
      return value[name];
    }, view);
}

/** @param {string | any[]} test @returns {(view: any) => boolean} */
function decide(test) {
  if (typeof test === "string") {
    const value = reach(test);
    return (view) => isTrue(value(view));
  }
  const [operator, path, literal] = test;
  const value = reach(path);
  return (view) => (value(view) === literal) === (operator === "eq");
}

/**
 * What renders each of `programs`, by name; each is prepared when it is first used.
 * @param {Record<string, Program>} programs
 * @returns {(name: string, view: any) => string}
 */
export function renderer(programs) {
  /** @type {Map<string, Render>} */
  const ready = new Map();

  /** @param {string} name @returns {Render} */
  function partial(name) {
    let render = ready.get(name);
    if (!render) {
      if (!Object.hasOwn(programs, name)) throw new Error(`there is no partial ${name}`);
      render = all(programs[name]);
      ready.set(name, render);
    }
    return render;
  }

  /** @param {Program} program @returns {Render} */
  function all(program) {
    const steps = program.map(step);
    return (view) => {
      let html = "";
      for (const one of steps) html += one(view);
      return html;
    };
  }

  /** @param {string | any[]} step @returns {Render} */
  function step(step) {
    if (typeof step === "string") return () => step;
    const [kind, first, second, third] = step;
    if (kind === "?") {
      const [test, then, otherwise] = [decide(first), all(second), all(third)];
      return (view) => (test(view) ? then(view) : otherwise(view));
    }
    if (kind === ">") {
      const value = reach(second);
      return (view) => partial(first)(value(view));
    }
    const value = reach(first);
    if (kind === "=") return (view) => escaped(text(value(view)));
    if (kind === "#") return (view) => figureHtml(value(view));
    if (kind === "t") return (view) => withPaths(value(view));
    if (kind === "p") return (view) => prose(value(view));
    const [body, otherwise] = [all(second), all(third)];
    if (kind === "@") {
      return (view) => {
        const inner = value(view);
        return isTrue(inner) ? body(inner) : otherwise(view);
      };
    }
    return (view) => {
      const rows = value(view);
      if (!Array.isArray(rows)) throw new Error(`${first} is no list`);
      return rows.length > 0 ? rows.map(body).join("") : otherwise(view);
    };
  }

  return (name, view) => partial(name)(view);
}

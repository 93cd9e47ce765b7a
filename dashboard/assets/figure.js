// @ts-check
// Figures made in the browser from numbers of the page's data: the browser's side of `src/figure.rs`, equal to it field
// by field (`tests/parity.rs`). What a figure is and the grammar of `from` stand there.
import {
  addressText, bytesBesideText, bytesText, countText, msText, NO_SAMPLE, NOT_MEASURED, rateText, shareText, usText, utcText, whole,
} from "./units.js";

/** @typedef {import("./units.js").Whole} Whole */
/**
 * @typedef {object} Figure
 * @property {string} text what the page reads
 * @property {number | string | null} value the exact number; a string of digits above 2^53 - 1; null: not measured
 * @property {string} from formula over JSON pointers
 * @property {string | null} title the exact value in words
 * @property {Figure | null} error one standard error
 * @property {Figure | null} bound what the figure is below, read in its place
 */

/**
 * @param {string} from @param {Whole | null} value
 * @param {(value: Whole) => string} text @param {(value: bigint) => string | null} [title]
 * @returns {Figure}
 */
function make(from, value, text, title) {
  return {
    text: value === null ? NOT_MEASURED : text(value),
    value: typeof value === "bigint" ? exact(value) : value,
    from,
    title: value === null || !title ? null : title(BigInt(value)),
    error: null,
    bound: null,
  };
}

/**
 * As JSON holds it.
 * @param {bigint} value
 */
const exact = (value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString());

/** @param {bigint} value */
const bytesTitle = (value) => (value < 1024n ? null : `${countText(value)} bytes`);

/** @param {Figure} figure */
const isZero = (figure) => figure.value === 0;

/**
 * The figure as an estimate.
 * @param {Figure} figure @param {Figure | null} error @returns {Figure}
 */
export function withError(figure, error) {
  if (!error || figure.value === null) return figure;
  if (isZero(figure) && isZero(error)) {
    return { ...figure, text: NO_SAMPLE, title: "No sample stands behind the estimate of 0." };
  }
  return { ...figure, error: { ...error, text: `± ${error.text}` } };
}

/**
 * Bytes, with their standard error where they are estimated.
 * @param {string} from @param {Whole | null} value @param {Whole | null} [error] @param {string} [errorFrom]
 */
export function bytes(from, value, error = null, errorFrom = `${from}_error`) {
  const figure = make(from, value, bytesText, bytesTitle);
  if (error === null) return figure;
  const text = bytesBesideText(value ?? 0, error);
  return withError(figure, { ...make(errorFrom, error, bytesText, bytesTitle), text });
}

/**
 * A count, with its standard error where it is estimated.
 * @param {string} from @param {Whole | null} value @param {Whole | null} [error] @param {string} [errorFrom]
 */
export function count(from, value, error = null, errorFrom = `${from}_error`) {
  const figure = make(from, value, countText);
  return error === null ? figure : withError(figure, make(errorFrom, error, countText));
}

/**
 * Estimated bytes for which no sample was drawn.
 * @param {Figure} figure @param {Whole | null} bound @returns {Figure}
 */
export function withUpperBound(figure, bound) {
  if (bound === null) return figure;
  const below = bytes(`${figure.from}_upper_bound`, bound);
  /** @param {Figure | null} one */
  const stated = (one) => (one && one.value !== null && one.value !== 0 ? countText(one.value) : null);
  const error = stated(figure.error);
  return {
    ...figure,
    title: `No sample: below ${countText(bound)} bytes with a confidence of 95 %; the estimate itself is `
      + `${stated(figure) ?? "0"}${error === null ? "" : ` ± ${error}`}`,
    bound: { ...below, text: `< ${below.text}`, title: null },
  };
}

/**
 * A length of time, or a moment of the recording.
 * @param {string} from @param {Whole | null} value
 */
export const ms = (from, value) => make(from, value, msText, (ms) => (ms < 1000n ? null : `${countText(ms)} ms`));

/**
 * A length of time in microseconds.
 * @param {string} from @param {Whole | null} value
 */
export const us = (from, value) => make(from, value, usText, (us) => (us < 1000n ? null : `${countText(us)} µs`));

/**
 * A moment in milliseconds since the Unix epoch.
 * @param {string} from @param {Whole} value
 */
export const utc = (from, value) => make(from, value, utcText, (ms) => `${ms} ms since the Unix epoch`);

/**
 * A number that names something: no grouping.
 * @param {string} from @param {Whole | null} value
 */
export const name = (from, value) => make(from, value, String);

/** @param {string} from @param {Whole} value */
export const address = (from, value) => make(from, value, addressText);

/**
 * `numerator / denominator` in percent; not measured where the denominator is 0.
 * @param {string} numeratorFrom @param {Whole} numerator @param {string} denominatorFrom @param {Whole} denominator
 * @returns {Figure}
 */
export function share(numeratorFrom, numerator, denominatorFrom, denominator) {
  const value = Number(denominator) > 0 ? Number(numerator) / Number(denominator) : null;
  return {
    ...make(`${numeratorFrom} / ${denominatorFrom}`, null, String),
    text: value === null ? NOT_MEASURED : shareText(value),
    value,
    title: value === null ? null : `${countText(numerator)} of ${countText(denominator)} bytes`,
  };
}

/**
 * @param {string} from @param {Whole} amount @param {string} elapsedFrom @param {Whole} elapsedMs
 * @param {(rate: number) => string} text @returns {Figure}
 */
function rate(from, amount, elapsedFrom, elapsedMs, text) {
  const value = Number(elapsedMs) > 0 ? (Number(amount) * 1000) / Number(elapsedMs) : null;
  return {
    ...make(`${from} * 1000 / ${elapsedFrom}`, null, String),
    text: value === null ? NOT_MEASURED : `${text(value)}/s`,
    value,
    title: value === null ? null : `${countText(amount)} in ${countText(elapsedMs)} ms`,
  };
}

/**
 * How often in a second.
 * @param {string} from @param {Whole} count @param {string} elapsedFrom @param {Whole} elapsedMs
 */
export const perSecond = (from, count, elapsedFrom, elapsedMs) => rate(from, count, elapsedFrom, elapsedMs, rateText);

/**
 * How many bytes in a second.
 * @param {string} from @param {Whole} bytes @param {string} elapsedFrom @param {Whole} elapsedMs
 */
export const bytesPerSecond = (from, bytes, elapsedFrom, elapsedMs) =>
  rate(from, bytes, elapsedFrom, elapsedMs, (value) => bytesText(whole(value)));

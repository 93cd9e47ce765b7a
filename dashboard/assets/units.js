// @ts-check
// How numbers read: the browser's side of `src/units.rs`, equal to it in every value (`tests/parity.rs`).
//
// A whole number comes as a number up to 2^53 - 1 and as a string of its digits above, for JSON's numbers are floats
// in a browser. Here it is a bigint, so that nothing is rounded but what the text rounds.

/** @typedef {number | string | bigint} Whole a whole number: exact in each of these */

export const NOT_MEASURED = "not measured";
export const NO_SAMPLE = "no sample";
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB"];

/** @param {Whole} value */
export function countText(value) {
  return BigInt(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/**
 * `value / divisor` in tenths, rounded half up.
 * @param {bigint} value @param {bigint} divisor
 */
const tenths = (value, divisor) => (value * 10n + divisor / 2n) / divisor;

/** @param {bigint} tenths */
const withDecimal = (tenths) => `${countText(tenths / 10n)}.${tenths % 10n}`;

/**
 * The power of 1024 in which `value` reads best.
 * @param {bigint} value
 */
function unitOf(value) {
  let unit = value >= 1024n ? 1 : 0;
  while (unit > 0 && unit < 3 && tenths(value, 1024n ** BigInt(unit)) >= 10240n) unit += 1;
  return unit;
}

/** @param {bigint} value @param {number} unit */
function inUnit(value, unit) {
  return `${unit === 0 ? value : withDecimal(tenths(value, 1024n ** BigInt(unit)))} ${BYTE_UNITS[unit]}`;
}

/** @param {Whole} value */
export function bytesText(value) {
  const bytes = BigInt(value);
  return inUnit(bytes, unitOf(bytes));
}

/**
 * Bytes of an error in the unit of the figure that it stands beside.
 * @param {Whole} figure @param {Whole} error
 */
export function bytesBesideText(figure, error) {
  const bytes = BigInt(error);
  const unit = unitOf(BigInt(figure));
  const readsZero = unit > 0 && tenths(bytes, 1024n ** BigInt(unit)) === 0n;
  return inUnit(bytes, readsZero ? unitOf(bytes) : Math.max(unit, unitOf(bytes)));
}

/** @param {Whole} value */
export function msText(value) {
  const ms = BigInt(value);
  if (ms < 1000n) return `${ms} ms`;
  if (ms < 59950n) return `${withDecimal(tenths(ms, 1000n))} s`;
  if (ms < 3597000n) return `${withDecimal(tenths(ms, 60000n))} min`;
  return `${withDecimal(tenths(ms, 3600000n))} h`;
}

/** @param {Whole} value */
export function usText(value) {
  const us = BigInt(value);
  if (us < 1000n) return `${us} µs`;
  if (us < 999950n) return `${withDecimal(tenths(us, 1000n))} ms`;
  if (us < 59950000n) return `${withDecimal(tenths(us, 1000000n))} s`;
  return msText(us / 1000n);
}

/**
 * `value` with that many decimals, rounded half to even as Rust does.
 * @param {number} value
 * @param {number} places
 */
export function decimals(value, places) {
  // Ties are the odd multiples of that power of a half: no other float lies in the middle of two decimals.
  if ((value * 2 ** (places + 1)) % 2 !== 1) return value.toFixed(places);
  const whole = Math.floor(value);
  const below = Math.floor((value - whole) * 10 ** places);
  return `${whole}.${String(below % 2 === 0 ? below : below + 1).padStart(places, "0")}`;
}

/**
 * A share of one in percent.
 * @param {number} value
 */
export const shareText = (value) => `${decimals(value * 100, 1)} %`;

/**
 * A float as an unsigned whole number of 64 bits.
 * @param {number} value
 */
export const whole = (value) => (value >= 2 ** 64 ? 2n ** 64n - 1n : BigInt(Math.round(value)));

/** @param {number} value */
export const rateText = (value) => (value >= 9.95 ? countText(whole(value)) : decimals(value, 1));

/** @param {Whole} value */
export const addressText = (value) => `0x${BigInt(value).toString(16)}`;

/**
 * A moment in milliseconds since the Unix epoch; the civil date as in `src/units.rs`.
 * @param {Whole} value
 */
export function utcText(value) {
  const seconds = BigInt(value) / 1000n;
  const days = seconds / 86400n + 719468n;
  const [era, dayOfEra] = [days / 146097n, days % 146097n];
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36524n - dayOfEra / 146096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const monthFromMarch = (5n * dayOfYear + 2n) / 153n;
  const day = dayOfYear - (153n * monthFromMarch + 2n) / 5n + 1n;
  const month = monthFromMarch < 10n ? monthFromMarch + 3n : monthFromMarch - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  /** @param {bigint} number */
  const two = (number) => number.toString().padStart(2, "0");
  const time = [(seconds / 3600n) % 24n, (seconds / 60n) % 60n, seconds % 60n].map(two).join(":");
  return `${year.toString().padStart(4, "0")}-${two(month)}-${two(day)} ${time} UTC`;
}

/**
 * A number as Rust writes it into JSON.
 * @param {number | string | null} value
 */
export function numberText(value) {
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  if (size >= 1e16 || (size !== 0 && size < 1e-5)) return value.toExponential();
  // A whole float that is not exact as an integer.
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? `${value}.0` : String(value);
}

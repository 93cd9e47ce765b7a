// @ts-check
// A panel's JSON as it is after a change: what `src/patch.rs` says of it, done to the text before.

/**
 * @param {string} before
 * @param {(number | string)[]} patch how much is kept, how much is left out, what is put in its place, and so on
 */
export function patched(before, patch) {
  const pieces = [];
  let at = 0;
  for (let place = 0; place < patch.length; place += 3) {
    const kept = at + Number(patch[place]);
    pieces.push(before.slice(at, kept), patch[place + 2]);
    at = kept + Number(patch[place + 1]);
  }
  return pieces.join("") + before.slice(at);
}

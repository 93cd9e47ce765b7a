// @ts-check
// The data that stands beside the page (`src/view/island.rs`), and the programs of the partials that it is shown by, compressed
// as `src/island.rs` says.
import { renderer } from "./hbs.js";

/**
 * What an LZ4 block (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md) says, whose length stands before it.
 * @param {Uint8Array} block
 */
export function decompressed(block) {
  const whole = new Uint8Array(new DataView(block.buffer, block.byteOffset).getUint32(0, true));
  let from = 4;
  let to = 0;
  while (from < block.length) {
    const token = block[from++];
    // A length of 15 goes on in the bytes that follow, up to one that is not full.
    let length = token >> 4;
    for (let more = length === 15 ? 255 : 0; more === 255; length += more) more = block[from++];
    while (length-- > 0) whole[to++] = block[from++];
    // The last sequence has no copy.
    if (from >= block.length) break;
    const back = block[from] | (block[from + 1] << 8);
    from += 2;
    length = token & 15;
    for (let more = length === 15 ? 255 : 0; more === 255; length += more) more = block[from++];
    // Byte by byte, for a copy may run into itself. (A copy by `subarray` and `set`, and lengths read by a function within this
    // one, came out wrong in Chromium 148's first call of it.)
    for (length += 4; length > 0; length -= 1) whole[to] = whole[to++ - back];
  }
  return whole;
}

/**
 * The CRC-32 of `bytes`, as zlib has it.
 * @param {Uint8Array} bytes
 */
function checksum(bytes) {
  const table = new Int32Array(256).map((_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
  let crc = -1;
  for (let at = 0; at < bytes.length; at += 1) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]) & 255];
  return ~crc >>> 0;
}

/**
 * What stands behind `text`. No figure is shown of what did not come out as it was written: the page then stays as it stands.
 * @param {string} text
 */
export function unpackedJson(text) {
  try {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const whole = decompressed(packed.subarray(4));
    if (checksum(whole) === new DataView(packed.buffer).getUint32(0, true)) return JSON.parse(new TextDecoder().decode(whole));
  } catch {
    // No base64, or no such length.
  }
  document.documentElement.classList.remove("js");
  throw new Error("the page's data are damaged: nothing is drawn of them");
}

/** @param {string} id */
function json(id) {
  const text = document.getElementById(id)?.textContent;
  return text ? unpackedJson(text) : {};
}
/** One field for each module. */
export const island = json("data");

/** Renders the partial of that name with its view. */
export const render = renderer(json("programs"));

/**
 * The element that the partial `name` makes of `view`.
 * @param {string} name
 * @param {any} view
 * @returns {HTMLElement}
 */
export function rendered(name, view) {
  const template = document.createElement("template");
  template.innerHTML = render(name, view);
  return /** @type {HTMLElement} */ (template.content.firstElementChild);
}

// @ts-check
// Cards of the rows that the page holds: `src/view/variable_rows.rs` writes the columns, and a card made here is the one
// that `src/view/variables.rs` makes of the same variable.
import { bytes, count, name } from "./figure.js";
import { decimals } from "./units.js";

/** @typedef {import("./units.js").Whole} Whole */
/** @typedef {any} Rows the columns, as `VariableRows` has them */

/**
 * Columns as high as their bytes, as `geometry::columns` draws them.
 * @param {string} from
 * @param {(Whole | null)[]} list
 */
function columns(from, list) {
  const known = list.filter((value) => value !== null).map(Number);
  const greatest = Math.max(0, ...known);
  if (known.length < 2 || greatest === 0) return null;
  const strokes = list.map((value, position) => {
    if (value === null) return "";
    const [x, y] = [((position + 0.5) / 16) * 100, 20 - (Number(value) / greatest) * 20];
    return `M${decimals(x, 1)} 20V${decimals(y, 1)}`;
  });
  return { from, strokes: strokes.join(""), rows: list.length };
}

/**
 * The view of the card of the row at `position`.
 * @param {Rows} rows
 * @param {number} position
 */
export function card(rows, position) {
  const at = `/variables/${rows.index[position]}`;
  /** @param {string} column */
  const of = (column) => rows[column]?.[position] ?? null;
  /** @param {number | null} number */
  const text = (number) => (number === null ? null : rows.texts[number]);
  const [file, line, category, heap] = [of("file"), of("line"), of("category"), of("heap_bytes")];
  const largest = Number(rows.heap_bytes[0] ?? 0);
  const share = largest === 0 ? 0 : Number(heap ?? 0) / largest;
  return {
    index: rows.index[position],
    name: text(of("name")),
    type_name: text(of("type_name")),
    scope: text(of("scope")),
    place: file === null ? null : { file: text(file), line: line === null ? null : name(`${at}/line`, line) },
    stage: rows.stages[of("stage")],
    heap: bytes(`${at}/heap_bytes`, heap, of("heap_bytes_error")),
    blocks: count(`${at}/blocks`, of("blocks"), of("blocks_error")),
    instances: count(`${at}/instances`, of("instances")),
    threads: rows.thread_lists[of("threads")].map((/** @type {number} */ id, /** @type {number} */ place) => ({
      id: name(`${at}/threads/${place}`, id),
      name: rows.thread_names[id] ?? null,
    })),
    provenance: rows.provenances[of("provenance")],
    category: category === null ? null : rows.categories[category],
    bar: { width: decimals(share * 100, 2), from: `${at}/heap_bytes / max(/variables/*/heap_bytes)` },
    finding: rows.finding[position] ?? null,
    history: columns(`${at}/history`, rows.history[position] ?? []),
  };
}

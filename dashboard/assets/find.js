// @ts-check
// The search in the page's head, which is always in sight: what is typed there is looked for in the panels that can be
// searched. A slash leads to it from anywhere; Enter leads to the first panel that has something of it.

/** The fields of the panels, and where each panel begins. @type {[string, string][]} */
const FIELDS = [["variables-search", "variables"], ["flame-search", "scopes"]];

/** @param {HTMLInputElement} find */
function searchAll(find) {
  const fields = () => FIELDS.flatMap(([id, panel]) => {
    const field = /** @type {HTMLInputElement | null} */ (document.getElementById(id));
    return field ? [{ field, panel }] : [];
  });
  let due = 0;
  find.addEventListener("input", () => {
    cancelAnimationFrame(due);
    const rest = fields();
    // One panel a frame, so that no key waits for all of them.
    const next = () => {
      const one = rest.shift();
      if (!one) return;
      one.field.value = find.value;
      one.field.dispatchEvent(new Event("input", { bubbles: true }));
      due = requestAnimationFrame(next);
    };
    next();
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const hasCards = document.querySelector("#cards > li") !== null;
    document.getElementById(hasCards ? "variables" : "scopes")?.scrollIntoView();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox], [type=radio], [type=range]), select, textarea");
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || isTyping || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    find.focus();
    find.select();
  });
}
const find = /** @type {HTMLInputElement | null} */ (document.getElementById("find"));
if (find) searchAll(find);

// @ts-check
// The search in the page's head, which is always in sight: what is typed there is looked for in the panels that can be
// searched, and below the field stands what they found. A slash leads to it from anywhere; Enter leads to the first panel
// that has something of it.

/** The fields of the panels. */
const FIELDS = ["variables-search", "flame-search"];

/** @param {HTMLInputElement} find @param {HTMLElement} found */
function searchAll(find, found) {
  const fields = () => FIELDS.flatMap((id) => /** @type {HTMLInputElement | null} */ (document.getElementById(id)) ?? []);

  /** Says what the panels found, in their own figures. */
  function say() {
    const { textContent: shown, innerHTML } = /** @type {HTMLElement} */ (document.getElementById("variables-shown"));
    const scopes = document.querySelector("#flame-found b");
    const parts = [];
    if (shown !== "0") parts.push(`<a href="#variables">${innerHTML} variable${shown === "1" ? "" : "s"}</a>`);
    if (scopes) parts.push(`<a href="#scopes">${scopes.innerHTML}</a>`);
    found.innerHTML = find.value.trim() && (parts.join(", ") || "nothing found");
  }
  let due = 0;
  function search() {
    cancelAnimationFrame(due);
    const rest = fields();
    // One panel a frame, so that no key waits for all of them.
    const next = () => {
      const field = rest.shift();
      if (!field) return say();
      field.value = find.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      due = requestAnimationFrame(next);
    };
    next();
  }
  find.addEventListener("input", search);
  find.addEventListener("keydown", (event) => {
    if (event.key === "Enter") found.querySelector("a")?.click();
  });
  found.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("a");
    if (!link) return;
    // The address keeps what was searched.
    event.preventDefault();
    /** @type {HTMLElement} */ (document.activeElement).blur();
    document.querySelector(link.hash)?.scrollIntoView();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox], [type=radio], [type=range]), select, textarea");
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || isTyping || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    find.focus();
    find.select();
  });
  // A page that is fed may have found more by now.
  document.addEventListener("memscope:data", say);
  // A link to a search, which the variables have followed already.
  function follow() {
    const asked = fields()[0]?.value ?? "";
    if (!location.hash.startsWith("#variables?") || asked === find.value) return;
    find.value = asked;
    search();
  }
  window.addEventListener("hashchange", follow);
  follow();
}
const [find, found] = [document.getElementById("find"), document.getElementById("found")];
if (find && found) searchAll(/** @type {HTMLInputElement} */ (find), found);

// @ts-check
// Long names are cut by the style; where the pointer is on one, the whole name is its title. By keyboard it is read where what
// scrolls around it has the focus: there nothing is cut.

/**
 * The titles that were given here. On a page that is fed a row may have another name by now.
 * @type {WeakMap<HTMLElement, string>}
 */
const given = new WeakMap();

document.addEventListener("pointerover", ({ target }) => {
  const name = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest(".long, .held :is(a, b), .name, .type, .of, .place, .thread, .rule, code, dt, dd"));
  if (!name || (name.title && name.title !== given.get(name))) return;
  const isCut = name.scrollWidth > name.clientWidth || name.scrollHeight > name.clientHeight + 1;
  const title = isCut ? name.textContent ?? "" : "";
  if (name.title === title) return;
  given.set(name, title);
  if (isCut) name.title = title;
  else name.removeAttribute("title");
});

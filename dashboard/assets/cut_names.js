// @ts-check
// Long names are cut by the style; where the pointer is on one, the whole name is its title. By keyboard it is read where what
// scrolls around it has the focus: there nothing is cut.

document.addEventListener("pointerover", ({ target }) => {
  const name = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest(".long, .held :is(a, b), .name, .type, .of, .place, .thread, .rule, code, dt, dd"));
  if (!name || name.title) return;
  if (name.scrollWidth > name.clientWidth || name.scrollHeight > name.clientHeight + 1) name.title = name.textContent ?? "";
});

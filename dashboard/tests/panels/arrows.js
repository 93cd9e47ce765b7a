// Runs in the page: the arrow keys of all that is one stop for the tab key and has parts, and what did not move.
(async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const unmoved = [];
  let moved = 0;
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((element) => element.checkVisibility());
  const press = async (element, key) => {
    element.focus();
    element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    await frame();
  };
  const judge = (what, isMoved) => { if (isMoved) moved += 1; else unmoved.push(what); };
  for (const tab of visible("main [role=tab][aria-selected=true]")) {
    await press(tab, "ArrowRight");
    const now = document.activeElement;
    judge(`tabs ${tab.textContent}`, now !== tab && now.getAttribute("aria-selected") === "true"
      && document.getElementById(now.getAttribute("aria-controls")).checkVisibility());
    await press(now, "ArrowLeft");
    judge(`tabs back to ${tab.textContent}`, document.activeElement === tab);
  }
  for (const tree of visible("[role=tree], [role=treegrid], [role=grid]")) {
    const rows = tree.querySelectorAll("[role=treeitem], [role=row] [role=gridcell]:first-child").length;
    const before = tree.getAttribute("aria-activedescendant");
    if (rows < 2 || before === null) continue;
    await press(tree, "ArrowDown");
    const after = tree.getAttribute("aria-activedescendant");
    judge(tree.id, document.activeElement === tree && after !== before && document.getElementById(after) !== null);
  }
  for (const handle of visible("#timeline [type=range]")) {
    const before = handle.value;
    await press(handle, handle === document.querySelector("#timeline [type=range]") ? "ArrowRight" : "ArrowLeft");
    // Of two points neither end can move.
    if (document.querySelectorAll("#timeline tbody tr").length > 3) judge(`handle ${handle.ariaLabel}`, handle.value !== before);
  }
  document.querySelector("#timeline .range button:not([hidden])")?.click();
  const card = document.querySelector("a.card");
  if (Number(card?.parentElement.getAttribute("aria-setsize")) > 1) {
    await press(card, "ArrowRight");
    const now = document.activeElement;
    judge("cards", now !== card && now.matches("a.card"));
    await press(now, "ArrowLeft");
    judge("cards back", document.activeElement.closest("li").getAttribute("aria-posinset") === "1");
  }
  const map = document.getElementById("memory-map");
  const start = [...map.querySelectorAll("[tabindex='0']")].find((element) => element.getAttribute("role") !== "region");
  if (start) {
    const told = () => map.textContent + [...map.querySelectorAll("[aria-label], [aria-activedescendant], [aria-valuetext]")]
      .map((element) => ["aria-label", "aria-activedescendant", "aria-valuetext"].map((name) => element.getAttribute(name))).join();
    await press(start, "ArrowLeft");
    const before = [document.activeElement, told()];
    await press(document.activeElement, "ArrowRight");
    // One that is alone in its group has nowhere to go.
    if (!start.matches(".squares a:only-child")) judge("memory map", document.activeElement !== before[0] || told() !== before[1]);
  }
  return { moved, unmoved };
})();

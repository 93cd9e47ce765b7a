// Runs in the page: takes note of what the keys lead to, as they are pressed, and of whether it can be seen there.
(() => {
  /** @type {Set<Element>} */
  const reached = new Set();
  /** @type {string[]} */
  const faults = [];
  const tells = (element) => {
    const { tagName, id, className } = element;
    const words = (element.getAttribute("aria-label") ?? element.textContent ?? "").trim().slice(0, 50);
    return `${tagName.toLowerCase()}${id ? `#${id}` : ""} .${className} “${words}”`;
  };
  const isMarked = (element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || boxShadow !== "none";
  };
  /** What stands for the focus: the element, its label, or that which it names as its active one. */
  const shows = (element) => {
    const active = element.getAttribute("aria-activedescendant");
    return [element, element.closest("label"), active ? document.getElementById(active) : null].filter((one) => one !== null);
  };
  /** Whether some point of it is on top of everything else within the window. */
  const isInSight = (element) => [...element.getClientRects()].some((box) => {
    const [left, right] = [Math.max(box.left, 0), Math.min(box.right, innerWidth)];
    const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
    if (right <= left || bottom <= top) return false;
    return [0.5, 0.1, 0.9].some((across) => [0.5, 0.1, 0.9].some((down) => {
      const at = document.elementFromPoint(left + (right - left) * across, top + (bottom - top) * down);
      return at !== null && (element.contains(at) || at.contains(element));
    }));
  });
  const look = () => {
    const element = document.activeElement;
    if (element === null || element === document.body) return;
    reached.add(element);
    if (!isInSight(element)) faults.push(`not in sight: ${tells(element)}`);
    // A heading that the reader is led to has nothing to work with and needs no mark.
    else if (element.tabIndex >= 0 && !shows(element).some(isMarked)) faults.push(`no mark of the focus: ${tells(element)}`);
  };
  // Before the key that leads on: by then the page has scrolled to it.
  window.addEventListener("keydown", (event) => { if (event.key === "Tab") look(); }, { capture: true });

  /** What the tab key must reach: of a group of radio buttons one. */
  const controls = (within) =>
    [...within.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter((element) =>
      element.tabIndex >= 0 && !element.disabled && element.checkVisibility({ visibilityProperty: true })
      && !(element.type === "radio" && !element.checked && document.querySelector(`input[name="${element.name}"]:checked`) !== null));
  Object.assign(window, {
    keys: {
      start() {
        reached.clear();
        faults.length = 0;
        this.expected = controls(document.querySelector("dialog[open]") ?? document.body);
        return this.expected.length;
      },
      /** Whether the walk is round. */
      isRound: () => document.activeElement === document.body || (reached.size > 1 && document.activeElement === [...reached][0]),
      /** Whether the walk came by the element of that id. */
      has: (id) => reached.has(document.getElementById(id)),
      result() {
        const still = new Set(controls(document.querySelector("dialog[open]") ?? document.body));
        const missed = this.expected.filter((element) => still.has(element) && !reached.has(element)).map((element) => `not reached: ${tells(element)}`);
        return { faults: [...faults, ...missed].slice(0, 20), count: faults.length + missed.length, reached: reached.size };
      },
    },
  });
  return true;
})();

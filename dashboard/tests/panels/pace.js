// Runs in the page: what a reader does, one thing after the other. What has no name leads to the next panel.
(() => {
  const frame = () =>
    new Promise((done) => requestAnimationFrame(() => {
      // After the frame's styles, layout and painting.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = done;
      port2.postMessage(0);
    }));
  const calm = () => new Promise((done) => setTimeout(done, 30)).then(frame);
  const one = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const set = (id, value) => {
    const field = document.getElementById(id);
    field.value = value;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
  };
  const key = (element, name) => {
    element.focus();
    element.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
  };
  const point = (element, kind, share) => {
    const box = element.getBoundingClientRect();
    element.dispatchEvent(new PointerEvent(kind, { bubbles: true, clientX: box.left + box.width * share }));
  };
  /** What follows a change of the address comes with its event. */
  const address = (act) => {
    const told = new Promise((done) => addEventListener("hashchange", done, { once: true }));
    act();
    return told;
  };
  /** The last option but one, for the first and the last are often all and none. */
  const option = (id) => {
    const select = document.getElementById(id);
    select.focus();
    const { options } = select;
    if (options.length < 2) throw new Error(`${id} has nothing to choose`);
    return options[Math.max(1, options.length - 2)].value;
  };
  const go = (id) => document.getElementById(id)?.scrollIntoView({ behavior: "instant" });
  const need = (element, what) => {
    if (!element) throw new Error(`the page has no ${what}`);
    return element;
  };

  /** A variable of which the page holds everything. */
  const whole = globalThis.variableInFull;

  /** @type {[string, () => void | Promise<unknown>][]} */
  const acts = [];
  // One panel answers in the frame of the key, the next one in the frame after it.
  for (const words of ["b", "handle_1", "buffer_99", ""]) {
    acts.push([`find “${words}”`, () => { set("find", words); return frame(); }]);
  }
  acts.push(["", () => go("answers")], ["finding: follow its link", () => address(() => need(one("#answers a[href^='#finding-']"), "finding").click())]);
  acts.push(["", () => go("diagnostics")], ["inspector: open a finding's variable", () => address(() => need(one("#diagnostics a[href^='#variable=']"), "finding's variable").click())]);
  acts.push(["inspector: close a finding's variable", () => one("dialog[open] .close").click()]);
  acts.push(["", () => go("sites")], ...["open", "close"].map((what) => [`sites: ${what} a list`, () => need(one("#sites summary"), "list of sites").click()]));
  acts.push(["", () => go("variables")]);
  for (const words of ["b", "buffer_99", "item4 part_1", ""]) {
    acts.push([`variables: search for “${words}”`, () => set("variables-search", words)]);
  }
  for (const name of ["stage", "thread", "type", "category", "finding"]) {
    const id = `variables-${name}`;
    acts.push([`variables: filter by ${name}`, () => set(id, option(id))], [`variables: no filter by ${name}`, () => set(id, "")]);
  }
  for (const sort of ["blocks", "instances", "name", "type_name", "first_ms", ""]) {
    acts.push([`variables: sort by ${sort || "live bytes"}`, () => set("variables-sort", sort)]);
  }
  const scroll = (id, top) => async () => {
    const element = document.getElementById(id);
    // The event is told with the next frame.
    const told = new Promise((done) => element.addEventListener("scroll", done, { once: true }));
    element.scrollTop = top;
    await told;
  };
  acts.push(
    ["variables: scroll by a little", scroll("cards-room", 300)],
    ["variables: scroll far", scroll("cards-room", 123_456)],
    ["variables: scroll back", scroll("cards-room", 0)],
    ["variables: a card below", () => key(one("a.card[tabindex='0']"), "ArrowDown")],
    ["variables: the last card", () => key(one("a.card[tabindex='0']"), "End")],
    ["variables: the first card", () => key(one("#cards-room :focus"), "Home")],
    ["inspector: open", () => address(() => { location.hash = `#variable=${whole}`; })],
    ...[2, 3, 4, 1].map((tab) => [`inspector: tab ${tab}`, () => need(one(`dialog[open] [role=tab]:nth-child(${tab})`), "tab").click()]),
    ["inspector: close", () => one("dialog[open] .close").click()],
    ["inspector: open a card's", () => address(() => one("a.card").click())],
    ["inspector: close it", () => one("dialog[open] .close").click()],
    ["", () => go("timeline")],
    ["timeline: hover", () => point(one(".plot"), "pointermove", 0.4)],
    ["timeline: begin of the range", () => key(all("#timeline [type=range]")[0], "ArrowRight")],
    ["timeline: begin of the range again", () => key(all("#timeline [type=range]")[0], "ArrowRight")],
    ["timeline: end of the range", () => key(all("#timeline [type=range]")[1], "ArrowLeft")],
    ["timeline: no range", () => one("#timeline .range button").click()],
    // A pointer that no hand holds cannot be captured.
    ["", () => { one(".plot").setPointerCapture = () => {}; }],
    ["timeline: drag a range", () => { point(one(".plot"), "pointerdown", 0.3); point(one(".plot"), "pointermove", 0.5); }],
    ...[0.7, 0.95].map((share) => [`timeline: drag it to ${share}`, () => point(one(".plot"), "pointermove", share)]),
    ["timeline: let it go", () => point(one(".plot"), "pointerup", 0.95)],
    ["timeline: no dragged range", () => one("#timeline .range button").click()],
    ...["the other way", "back"].map((way) => [`timeline: resident memory ${way}`, () => need(one(".resident-key input"), "resident memory").click()]),
    ["", () => go("memory-map")],
    ...["ArrowRight", "ArrowRight", "ArrowLeft"].map((name, step) => [`memory map: step ${step + 1}`, () =>
      key(need(all("#memory-map [tabindex='0']").find((element) => element.getAttribute("role") !== "region"), "place to walk from"), name)]),
    ["", () => go("scopes")],
    ...[1, 2, 3, 0].map((figure) => [`flame graph: figure ${figure + 1}`, () => all("#flame-figures input")[figure].click()]),
    ["flame graph: hover", () => all("#flame .box")[9].dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))],
    ["flame graph: walk down", () => key(one("#flame"), "ArrowDown")],
    ["flame graph: walk right", () => key(one("#flame"), "ArrowRight")],
    ["flame graph: zoom", () => key(one("#flame"), "Enter")],
    ["flame graph: out", () => key(one("#flame"), "Escape")],
    ...["h", "handle_1", "part_29", ""].map((words) => [`flame graph: search for “${words}”`, () => set("flame-search", words)]),
    ["thread: choose one", () => set("flame-thread", option("flame-thread"))],
    ["thread: all again", () => set("flame-thread", document.getElementById("flame-thread").options[0].value)],
    ["", () => go("scope-tree")],
    ["tree: open a row", () => need(one("#scope-tree [aria-expanded=false] .twisty"), "closed row").click()],
    ["tree: close it", () => need(one("#scope-tree [aria-expanded=true] .twisty"), "open row").click()],
    ["tree: open it again", () => need(one("#scope-tree [aria-expanded=false] .twisty"), "closed row").click()],
    ["tree: a row below", () => key(one("#scope-tree"), "ArrowDown")],
    ["tree: the last row", () => key(one("#scope-tree"), "End")],
    ["table: show", () => document.getElementById("scope-tab-table").click()],
    ...[0, 1, 2, 3].map((column) => [`table: sort by column ${column + 1}`, () => all("#scope-table .head-row button")[column].click()]),
    ["table: scroll", scroll("scope-table", 40_000)],
    ["table: the last row", () => key(one("#scope-table"), "End")],
    ["functions: show", () => document.getElementById("scope-tab-functions").click()],
    ...[1, 3, 4, 0].map((column) => [`functions: sort by column ${column + 1}`, () => all("#scope-functions .head-row button")[column].click()]),
    ["functions: open a row", () => need(one("#scope-functions [aria-expanded=false] .twisty"), "closed row").click()],
    ["functions: a row below", () => key(one("#scope-functions"), "ArrowDown")],
    ["functions: the last row", () => key(one("#scope-functions"), "End")],
    ["functions: search", () => set("flame-search", "handle_1")],
    ["functions: search no more", () => set("flame-search", "")],
    ["over time: show", () => document.getElementById("scope-tab-stack").click()],
    ["over time: a moment back", () => key(need(one(".stacked input"), "handle"), "ArrowLeft")],
    ["over time: hover", () => point(one(".bands"), "pointermove", 0.4)],
    ["tree: show", () => document.getElementById("scope-tab-tree").click()],
    ["", () => go("scopes")],
    ["bottom-up: show", () => one("#scope-ways [value=bottom-up]").click()],
    ...[1, 2, 3, 0].map((figure) => [`bottom-up: figure ${figure + 1}`, () => all("#flame-figures input")[figure].click()]),
    ["bottom-up: hover", () => all("#callers .box").at(-1).dispatchEvent(new PointerEvent("pointerover", { bubbles: true }))],
    ["bottom-up: walk down", () => key(one("#callers"), "ArrowDown")],
    ["bottom-up: walk right", () => key(one("#callers"), "ArrowRight")],
    ["bottom-up: zoom", () => key(one("#callers"), "Enter")],
    ["bottom-up: out", () => key(one("#callers"), "Escape")],
    ...["h", "handle_1", ""].map((words) => [`bottom-up: search for “${words}”`, () => set("flame-search", words)]),
    ["callers: open a row", () => need(one("#callers-tree [aria-expanded=false] .twisty"), "closed row").click()],
    ["callers: a row below", () => key(one("#callers-tree"), "ArrowDown")],
    ["callers: the last row", () => key(one("#callers-tree"), "End")],
    ["top-down: show", () => one("#scope-ways [value=top-down]").click()],
  );

  /** The same work on every machine, of the kinds that the page's answers are made of: script, styles, layout, painting. */
  function control() {
    const room = document.createElement("div");
    room.setAttribute("style", "position:fixed;inset:0;overflow:hidden;z-index:99;background:Canvas");
    const words = Array.from({ length: 1_500 }, (_, number) => `item ${number.toString(36)}`).sort();
    room.innerHTML = words.map((word, place) => `<span style="display:inline-block;width:${(place % 40) + 20}px;overflow:hidden"><b>${word}</b></span>`).join("");
    document.body.append(room);
    return frame().then(() => room.remove());
  }

  Object.assign(window, {
    pace: {
      names: acts.map(([name]) => name),
      calm,
      async control() {
        const start = performance.now();
        await control();
        await frame();
        return performance.now() - start;
      },
      /** What is done, and the milliseconds until the frame that shows it. */
      async act(number) {
        const start = performance.now();
        await acts[number][1]();
        await frame();
        return performance.now() - start;
      },
    },
  });
  return window.pace.names;
})();

// @ts-check
// Panels that are out of sight are neither styled nor laid out, which a dialog or a key would otherwise wait for: on a large
// recording they are most of the page. Each keeps the height that it had, so that nothing jumps and a link leads to its place.

const panels = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".panel")]);
const { classList } = document.documentElement;
// Beside the page's own style, whose lengths are all from the recording.
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [sheet];
let width = window.innerWidth;

function rest() {
  const heights = panels.map((panel) => {
    const style = getComputedStyle(panel);
    const around = [style.paddingTop, style.paddingBottom, style.borderTopWidth, style.borderBottomWidth];
    return around.reduce((height, side) => height - parseFloat(side), panel.getBoundingClientRect().height);
  });
  sheet.replaceSync(panels.map(({ id }, place) => `#${id} { contain-intrinsic-height: auto ${heights[place]}px; }`).join(""));
  classList.add("resting");
}
rest();
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  classList.remove("resting");
  // In the frame between, what follows the width of its panel is drawn anew.
  requestAnimationFrame(() => requestAnimationFrame(rest));
});

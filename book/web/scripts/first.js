/* The only script that a page runs before its text is drawn; bookbuild/ext/weight.py writes it into the head. */
(() => {
  "use strict";
  const root = document.documentElement;

  // The theme's own script would do this after the first frame, which would have the wrong colours.
  if (root.dataset.mode === "auto") {
    root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  // The fonts that come with the page are ready before its first formula is drawn, so that no line moves.
  for (const font of ["16px KaTeX_Main", "italic 16px KaTeX_Math"]) {
    document.fonts.load(font).catch(() => {});
  }

  // Chromium forgets the key End when a long page is laid out anew in the same frame, as it is while
  // formulas are fitted or a machine is slow: the page goes to its end by itself.
  addEventListener("keydown", (event) => {
    const toEnd = event.key === "End" || (event.metaKey && event.key === "ArrowDown");
    if (!toEnd || event.shiftKey || event.defaultPrevented) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    scrollTo({ top: root.scrollHeight, behavior: "instant" });
  });

  // The other scripts, in their order, once the first frame is drawn, but for those that a figure asks
  // for when it comes near (slider.js). They go into the head: a change of the body would make the
  // browser look at all of it again.
  function load() {
    const waiting = document.querySelectorAll("script[data-src]:not([data-near])");
    let left = waiting.length;
    for (const place of waiting) {
      const script = document.createElement("script");
      for (const { name, value } of place.attributes) {
        if (name !== "type") script.setAttribute(name === "data-src" ? "src" : name, value);
      }
      script.async = false;
      script.onload = script.onerror = () => {
        left -= 1;
        if (left === 0) root.dataset.scripts = "here";
      };
      document.head.append(script);
    }
  }
  addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => setTimeout(load)));
})();

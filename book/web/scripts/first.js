/* The only script that a page runs before its text is drawn; bookbuild/ext/weight.py writes it into the head. */
(() => {
  "use strict";
  const root = document.documentElement;

  // The theme's own script would do this after the first frame, which would have the wrong colours.
  if (root.dataset.mode === "auto") {
    root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  // To lay out all of a chapter takes longer than to draw what is seen of it first. So its later
  // sections (book.css) wait for the first frame and follow it, a section a frame. Whoever does anything
  // before they are all there gets the rest at once; whoever comes for a place, or comes back, has them
  // from the beginning.
  const [visit] = performance.getEntriesByType("navigation");
  if (visit && visit.type === "navigate" && !visit.name.includes("#") && !location.hash) {
    root.dataset.first = "";
  }
  let later = [];
  function showAll() {
    delete root.dataset.first;
    for (const section of later.splice(0)) section.removeAttribute("style");
  }
  const signs = ["wheel", "touchstart", "pointerdown", "keydown", "scroll", "hashchange", "beforeprint"];
  for (const sign of signs) addEventListener(sign, showAll, { capture: true, passive: true });
  function showLater(next) {
    if ("first" in root.dataset) later = [...document.querySelectorAll(".chapter-head ~ section")].slice(1);
    let shown = 0;
    const show = () => {
      if (shown < later.length) {
        later[shown].style.contentVisibility = "visible";
        shown += 1;
        return requestAnimationFrame(show);
      }
      showAll();
      for (const sign of signs) removeEventListener(sign, showAll, { capture: true });
      next();
    };
    show();
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
  addEventListener("DOMContentLoaded", () => requestAnimationFrame(() => setTimeout(() => showLater(load))));
})();

/* The only script that a page runs before its text is drawn; bookbuild/ext/weight.py writes it into the head. */
(() => {
  "use strict";
  const root = document.documentElement;

  // The theme's own script would do this after the first frame, which would have the wrong colours.
  if (root.dataset.mode === "auto") {
    root.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  // Who comes back, or goes to a place by a link, needs the heights of all sections before it.
  const showWhole = () => root.setAttribute("data-whole", "");
  const visit = performance.getEntriesByType("navigation")[0];
  if (location.hash || (visit && visit.type !== "navigate")) showWhole();
  addEventListener("popstate", showWhole);
  const toPlace = (event) => event.target.closest('a[href*="#"]') && showWhole();
  addEventListener("click", toPlace, { capture: true });

  // So does who goes to the end. Chromium forgets its own way there when the layout of so much takes long.
  addEventListener("keydown", (event) => {
    const toEnd = event.key === "End" || (event.metaKey && event.key === "ArrowDown");
    if (!toEnd || event.shiftKey || event.defaultPrevented || "whole" in root.dataset) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    showWhole();
    scrollTo({ top: root.scrollHeight, behavior: "instant" });
  });

  // The other scripts, in their order, once the first frame is drawn. They go into the head: a change
  // of the body would make the browser look at all of it again.
  function load() {
    const waiting = document.querySelectorAll("script[data-src]");
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

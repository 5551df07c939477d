/* Formulas and figures that are wider than the page scroll in their own box: let the keyboard reach
   such a box, and only such a one. The theme does the same for code and tables. */
(function () {
  "use strict";
  const names = { math: "Formula", "figure-box": "Figure" };

  function markScrollable() {
    for (const [name, label] of Object.entries(names)) {
      for (const box of document.querySelectorAll(`div.${name}, span.${name}`)) {
        if (box.clientWidth > 0 && box.scrollWidth > box.clientWidth) {
          box.tabIndex = 0;
          box.setAttribute("role", "group");
          box.setAttribute("aria-label", `${label}, scrolls sideways`);
        } else if (box.hasAttribute("aria-label")) {
          box.removeAttribute("tabindex");
          box.removeAttribute("role");
          box.removeAttribute("aria-label");
        }
      }
    }
  }

  let waiting = 0;
  window.addEventListener("load", markScrollable);
  window.addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(markScrollable, 200);
  });
})();

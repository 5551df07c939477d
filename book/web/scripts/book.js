/* What is wider than the page scrolls in its own box: let the keyboard reach such a box, and only such
   a one. A box is looked at when the browser lays it out, because asking all boxes at once would lay
   out everything that is far from the window. */
(function () {
  "use strict";
  const NAMES = { math: "Formula", "figure-box": "Figure" };

  function mark(box) {
    const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
    const name = Object.keys(NAMES).find((key) => box.classList.contains(key));
    if (!name) {
      box.tabIndex = scrolls ? 0 : -1;
    } else if (box.clientWidth > 0 && box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${NAMES[name]}, scrolls sideways`);
    } else if (box.hasAttribute("aria-label")) {
      box.removeAttribute("tabindex");
      box.removeAttribute("role");
      box.removeAttribute("aria-label");
    }
  }

  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
  /* The theme's script hands over its boxes, code and tables, instead of asking them itself
     (bookbuild/ext/weight.py). Who is observed again is looked at again. */
  window.actlabBoxes = {
    observe(box) {
      sizes.unobserve(box);
      sizes.observe(box);
    },
  };
  for (const name of Object.keys(NAMES)) {
    document.querySelectorAll(`div.${name}, span.${name}`).forEach(actlabBoxes.observe);
  }
})();

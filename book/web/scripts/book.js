/* A formula that is a little wider than its column is set smaller; one that is much wider breaks at its
   signs, as the style sheet says. What is too wide even then scrolls, says so, and can be reached with
   the keyboard. */
(function () {
  "use strict";
  const UNBROKEN = 0.78; // how small a formula may become to stay on one line
  const SMALLEST = 0.7;

  function fit(box) {
    const formula = box.querySelector(".katex-display > .katex");
    if (!formula || box.clientWidth === 0) return;
    formula.style.fontSize = "";
    formula.style.whiteSpace = "nowrap";
    let share = box.clientWidth / box.scrollWidth;
    if (share < UNBROKEN) {
      formula.style.whiteSpace = "";
      share = box.clientWidth / box.scrollWidth;
    }
    if (share < 1) {
      const size = parseFloat(getComputedStyle(formula).fontSize);
      share = Math.max(SMALLEST, 0.98 * share);
      formula.style.fontSize = `${(share * size).toFixed(2)}px`;
    }
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    box.classList.toggle("scrolls", scrolls);
    if (scrolls) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", "Formula, scrolls sideways");
    } else if (box.hasAttribute("aria-label")) {
      box.removeAttribute("tabindex");
      box.removeAttribute("role");
      box.removeAttribute("aria-label");
    }
  }

  const boxes = document.querySelectorAll("article div.math");
  if (!boxes.length) return;
  const widths = new WeakMap();
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (widths.get(target) === target.clientWidth) continue; // only its height has changed
      widths.set(target, target.clientWidth);
      fit(target);
    }
  });
  document.fonts.ready.then(() => boxes.forEach((box) => sizes.observe(box)));
})();

/* What a term of the glossary means, while the pointer or the keyboard is on it. Escape puts it away, and
   the pointer may go onto it (WCAG 1.4.13). */
(function () {
  "use strict";
  const links = document.querySelectorAll("a[data-term]");
  if (!links.length) return;
  const tip = document.createElement("div");
  tip.className = "term-tip";
  tip.id = "term-tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let of = null;
  let leaving = 0;

  function hide() {
    clearTimeout(leaving);
    if (of) of.removeAttribute("aria-describedby");
    of = null;
    tip.hidden = true;
  }
  function show(link) {
    hide();
    of = link;
    link.setAttribute("aria-describedby", tip.id);
    tip.textContent = link.dataset.term;
    tip.hidden = false;
    const box = link.getClientRects()[0] || link.getBoundingClientRect();
    const width = Math.min(352, innerWidth - 24);
    tip.style.width = `${width}px`;
    tip.style.left = `${scrollX + Math.max(12, Math.min(box.left, innerWidth - width - 12))}px`;
    const below = box.bottom + tip.offsetHeight + 12 < innerHeight;
    tip.style.top = `${scrollY + (below ? box.bottom + 6 : box.top - tip.offsetHeight - 6)}px`;
  }
  const later = () => { leaving = setTimeout(hide, 250); };
  for (const link of links) {
    link.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show(link));
    link.addEventListener("pointerleave", later);
    link.addEventListener("focus", () => show(link));
    link.addEventListener("blur", hide);
  }
  tip.addEventListener("pointerenter", () => clearTimeout(leaving));
  tip.addEventListener("pointerleave", later);
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();

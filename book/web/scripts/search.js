/* The search page: excerpts from the text of a page and not from its menus, and words that are marked
   on the page that a reader chooses, not on the one that they happen to open next. */
(function () {
  "use strict";
  const KEY = "sphinx_highlight_terms";
  // What is no text of a page: signs, controls, the head with its links, code that is folded.
  const MENUS = ".headerlink, .katex-html, annotation, script, style, svg, .no-print, .live-bar, .live-cannot, " +
    ".chapter-head, .live-progress, .tag_hide-input .cell_input, .tag_hide-input summary";
  if (typeof Search === "undefined") return;

  if (typeof Search.htmlToText === "function") {
    Search.htmlToText = (text, anchor) => {
      const page = new DOMParser().parseFromString(text, "text/html");
      const article = page.querySelector("article.bd-article") || page.body;
      const place = anchor ? page.getElementById(anchor.replace(/^#/, "")) : null;
      const part = place && article.contains(place) ? place : article;
      part.querySelectorAll(MENUS)
        .forEach((one) => one.remove());
      return part.textContent.replace(/\s+/g, " ");
    };
  }

  // Sphinx remembers the words for whatever page is opened next.
  let chosen = false;
  document.addEventListener("click", (event) => {
    chosen = Boolean(event.target.closest("#search-results a"));
  }, true);
  addEventListener("pagehide", () => {
    if (chosen) return;
    try {
      localStorage.removeItem(KEY);
    } catch { /* nothing is remembered then */ }
  });
})();

/* Quick questions: whoever takes a choice is told whether it is right, and reads the reason.
   bookbuild/ext/questions.py writes the choices and the answer; nothing is kept. */
(function () {
  "use strict";
  for (const question of document.querySelectorAll(".quick")) {
    const answer = question.querySelector(".quick-answer");
    const say = question.querySelector(".quick-say");
    question.addEventListener("change", (event) => {
      const right = event.target.hasAttribute("data-right");
      for (const item of question.querySelectorAll(".quick-choices > li")) {
        const chosen = item.contains(event.target);
        item.classList.toggle("quick-right", chosen && right);
        item.classList.toggle("quick-wrong", chosen && !right);
      }
      answer.open = true;
      const verdict = document.createElement("strong");
      verdict.textContent = right ? "Right." : "Not this one.";
      const reason = document.createElement("span"); // a screen reader hears what the others now see
      reason.className = "quick-heard";
      const spoken = answer.cloneNode(true);
      spoken.querySelectorAll("summary, .katex-html, annotation").forEach((part) => part.remove());
      reason.textContent = ` ${spoken.textContent.replace(/\s+/g, " ").trim()}`;
      say.replaceChildren(verdict, reason);
    });
  }
})();

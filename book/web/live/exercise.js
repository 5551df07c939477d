/* Exercises in the page: write, check, take a hint, keep the points, export the notebook. The verdict is
   the work of bookbuild.live.judge in the worker; this shows it. */
(function () {
  "use strict";

  const { config, store, python, cells, SERVE, progressText, failureText } = window.actlabLive;
  const panel = document.querySelector(".live-progress");
  const say = (text) => (panel.querySelector(".live-say").textContent = text);
  const answers = [...cells.values()].filter((cell) => cell.bar && cell.bar.dataset.live === "answer");
  const count = (number) => `${number} ${number === 1 ? "point" : "points"}`;

  // --- points -----------------------------------------------------------------------------------

  const total = config.questions.reduce((sum, question) => sum + question.points, 0);
  const results = () => store.get("results", {});

  function keepResult(id, result, source) {
    store.set("results", { ...results(), [id]: { ...result, source } });
    showPoints();
  }

  function showPoints() {
    const known = results();
    const sum = Object.values(known).reduce((all, result) => all + result.points, 0);
    const text = `${sum} of ${count(total)}`;
    const line = panel.querySelector(".live-total");
    if (line.textContent !== text) line.textContent = text;
    for (const cell of answers) {
      const result = known[cell.bar.dataset.question];
      const place = cell.bar.querySelector(".live-points");
      const stale = result && result.source !== cell.source;
      place.textContent = result
        ? `${result.points} of ${count(result.maximum)}${stale ? ", before your last edit" : ""}`
        : "";
      place.classList.toggle("live-full", Boolean(result) && !stale && result.verdict === "pass");
    }
  }

  // --- check ------------------------------------------------------------------------------------

  let chapter = null;

  async function loadChapter() {
    if (!chapter) {
      const response = await fetch(config.source);
      if (!response.ok) throw new Error("no file");
      chapter = await response.json();
    }
    return chapter;
  }

  async function check(cell) {
    const id = cell.bar.dataset.question;
    if (location.protocol === "file:" || typeof Worker === "undefined") return cell.tell(SERVE);
    if (python.busy) return cell.tell("Something is running already: stop it, or wait for it.");
    if (cell.source === cell.original) {
      await write(cell);
      return cell.tell("Write your answer first.");
    }
    cell.busy(true);
    cell.clear();
    cell.tell("");
    const source = cell.source;
    let result;
    let timer = 0;
    try {
      const course = await loadChapter();
      const question = course.questions.find((other) => other.id === id);
      const parts = [question.checks, question.helds, question.wrongs].flat();
      const others = [...cells.values()].filter((other) => !answers.includes(other));
      const request = { chapter: course, question: id, answer: source, others: others.map((c) => c.source) };
      const needed = course.questions.filter((other) => question.needs.includes(other.id));
      const sources = [...course.setup, source, question.answer];
      sources.push(...parts.map((part) => part.source), ...needed.map((other) => other.answer));
      const end = await python.ask({ command: "check", request, sources }, (message) => {
        clearTimeout(timer);
        if (message.kind === "progress" || message.kind === "loading") cell.tell(progressText(message));
        else if (message.kind === "checking") cell.tell("Checking …");
        else if (message.kind === "result") result = message.result;
        else if (message.kind === "deadline") {
          // Python cannot be interrupted from here, so the worker ends.
          const late = message.result;
          timer = setTimeout(() => python.end({ kind: "late", result: late }), 1000 * message.seconds);
        }
      });
      if (end.kind === "late") result = end.result;
      if (end.kind === "failed") cell.tell(failureText(end));
      else if (end.kind === "stopped") cell.tell("Stopped, and not checked.");
    } catch {
      cell.tell("The checks of this exercise could not be loaded; try again.");
    } finally {
      clearTimeout(timer);
      cell.busy(false);
    }
    if (!result) return;
    cell.tell("");
    show(cell, result);
    keepResult(id, result, source);
  }

  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

  function show(cell, result) {
    const passed = result.verdict === "pass";
    const line = cell.add("p", passed ? "live-verdict live-pass" : "live-verdict live-lost", "");
    const word = document.createElement("strong");
    word.textContent = passed ? "Right" : result.points ? "Partly right" : "Not yet";
    line.append(word, `: ${result.points} of ${count(result.maximum)}. `);
    if (result.reason) line.append(sentence(result.reason));
  }

  // --- write and hints --------------------------------------------------------------------------

  async function write(cell) {
    await cell.open();
    cell.button("write").hidden = true;
    cell.editor.focus();
  }

  function hintsOf(cell) {
    const section = cell.element.closest("section");
    return section ? [...section.querySelectorAll("details.live-hint")] : [];
  }

  // After the last hint the same button shows the solution, a statement at a time.
  async function help(cell) {
    const hints = hintsOf(cell);
    const taken = store.get("hints", {})[cell.bar.dataset.question] || 0;
    if (taken < hints.length) return showHints(cell, 1);
    try {
      await loadChapter();
    } catch {
      return cell.tell("The solution could not be loaded; try again.");
    }
    showHints(cell, 1);
  }

  function showHints(cell, more) {
    const id = cell.bar.dataset.question;
    const hints = hintsOf(cell);
    const question = chapter && chapter.questions.find((other) => other.id === id);
    const most = hints.length + (question ? question.steps.length : 0);
    const before = store.get("hints", {})[id] || 0;
    const taken = more ? Math.min(before + more, most) : before;
    if (more) store.set("hints", { ...store.get("hints", {}), [id]: taken });
    hints.forEach((hint, index) => hint.classList.toggle("live-shown", index < taken));
    const button = cell.button("hint");
    const steps = Math.max(0, taken - hints.length);
    showSteps(cell, question, steps);
    const done = question && steps === question.steps.length;
    button.disabled = Boolean(done);
    if (done) button.textContent = "The whole solution";
    else if (steps) button.textContent = "Next step of the solution";
    else if (taken === hints.length) button.textContent = "Solution, step by step";
    else button.textContent = taken ? "One more hint" : "Hint";
    if (more && taken && !steps) {
      hints[taken - 1].open = true; // right below the button, before what a check has said
      hints[taken - 1].querySelector("summary").focus();
    }
  }

  function showSteps(cell, question, shown) {
    let place = cell.steps;
    if (!shown) {
      if (place) place.remove();
      cell.steps = null;
      return;
    }
    if (!question) {
      // After a reload: the solution comes with the checks, when somebody asks for it.
      loadChapter().then(() => showHints(cell, 0)).catch(() => {});
      return;
    }
    if (!place) {
      place = document.createElement("figure");
      place.className = "live-steps";
      place.append(document.createElement("figcaption"), document.createElement("pre"));
      [cell.bar, ...hintsOf(cell)].at(-1).after(place);
      cell.steps = place;
    }
    const all = question.steps.length;
    place.querySelector("figcaption").textContent = `Solution, step ${shown} of ${all}`;
    const rest = shown < all ? "\n    …" : "";
    place.querySelector("pre").textContent = question.steps.slice(0, shown).join("\n").trim() + rest;
  }

  // --- the notebook -----------------------------------------------------------------------------

  const questionOf = (cell) => {
    const mark = (cell.metadata && cell.metadata.actlab) || {};
    if (mark.role) return mark.role === "answer" ? mark.question : null;
    return (/^answer-(.+)$/.exec(cell.id || "") || [])[1] || null; // some tools lose the metadata
  };
  const textOf = (cell) => (Array.isArray(cell.source) ? cell.source.join("") : String(cell.source));

  async function exportNotebook() {
    let notebook;
    try {
      notebook = await (await fetch(config.notebook)).json();
    } catch {
      return say(location.protocol === "file:" ? SERVE : "The notebook could not be loaded; try again.");
    }
    for (const cell of notebook.cells) {
      const answer = answers.find((other) => other.bar.dataset.question === questionOf(cell));
      if (answer) cell.source = answer.source;
    }
    const link = document.createElement("a");
    const data = JSON.stringify(notebook, null, 1) + "\n";
    link.href = URL.createObjectURL(new Blob([data], { type: "application/x-ipynb+json" }));
    link.download = `${config.chapter}.ipynb`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say(`Saved as ${link.download}: put it into exercises/ and type “actlab grade ${config.chapter}”.`);
  }

  async function importNotebook(file) {
    const taken = new Set();
    try {
      for (const cell of JSON.parse(await file.text()).cells) {
        const answer = answers.find((other) => other.bar.dataset.question === questionOf(cell));
        if (!answer) continue;
        // A copy of the cell that nobody wrote in does not take the place of what was written.
        if (taken.has(answer) && textOf(cell).trim() === answer.original.trim()) continue;
        taken.add(answer);
        await answer.open();
        answer.button("write").hidden = true;
        answer.editor.setText(textOf(cell));
      }
    } catch {
      return say(`${file.name} is not a notebook.`);
    }
    say(taken.size ? `Took ${taken.size} answers from ${file.name}.` : `${file.name} has no answers of this exercise.`);
  }

  function forget() {
    if (!window.confirm("Forget your answers, points and hints on this page?")) return;
    store.set("results", null);
    store.set("hints", null);
    for (const cell of cells.values()) if (cell.bar) cell.edited !== null && cell.reset();
    for (const cell of answers) {
      cell.clear();
      showHints(cell, 0);
    }
    showPoints();
    say("Forgotten.");
  }

  // --- set up -----------------------------------------------------------------------------------

  const chooser = document.createElement("input");
  chooser.type = "file";
  chooser.accept = ".ipynb";
  chooser.hidden = true;
  chooser.setAttribute("aria-label", "Notebook to take answers from");
  panel.append(chooser);
  chooser.addEventListener("change", async () => {
    if (chooser.files.length) await importNotebook(chooser.files[0]);
    chooser.value = "";
  });
  panel.querySelector(".live-export").addEventListener("click", exportNotebook);
  panel.querySelector(".live-import").addEventListener("click", () => chooser.click());
  panel.querySelector(".live-forget").addEventListener("click", forget);

  for (const cell of answers) {
    cell.bar.after(...hintsOf(cell));
    cell.write = () => write(cell);
    cell.run = () => check(cell); // Shift+Enter in the editor
    cell.button("check").addEventListener("click", () => check(cell));
    cell.button("hint").addEventListener("click", () => help(cell));
    cell.button("write").hidden = cell.edited !== null;
    showHints(cell, 0);
  }
  document.addEventListener("live-edited", showPoints);
  showPoints();
})();

/* Cells of the book that run in the page. The buttons are in the HTML (bookbuild/ext/live_cells.py); this gives
   them their work: an editor where the code was, Python in a worker when somebody asks for it, the
   output below. exercise.js builds on what is in `actlabLive`. */
(function () {
  "use strict";

  const config = JSON.parse(document.getElementById("live-page").textContent);
  const STALLED = 60; // seconds without a byte before a download counts as failed
  const SERVE =
    "A browser runs Python only in pages that come from a server, and this one is a file. " +
    "In the folder of the built book type “python -m http.server” and open http://localhost:8000.";
  const absolute = (address) => new URL(address, document.baseURI).href;

  // --- what the browser keeps -------------------------------------------------------------------

  const store = {
    key: (name) => `actlab:${config.chapter}:${name}`,
    get(name, otherwise = null) {
      try {
        const text = localStorage.getItem(this.key(name));
        return text === null ? otherwise : JSON.parse(text);
      } catch {
        return otherwise;
      }
    },
    set(name, value) {
      try {
        if (value === null) localStorage.removeItem(this.key(name));
        else localStorage.setItem(this.key(name), JSON.stringify(value));
      } catch {
        /* Storage is full or forbidden: the page works, and forgets. */
      }
    },
  };

  // --- Python -----------------------------------------------------------------------------------

  /* One worker, started when it is first needed and again after it was stopped. A request is
     {command, ...}; `listen(message)` hears of everything until it is done. */
  const python = {
    worker: null,
    ready: null,
    listen: null,
    finish: null,
    stalled: 0,

    start(ahead) {
      if (this.ready) return this.ready;
      this.ready = new Promise((resolve, reject) => {
        this.worker = new Worker(config.worker);
        this.onReady = resolve;
        this.onFailed = reject;
      });
      this.worker.onmessage = (event) => this.hear(event.data);
      this.worker.onerror = (event) => {
        event.preventDefault();
        this.hear({ kind: "failed", loading: !this.listen, text: event.message || "" });
      };
      this.watch();
      this.worker.postMessage({
        command: "start",
        base: absolute(config.pyodide),
        pins: absolute(config.pins),
        archive: absolute(config.archive),
        ahead: ahead || config.packages,
      });
      return this.ready;
    },

    watch() {
      clearTimeout(this.stalled);
      this.stalled = setTimeout(
        () => this.hear({ kind: "failed", loading: true, text: "nothing arrives" }),
        STALLED * 1000,
      );
    },

    hear(message) {
      // Only while bytes are missing: a slow machine may need longer to start what has come.
      if (message.kind === "progress" && message.received < message.expected) this.watch();
      else clearTimeout(this.stalled);
      if (this.listen) this.listen(message);
      if (message.kind === "ready") this.onReady();
      else if (message.kind === "failed") this.end(message);
      else if (message.kind === "done") this.settle(message);
    },

    settle(result) {
      const finish = this.finish;
      this.listen = this.finish = null;
      if (finish) finish(result);
    },

    /* End the worker; whoever waits is told `message`. */
    end(message) {
      clearTimeout(this.stalled);
      if (this.worker) this.worker.terminate();
      const failed = this.onFailed;
      this.worker = this.ready = this.onReady = this.onFailed = null;
      if (failed) failed(message);
      this.settle(message);
    },

    get busy() {
      return this.finish !== null;
    },

    /* Send a request. Resolves with the message that ends it: done, failed or stopped. */
    ask(request, listen) {
      return new Promise((resolve) => {
        this.listen = listen;
        this.finish = resolve;
        this.start(request.ahead).then(
          () => this.finish === resolve && this.worker.postMessage(request),
          () => {},
        );
      });
    },
  };

  const host = () => new URL(absolute(config.pyodide)).host;
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

  function progressText(message) {
    if (message.kind === "loading") return `Loading ${message.names.join(", ")} …`;
    const { received, expected } = message;
    if (received >= expected) return "Starting Python …";
    return `Loading Python: ${megabytes(received)} of ${megabytes(expected)} MB`;
  }

  function failureText(message) {
    if (message.loading) {
      return (
        `Python could not be loaded from ${host()}, so nothing was run; the page is complete ` +
        "without it. Check the connection and press the button again."
      );
    }
    return "Python ended while it ran this (too deep a recursion, or too much memory). What is needed runs again next time.";
  }

  // --- editors ----------------------------------------------------------------------------------

  let editorScript = null;

  function loadEditor() {
    editorScript ||= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = config.editor;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
    return editorScript;
  }

  function keysNote() {
    if (!document.getElementById("live-keys")) {
      const note = document.createElement("p");
      note.id = "live-keys";
      note.hidden = true;
      note.textContent =
        "Shift+Enter runs the code. Tab indents; press Escape and then Tab to leave the editor.";
      document.body.append(note);
    }
    return "live-keys";
  }

  /* A text area with the same interface as the vendored editor, where that cannot be loaded. */
  function plainEditor(parent, text, { label, description, onChange, onRun }) {
    const area = document.createElement("textarea");
    area.className = "live-plain";
    area.value = text;
    area.spellcheck = false;
    area.setAttribute("aria-label", label);
    area.setAttribute("aria-describedby", description);
    const fit = () => (area.rows = Math.max(2, area.value.split("\n").length));
    let leaving = false;
    area.addEventListener("input", () => {
      fit();
      onChange(area.value);
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.shiftKey || event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        onRun();
      } else if (event.key === "Tab" && !event.shiftKey && !leaving) {
        event.preventDefault();
        area.setRangeText("    ", area.selectionStart, area.selectionEnd, "end");
        area.dispatchEvent(new Event("input"));
      }
      leaving = event.key === "Escape";
    });
    fit();
    parent.append(area);
    return {
      text: () => area.value,
      setText(next) {
        area.value = next;
        fit();
        onChange(next);
      },
      focus: () => area.focus(),
    };
  }

  // --- cells ------------------------------------------------------------------------------------

  class Cell {
    constructor(element) {
      this.element = element;
      this.id = element.id.replace(/^cell-/, "");
      this.input = element.querySelector(".cell_input");
      const pre = this.input.querySelector("pre");
      this.original = pre.textContent.replace(/\n$/, "");
      this.bar = element.querySelector(".live-bar");
      this.out = element.querySelector(".live-out");
      this.editor = null;
      this.edited = store.get(`cell:${this.id}`);
      if (this.edited === this.original) this.edited = null;
      if (!this.bar) return;
      this.number = this.bar.dataset.number;
      this.say = this.bar.querySelector(".live-say");
      this.button("reset").hidden = this.edited === null;
      for (const name of ["run", "write", "stop", "reset"]) {
        const button = this.button(name);
        if (button) button.addEventListener("click", () => this[name]());
      }
    }

    get source() {
      return this.edited === null ? this.original : this.edited;
    }

    button(name) {
      return this.bar.querySelector(`.live-${name}`);
    }

    tell(text) {
      this.say.textContent = text;
    }

    /* Turn the code into an editor, once. */
    async open() {
      if (this.opening) return this.opening;
      this.opening = (async () => {
        let create = plainEditor;
        try {
          await loadEditor();
          create = window.ActlabEditor.create;
        } catch {
          /* The plain one will do. */
        }
        const box = document.createElement("div");
        box.className = "live-editor";
        const code = this.input.firstElementChild;
        this.input.prepend(box);
        this.editor = create(box, this.source, {
          label: `Code of cell ${this.number}`,
          description: keysNote(),
          onChange: (text) => this.keep(text),
          onRun: () => (this.run ? this.run() : null),
        });
        code.hidden = true;
      })();
      return this.opening;
    }

    keep(text) {
      this.edited = text === this.original ? null : text;
      store.set(`cell:${this.id}`, this.edited);
      this.button("reset").hidden = this.edited === null && !this.out.hasChildNodes();
      this.element.dispatchEvent(new CustomEvent("live-edited", { bubbles: true }));
    }

    async run() {
      if (location.protocol === "file:" || typeof Worker === "undefined") return this.tell(SERVE);
      if (python.busy) return this.tell("Something is running already: stop it, or wait for it.");
      this.busy(true);
      const opened = this.open();
      await opened;
      this.clear();
      this.element.classList.add("live-ran");
      this.button("reset").hidden = false;
      const ahead = this.bar.dataset.packages;
      const request = { command: "run", cells: allCells(), target: this.id, ahead: ahead === undefined ? null : ahead.split(" ").filter(Boolean) };
      const result = await python.ask(request, (message) => this.hear(message));
      this.busy(false);
      if (result.kind === "failed") this.tell(failureText(result));
      else if (result.kind === "stopped") {
        this.tell("Stopped. What this cell needs runs again next time.");
      } else if (!result.ok) {
        this.tell(result.id === this.id ? "It ends with an error." : this.earlierFailed(result.id));
      } else {
        if (!this.out.hasChildNodes()) this.add("p", "live-quiet", "It ran and printed nothing.");
        this.tell(this.earlier ? `Done, after ${cellsText(this.earlier)} that it needs.` : "Done.");
      }
    }

    earlierFailed(id) {
      const cell = cells.get(id);
      return `An earlier cell that this one needs${cell.number ? `, cell ${cell.number},` : ""} ends with an error.`;
    }

    hear(message) {
      if (message.kind === "progress" || message.kind === "loading") this.tell(progressText(message));
      else if (message.kind === "cell") {
        this.earlier = message.earlier;
        this.tell(message.quiet ? "Running what this cell needs …" : "Running …");
      } else if (message.kind === "stream") this.stream(message.name, message.text);
      else if (message.kind === "value" && message.html) this.out.append(cleaned(message.html));
      else if (message.kind === "value") this.add("pre", "live-text", message.text);
      else if (message.kind === "error") this.add("pre", "live-error", message.text);
      else if (message.kind === "figure") this.figure(message.svg);
    }

    stream(name, text) {
      const last = this.out.lastElementChild;
      if (last && last.dataset.stream === name) last.append(text);
      else this.add("pre", "live-text", text).dataset.stream = name;
    }

    add(tag, name, text) {
      const element = document.createElement(tag);
      element.className = name;
      element.textContent = text;
      if (tag === "pre") element.tabIndex = 0; // it may be wider than the page
      this.out.append(element);
      return element;
    }

    figure(svg) {
      const image = document.createElement("img");
      const stored = this.element.querySelector(".cell_output img");
      const same = stored && this.edited === null;
      image.alt = same ? stored.alt : `Figure drawn by cell ${this.number} as you have edited it`;
      // book.js gives a figure that is wider than the page to the keyboard.
      image.onload = () => window.dispatchEvent(new Event("resize"));
      image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
      const box = document.createElement("span");
      box.className = "figure-box";
      box.append(image);
      this.out.append(box);
    }

    clear() {
      for (const image of this.out.querySelectorAll("img")) URL.revokeObjectURL(image.src);
      this.out.replaceChildren();
    }

    busy(running) {
      this.button("stop").hidden = !running;
      for (const name of ["run", "check"]) {
        const button = this.button(name);
        if (button) button.disabled = running;
      }
      this.element.setAttribute("aria-busy", String(running));
    }

    stop() {
      python.end({ kind: "stopped" });
    }

    reset() {
      this.edited = null;
      store.set(`cell:${this.id}`, null);
      if (this.editor) this.editor.setText(this.original);
      this.clear();
      this.element.classList.remove("live-ran");
      this.button("reset").hidden = true;
      this.tell("As the book has it.");
      const first = this.bar.querySelector(".live-button:not([hidden])");
      if (first) first.focus();
    }
  }

  const KEPT = new Set(
    "A B BR CODE DIV EM I LI OL P PRE SPAN STRONG SUB SUP TABLE TBODY TD TFOOT TH THEAD TR UL".split(" "),
  );

  /* HTML that Python made, without anything that could act: known elements, their class, links. */
  function cleaned(html) {
    const copy = (from, to) => {
      for (const node of from.childNodes) {
        if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
        else if (node.nodeType !== Node.ELEMENT_NODE || !KEPT.has(node.tagName)) continue;
        else {
          const element = document.createElement(node.tagName);
          element.className = node.className;
          const address = node.getAttribute("href") || "";
          if (/^(#|https?:)/.test(address)) element.href = address;
          copy(node, element);
          to.append(element);
        }
      }
      return to;
    };
    const box = document.createElement("div");
    box.className = "live-html";
    return copy(new DOMParser().parseFromString(html, "text/html").body, box);
  }

  const cellsText = (count) => (count === 1 ? "one earlier cell" : `${count} earlier cells`);
  const cells = new Map();

  /* Every code cell of the page as it is now, in order. */
  function allCells() {
    return [...cells.values()].map((cell, index) => ({
      id: cell.id,
      label: `cell ${cell.number || index + 1}`,
      source: cell.source,
    }));
  }

  window.actlabLive = { config, store, python, cells, Cell, SERVE, progressText, failureText, plainEditor };

  for (const element of document.querySelectorAll("div.cell[id^='cell-']")) {
    const cell = new Cell(element);
    cells.set(cell.id, cell);
    // What was edited before is there again.
    if (cell.bar && cell.edited !== null) cell.open();
  }
})();

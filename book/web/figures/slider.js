/* Moves the figures that bookbuild.sliders has drawn.

   The page holds each figure complete; a data script hands over, for every position of its controls,
   the curves that belong to it. This file looks them up: it knows axes, lines and tables, and no
   formula. A classic script without dependencies, so that it works from file:// too. */
(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const PAUSE = 700; // ms without a change before a screen reader is told
  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

  /* --- the data ----------------------------------------------------------------------------- */

  /* Second differences, as `pack` in model.py writes them, back to numbers. */
  function unpack(packed, step) {
    let value = 0;
    let slope = 0;
    return packed.map((second) => step * (value += slope += second));
  }

  /* The samples of pieces of an even grid: [from, to, how many] each. */
  function places(pieces) {
    return pieces.flatMap(([from, to, count]) =>
      Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1)));
  }

  /* One trace of a bank, unpacked when it is first asked for. */
  function trace(bank, position) {
    bank.ready = bank.ready || [];
    if (!bank.ready[position]) {
      bank.ready[position] = {
        x: bank.x ? unpack(bank.x[position], bank.xStep) : places(bank.grid || bank.grids[position]),
        y: unpack(bank.y[position], bank.step),
      };
    }
    return bank.ready[position];
  }

  /* Values just left and just right of a place; they differ only where the curve jumps. */
  function read({ x, y }, place) {
    const near = 1e-9 * Math.max(1, x[x.length - 1] - x[0]);
    let left = x.findIndex((at) => at >= place - near);
    if (left < 0) left = x.length - 1;
    if (x[left] > place + near && left > 0) {
      const share = (place - x[left - 1]) / (x[left] - x[left - 1]);
      const middle = y[left - 1] + share * (y[left] - y[left - 1]);
      return [middle, middle];
    }
    let right = left;
    while (right + 1 < x.length && x[right + 1] <= place + near) right += 1;
    return [y[left], y[right]];
  }

  /* --- how numbers look --------------------------------------------------------------------- */

  function plain(value, digits) {
    const text = value.toFixed(digits);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  }

  function show(value, panel) {
    if (panel.format !== "power") return plain(value, panel.digits) + panel.unit;
    let exponent = Math.floor(value);
    let mantissa = (10 ** (value - exponent)).toFixed(panel.digits);
    if (mantissa >= 10) {
      mantissa = (mantissa / 10).toFixed(panel.digits);
      exponent += 1;
    }
    const raised = [...String(exponent)].map((c) => (c === "-" ? "⁻" : RAISED[c])).join("");
    return `${mantissa}·10${raised}${panel.unit}`;
  }

  /* Where a control stands in the page as it was written, whatever a reader has done since. */
  function written(control) {
    const choices = [...(control.options || control.querySelectorAll("input[type=radio]"))];
    if (!choices.length) return Number(control.defaultValue);
    return choices.findIndex((choice) => choice.defaultSelected || choice.defaultChecked);
  }

  /* What a control says and is told, whether it is a slider, a list or a row of buttons. */
  function handle(control) {
    const buttons = [...control.querySelectorAll("input[type=radio]")];
    if (!buttons.length) return control;
    return {
      get value() { return buttons.find((button) => button.checked).value; },
      set value(position) { buttons[position].checked = true; },
      addEventListener: (kind, listener) => control.addEventListener(kind, listener),
      isSwitch: true,
    };
  }

  /* --- one figure --------------------------------------------------------------------------- */

  function start(figure, data) {
    const [left, top, width, height] = data.box;
    const elements = [...figure.querySelectorAll("[data-control]")];
    const controls = elements.map(handle);
    const reading = figure.querySelector("[data-reading]");
    const status = figure.querySelector(".sf-status");
    const note = figure.querySelector(".sf-note");
    // A control may have been moved before the data came: start over goes to what was written.
    const first = elements.map(written);
    const firstPlace = written(reading);
    const panels = data.panels.map((panel, k) => {
      const svg = figure.querySelector(`svg[data-panel="${k}"]`);
      const hair = svg.appendChild(document.createElementNS(SVG, "path"));
      hair.setAttribute("class", "sf-hair");
      return { ...panel, svg, hair };
    });
    const curves = data.curves.map((curve, k) => {
      const path = figure.querySelector(`path[data-curve="${k}"]`);
      if (curve.style === "dots" || curve.style === "rug") return { ...curve, path };
      const mark = panels[curve.panel].svg.appendChild(document.createElementNS(SVG, "circle"));
      mark.setAttribute("class", `sf-mark sf-row${curve.row}`);
      mark.setAttribute("r", "4.5");
      return { ...curve, path, mark, cell: figure.querySelector(`[data-value="${k}"]`) };
    });
    let telling = 0;

    const across = (panel, x) => left + (width * (x - panel.x[0])) / (panel.x[1] - panel.x[0]);
    const up = (panel, y) => {
      const pixel = top + (height * (panel.y[1] - y)) / (panel.y[1] - panel.y[0]);
      return Math.max(-9999, Math.min(9999, pixel));
    };
    const at = (control) => (control === null ? 0 : Number(controls[control].value));
    const combined = (position, by) =>
      by === null ? position : position * data.controls[by].texts.length + at(by);
    const shown = (curve) => trace(data.banks[curve.bank], combined(at(curve.control), curve.by));
    const place = () => data.reading.low + data.reading.step * Number(reading.value);

    function line(curve) {
      const { x, y } = shown(curve);
      const panel = panels[curve.panel];
      let d = "";
      x.forEach((at, i) => {
        const point = `${across(panel, at).toFixed(1)} ${up(panel, y[i]).toFixed(1)}`;
        if (curve.style === "dots") {
          d += `M${(across(panel, at) - 3.5).toFixed(1)} ${up(panel, y[i]).toFixed(1)}` +
            "a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0";
        } else {
          const jumps = curve.style !== "steps" && i > 0 && x[i - 1] === at && y[i - 1] !== y[i];
          d += (i === 0 || jumps ? "M" : "L") + point;
        }
      });
      return d;
    }

    /* The curves: after a control has moved. */
    function draw() {
      for (const curve of curves) curve.path.setAttribute("d", line(curve));
      controls.forEach((control, k) => {
        if (control.isSwitch) return; // its buttons say what is chosen
        const text = data.controls[k].texts[control.value];
        const output = control.parentElement.querySelector(".sf-shown");
        const name = figure.querySelector(`[data-name="${k}"]`);
        if (output) {
          output.textContent = text;
          control.setAttribute("aria-valuetext", text);
        } else {
          name.textContent = text; // a list names the row of the table
        }
      });
      note.textContent = notes();
      point();
    }

    const notes = () =>
      data.controls.map((control, k) => control.notes[combined(at(k), control.by)] || "").join(" ").trim();

    /* The values: after that, or after the place has moved. */
    function point() {
      const at = place();
      const text = plain(at, data.reading.digits);
      reading.setAttribute("aria-valuetext", text);
      reading.parentElement.querySelector(".sf-shown").textContent = text;
      figure.querySelector("[data-place]").textContent = data.reading.heading.replace("{}", text);
      for (const panel of panels) {
        panel.hair.setAttribute("d", `M${across(panel, at).toFixed(1)} ${top}v${height}`);
      }
      for (const curve of curves) {
        if (!curve.cell) continue;
        const panel = panels[curve.panel];
        const [before, after] = read(shown(curve), at);
        const values = [show(before, panel), show(after, panel)];
        curve.cell.textContent = values[0] === values[1] ? values[0] : values.join(" → ");
        const pixel = up(panel, after);
        const outside = pixel < top - 1 || pixel > top + height + 1;
        curve.mark.setAttribute("visibility", outside ? "hidden" : "visible");
        curve.mark.setAttribute("cx", across(panel, at).toFixed(1));
        curve.mark.setAttribute("cy", pixel.toFixed(1));
      }
    }

    /* A screen reader hears the result once the reader pauses, not every step on the way. */
    function tell() {
      clearTimeout(telling);
      telling = setTimeout(() => {
        const rows = [...figure.querySelectorAll("[data-name]")].map((name) => {
          const values = curves.filter((c) => c.cell && c.row === Number(name.dataset.name));
          const parts = values.map((curve) => {
            const [before, after] = curve.cell.textContent.split(" → ");
            const value = after ? `jumps from ${before} to ${after}` : before;
            return `${panels[curve.panel].symbol} ${value}`;
          });
          return `${name.textContent}: ${parts.join(", ")}`;
        });
        const where = figure.querySelector("[data-place]").textContent;
        status.textContent = `${where}, ${rows.join("; ")}. ${notes()}`;
      }, PAUSE);
    }

    function follow(event, panel) {
      const matrix = panel.svg.getScreenCTM();
      if (!matrix) return;
      const x = (event.clientX - matrix.e) / matrix.a;
      const at = panel.x[0] + ((x - left) / width) * (panel.x[1] - panel.x[0]);
      const wanted = Math.round((at - data.reading.low) / data.reading.step);
      const now = Math.max(0, Math.min(Number(reading.max), wanted));
      if (now === Number(reading.value)) return;
      reading.value = now;
      point();
      tell();
    }

    for (const control of controls) {
      // "change" as well, for lists and for what fills forms in.
      for (const kind of ["input", "change"]) {
        control.addEventListener(kind, () => {
          draw();
          tell();
        });
      }
    }
    reading.addEventListener("input", () => {
      point();
      tell();
    });
    for (const panel of panels) {
      for (const kind of ["pointermove", "pointerdown"]) {
        panel.svg.addEventListener(kind, (event) => follow(event, panel));
      }
    }
    figure.querySelector(".sf-reset").addEventListener("click", () => {
      controls.forEach((control, k) => { control.value = first[k]; });
      reading.value = firstPlace;
      draw();
      tell();
    });
    figure.setAttribute("data-live", "");
    draw();
  }

  function receive([name, data]) {
    for (const figure of document.querySelectorAll(`[data-figure="${name}"]`)) start(figure, data);
  }

  /* Data scripts push into a list; those that come later find this in its place. */
  const waiting = window.actlabFigures || [];
  window.actlabFigures = { push: receive };
  waiting.forEach(receive);

  /* Data that the page has not asked for yet come once their figure is near. */
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      const place = document.querySelector(`script[data-src][data-near="${target.dataset.figure}"]`);
      if (!place) continue;
      const script = document.createElement("script");
      script.src = place.dataset.src;
      place.replaceWith(script);
    }
  }, { rootMargin: "1500px 0px" });
  for (const figure of document.querySelectorAll("[data-figure]:not([data-live])")) near.observe(figure);
})();

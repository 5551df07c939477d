/* Keeps the reader's guesses in the browser and shows each beside what was measured.
   bookbuild/ext/predictions.py writes the fields and the places; nothing leaves the browser. */
(function () {
  "use strict";
  const fields = [...document.querySelectorAll(".guess")];
  if (!fields.length) return;
  const script = document.currentScript || document.querySelector("script[data-chapter]");
  const KEY = `actlab-guesses:${script.dataset.chapter}`;
  const ASKED = "actlab-guesses-asked";
  const answers = [...document.querySelectorAll(".guess-answer")];
  const ask = document.querySelector(".guess-ask");
  const tally = document.querySelector(".guess-tally");

  // Where a browser keeps nothing (a private window, a folder), guesses last as long as the page.
  function read(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  }
  function write(key, value) {
    try {
      if (value === null) localStorage.removeItem(key);
      else localStorage.setItem(key, value);
      return true;
    } catch { return false; }
  }
  function stored() {
    try {
      const found = JSON.parse(read(KEY) || "{}");
      return found && typeof found === "object" ? found : {};
    } catch { return {}; }
  }
  const guesses = stored();

  /* A number as people type it: 1,000; 0,25; 1e-9; 10^-9; 2·10⁻⁹; 1/4; 50 %. NaN if it is none. */
  const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";
  function number(typed) {
    let text = typed.trim().replace(/[−–]/g, "-");
    text = text.replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+/g, (raised) =>
      "^" + [...raised].map((sign) => "0123456789-"[RAISED.indexOf(sign)]).join(""));
    text = text.replace(/^(about|around|ca\.?|~|≈)\s*/i, "").replace(/(\d)[\s\u202f](?=\d{3})/g, "$1");
    if (/^-?\d{1,3}(,\d{3})+(\.\d+)?$/.test(text)) text = text.replace(/,/g, "");
    else text = text.replace(/^(-?\d+),(\d+)/, "$1.$2");
    const shape = /^(-?)(\d*\.?\d+)(?:e([+-]?\d+))?(?:\s*[x*×·]\s*10\s*\^\s*([+-]?\d+)|\s*\/\s*(\d*\.?\d+)|\^([+-]?\d+))?(?![\d.])/i;
    const match = shape.exec(text);
    if (!match) return NaN;
    let value = Number(match[2]) * 10 ** Number(match[3] || 0) * 10 ** Number(match[4] || 0);
    if (match[5]) value /= Number(match[5]);
    if (match[6]) value = Number(match[2]) ** Number(match[6]);
    const scale = { thousand: 1e3, million: 1e6, billion: 1e9 };
    const word = /(thousand|million|billion)/i.exec(text);
    if (word) value *= scale[word[1].toLowerCase()];
    return match[1] ? -value : value;
  }

  function short(value) {
    const size = Math.abs(value);
    if (size && (size < 1e-3 || size >= 1e6)) return value.toPrecision(2).replace("e+", "e");
    return String(Number(value.toPrecision(size < 10 ? 2 : 3)));
  }

  /* How near: [sentence, whether it counts as near], or null where only the guess can be shown. */
  function judged(place, guess) {
    const { kind, unit, low, high, right } = place.dataset;
    if (kind === "choice") {
      if (!right) return null;
      return guess === right ? ["That is right.", true] : ["That is not what was measured.", false];
    }
    if (kind !== "number" || low === undefined) return null;
    const typed = number(guess);
    if (Number.isNaN(typed)) return null;
    const [from, to] = [Number(low), Number(high)];
    if (typed >= from && typed <= to) {
      return [from === to ? "Exactly what was measured." : "Inside of what was measured.", true];
    }
    const nearest = typed < from ? from : to;
    const way = typed < nearest ? "too low" : "too high";
    if (unit === "%" || unit === "points") {
      const points = Math.abs(typed - nearest);
      return [`${short(points)} ${points === 1 ? "point" : "points"} ${way}.`, points <= 5];
    }
    if (typed * nearest > 0) {
      const ratio = Math.max(typed / nearest, nearest / typed);
      if (ratio >= 2) return [`By a factor of ${short(ratio)} ${way}.`, false];
      const share = 100 * Math.abs(typed / nearest - 1);
      return [`${short(share)} % ${way}.`, share <= 10];
    }
    return [`${short(Math.abs(typed - nearest))} ${way}.`, false];
  }

  function show() {
    let near = 0;
    let far = 0;
    for (const place of answers) {
      const guess = guesses[place.dataset.guess];
      place.hidden = !guess;
      place.classList.remove("guess-near", "guess-far");
      if (!guess) continue;
      const verdict = judged(place, guess);
      const unit = place.dataset.unit;
      const withUnit = unit && !guess.includes(unit) ? `${guess} ${unit}` : guess;
      place.textContent = `You guessed: ${withUnit}${/[.!?]$/.test(withUnit) ? "" : "."} ${verdict ? verdict[0] : ""}`;
      if (verdict) {
        place.classList.add(verdict[1] ? "guess-near" : "guess-far");
        if (verdict[1]) near += 1;
        else far += 1;
      }
    }
    const made = fields.filter((field) => guesses[field.dataset.guess]).length;
    if (tally) {
      tally.hidden = made === 0;
      const judgedOnes = near + far ? ` Of the ${near + far} that can be compared, ${near} came close.` : "";
      tally.querySelector(".guess-count").textContent = `You made ${made} of ${fields.length}.${judgedOnes}`;
    }
    return made;
  }

  function fill() {
    for (const field of fields) {
      const guess = guesses[field.dataset.guess] || "";
      for (const input of field.querySelectorAll("input")) {
        if (input.type === "radio") input.checked = input.value === guess;
        else input.value = guess;
      }
    }
  }

  function keep(field, value) {
    const name = field.dataset.guess;
    if (value) guesses[name] = value;
    else delete guesses[name];
    const kept = write(KEY, Object.keys(guesses).length ? JSON.stringify(guesses) : null);
    const odd = value && field.dataset.kind === "number" && Number.isNaN(number(value));
    field.querySelector(".guess-say").textContent = odd ? "A number, please: 0.5, 2e-9 or 1/4."
      : value && !kept ? "Kept until you leave the page." : value ? "Kept." : "";
    if (show() && ask) ask.hidden = true;
  }

  for (const field of fields) {
    field.addEventListener("change", (event) => keep(field, event.target.value.trim()));
  }

  // Who skips is asked once in the whole book, before the first section that gives something away.
  if (ask && !read(ASKED) && !Object.keys(guesses).length) {
    ask.hidden = false;
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      write(ASKED, "1");
    }).observe(ask);
    ask.querySelector(".guess-on").addEventListener("click", () => { ask.hidden = true; });
    ask.querySelector(".guess-back").addEventListener("click", (event) => {
      event.preventDefault();
      ask.hidden = true;
      const first = fields[0].querySelector("input");
      first.focus({ preventScroll: true });
      fields[0].scrollIntoView({ block: "center" });
    });
  }
  if (tally) {
    tally.querySelector(".guess-forget").addEventListener("click", () => {
      for (const name of Object.keys(guesses)) delete guesses[name];
      write(KEY, null);
      fill();
      show();
    });
  }
  fill();
  show();
})();

/* Python in a worker of its own, so that the page stays alive whatever the code does. Everything that
   comes from the Pyodide address is fetched with the SHA-256 that pyodide.json pins, and nothing is
   fetched from there that it does not name.

   The page sends {command: "start" | "run" | "check", ...}; this sends {kind: ...} back. */
"use strict";

const realFetch = self.fetch.bind(self);
const early = new Map(); // requests that were sent before Pyodide asks for them
let base = "";
let pins = null;
let pyodide = null;
let page = null;
let received = 0;
let expected = 0;

const post = (kind, content) => self.postMessage({ kind, ...content });

class LoadError extends Error {}

function pinOf(name) {
  const core = pins.core[name];
  return core || Object.values(pins.lock.packages).find((p) => p.file_name === name) || null;
}

function integrity(hex) {
  const bytes = hex.match(/../g).map((pair) => parseInt(pair, 16));
  return "sha256-" + btoa(String.fromCharCode(...bytes));
}

async function fetchPinned(name) {
  if (early.has(name)) {
    const waiting = early.get(name);
    early.delete(name);
    return waiting;
  }
  const pin = pinOf(name);
  if (!pin) throw new LoadError(`${name} is not among the files that this page may load`);
  let response;
  try {
    response = await realFetch(base + name, { integrity: integrity(pin.sha256) });
  } catch {
    throw new LoadError(`${name} could not be loaded`);
  }
  if (!response.ok) throw new LoadError(`${name} could not be loaded (${response.status})`);
  expected += pin.bytes;
  const counted = response.body.pipeThrough(
    new TransformStream({
      transform(chunk, controller) {
        received += chunk.length;
        post("progress", { received, expected });
        controller.enqueue(chunk);
      },
    }),
  );
  const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  return new Response(counted, { headers: { "content-type": type } });
}

// Pyodide fetches with this function too.
self.fetch = (resource, options) => {
  const address = String(resource.url || resource);
  if (!base || !address.startsWith(base)) return realFetch(resource, options);
  const name = decodeURIComponent(address.slice(base.length));
  if (name === "pyodide-lock.json") return Promise.resolve(new Response(JSON.stringify(pins.lock)));
  return fetchPinned(name);
};

async function loadScript(name) {
  const text = await (await fetchPinned(name)).text();
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    importScripts(address);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/* The files of some packages and of what they depend on. */
function filesOf(names) {
  const found = new Set();
  const add = (name) => {
    const entry = pins.lock.packages[name];
    if (!entry || found.has(entry.file_name)) return;
    found.add(entry.file_name);
    entry.depends.forEach(add);
  };
  names.forEach(add);
  return found;
}

async function start(message) {
  base = message.base;
  const own = await Promise.all(
    [message.pins, message.archive].map(async (address) => {
      const response = await realFetch(address).catch(() => null);
      if (!response || !response.ok) throw new LoadError("a file of the book could not be loaded");
      return response;
    }),
  );
  pins = await own[0].json();
  const archive = await own[1].arrayBuffer();
  for (const name of ["pyodide.asm.wasm", "python_stdlib.zip", ...filesOf(message.ahead)]) {
    const waiting = fetchPinned(name);
    waiting.catch(() => {}); // whoever asks for it hears of it
    early.set(name, waiting);
  }
  await loadScript("pyodide.asm.js");
  await loadScript("pyodide.js");
  pyodide = await self.loadPyodide({ indexURL: base });
  pyodide.unpackArchive(archive, "zip", { extractDir: "/book" });
  pyodide.runPython("import sys; sys.path.insert(0, '/book')");
  const Page = pyodide.pyimport("bookbuild.live.page").Page;
  page = Page((text) => {
    const { kind, ...content } = JSON.parse(text);
    post(kind, content);
  });
}

async function loadPackages(sources) {
  const names = JSON.parse(page.packages(JSON.stringify(sources)));
  const missing = names.filter((name) => !(name in pyodide.loadedPackages));
  if (!missing.length) return;
  post("loading", { names: missing });
  const said = [];
  await pyodide.loadPackage(missing, { errorCallback: (text) => said.push(text), messageCallback: () => {} });
  const absent = missing.filter((name) => !(name in pyodide.loadedPackages));
  if (absent.length) throw new LoadError(`${absent.join(", ")} could not be loaded`);
}

async function run(message) {
  const { cells, target } = message;
  const order = JSON.parse(page.order(JSON.stringify({ cells, target })));
  const byId = new Map(cells.map((cell) => [cell.id, cell]));
  // Of earlier cells only what this one needs: matplotlib, for instance, where something is drawn.
  await loadPackages(JSON.parse(page.lean(JSON.stringify(order.map((id) => byId.get(id))))));
  for (const id of order) {
    const quiet = id !== target;
    post("cell", { id, quiet, earlier: order.length - 1 });
    const ran = page.run(JSON.stringify({ ...byId.get(id), quiet }));
    if (!ran) return post("done", { ok: false, id });
  }
  post("done", { ok: true, id: target });
}

async function check(message) {
  const request = JSON.stringify(message.request);
  // The judge itself computes with NumPy.
  await loadPackages(["import numpy", ...message.sources]);
  post("checking", {});
  page.check(request);
  post("done", { ok: true });
}

const commands = { start, run, check };

self.onmessage = async (event) => {
  const { command, ...message } = event.data;
  try {
    await commands[command](message);
    if (command === "start") post("ready", {});
  } catch (error) {
    const isLoading = error instanceof LoadError || !page;
    post("failed", { loading: isLoading, text: String((error && error.message) || error) });
  }
};

// Renders the default component of a file, and prints its text at each change.
//
//   node render.mjs component.jsx
import { readFileSync, writeFileSync } from "node:fs";
import { transform } from "esbuild";
import { Window } from "happy-dom";

const page = new Window();
Object.assign(globalThis, { window: page, document: page.document });
const [file] = process.argv.slice(2);
const { code } = await transform(readFileSync(file, "utf8"), {
  loader: "jsx",
  jsx: "automatic",
});
writeFileSync(`${file}.mjs`, code);
const { createElement, StrictMode } = await import("react");
const { createRoot } = await import("react-dom/client");
const { default: Component } = await import(`${file}.mjs`);

const body = page.document.body;
let printed;
setInterval(() => {
  if (printed === body.textContent) return;
  printed = body.textContent;
  console.log(printed);
}, 20);
createRoot(body).render(createElement(StrictMode, null, createElement(Component)));

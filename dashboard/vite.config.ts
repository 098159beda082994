/// <reference types="vitest/config" />

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
// Where the gateway serves it from, and its wheel takes it from.
const OUT = here("../services/gateway/src/tailcast_gateway/static/dashboard");
// `npm run dev` beside `make run`: the page is Vite's, what it shows is Tailcast's.
const target = process.env.TAILCAST_URL ?? "http://localhost:5000";

/** What every view needs. */
const SHARED =
  /preact|typescript.src|feed.(server|value|remembered|place)|core.(figures|objects|hues|sets)|views.seen/;

/** Which program draws what is shown first: index.html asks for it by these names. */
const DRAWN_BY: Readonly<Record<string, string>> = {
  LIST: "views/sessions.tsx",
  RUN: "views/run.tsx",
  COMPARE: "views/compare.tsx",
};

/** Each file once more as gzip, so that the gateway need not compress. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      for (const file of readdirSync(OUT, { recursive: true, encoding: "utf8" })) {
        if (!/\.(css|html|js|svg)$/.test(file)) continue;
        const path = join(OUT, file);
        const level = constants.Z_BEST_COMPRESSION;
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level }));
      }
    },
  };
}

/** Names in the head of index.html the parts of what is shown first that it does not load anyway. */
function askedForAtOnce(): Plugin {
  return {
    name: "asked-for-at-once",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle = {} }) {
        const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
        const partsOf = (module: string): string[] => {
          const drawn = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith(module));
          const names = drawn ? [drawn.fileName, ...drawn.imports] : [];
          const programs = chunks.filter(({ fileName }) => names.includes(fileName));
          const styles = programs.flatMap(({ viteMetadata }) => [
            ...(viteMetadata?.importedCss ?? []),
          ]);
          return [...programs.map(({ fileName }) => fileName), ...styles];
        };
        return html.replace(/"([A-Z]+)"/g, (_, name: string) =>
          partsOf(DRAWN_BY[name]!)
            .filter((part) => !html.includes(part))
            .map((part) => `"./${part}"`)
            .join(", "),
        );
      },
    },
  };
}

export default defineConfig({
  // Below any prefix: every address of the page is relative to where it lies.
  base: "./",
  plugins: [askedForAtOnce(), compressed()],
  // The React of TypeScript, the Preact of browsers: 60 KB less, and the same programs.
  oxc: { jsx: { runtime: "automatic", importSource: "react" } },
  resolve: {
    alias: [
      { find: /^tailcast\/react$/, replacement: here("../clients/typescript/src/react.ts") },
      { find: /^tailcast$/, replacement: here("../clients/typescript/src/index.ts") },
      {
        find: /^react\/jsx(-dev)?-runtime$/,
        replacement: here("node_modules/preact/jsx-runtime"),
      },
      { find: /^react-dom\/client$/, replacement: here("node_modules/preact/compat/client") },
      { find: /^react(-dom)?$/, replacement: here("node_modules/preact/compat") },
    ],
  },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What every view needs is one file: several take more bytes in all.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "shared", test: SHARED }] } },
    },
  },
  server: {
    fs: { allow: [".."] },
    proxy: { "/ws": { target, ws: true }, "/api": { target } },
  },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    environment: "happy-dom",
    restoreMocks: true,
    // Longer than any wait in a test, which says what it waited for (`tests/patience.ts`).
    testTimeout: 120_000,
  },
});

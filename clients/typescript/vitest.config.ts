import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  oxc: { jsx: { runtime: "automatic" } },
  resolve: {
    // The example is tested with the source, and with the libraries of this package's lock.
    alias: [
      { find: /^tailcast\/react$/, replacement: here("src/react.ts") },
      { find: /^tailcast$/, replacement: here("src/index.ts") },
      ...["react/jsx-dev-runtime", "react/jsx-runtime", "react", "recharts"].map((name) => ({
        find: new RegExp(`^${name}$`),
        replacement: here(`node_modules/${name}`),
      })),
    ],
  },
  server: { fs: { allow: ["../.."] } },
  test: {
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});

import { defineConfig } from "vite";

// `npm run dev` beside `make run`: the page is Vite's, what it follows is Tailcast's.
const target = process.env.TAILCAST_URL ?? "http://localhost:5000";

export default defineConfig({
  // The hook is linked from the repository, where it has a React of its own to be tested with.
  resolve: { dedupe: ["react", "react-dom"] },
  server: { proxy: { "/ws": { target, ws: true }, "/api": { target } } },
});

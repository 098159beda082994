// What the client and the hook say of a session, a line of JSON at each change. A line on
// stdin asks for the session's curve.
//
//   node watch.mjs http://localhost:5000 run
import { createInterface } from "node:readline";
import { Window } from "happy-dom";
import { TelemetryClient } from "../dist/index.js";

const [url, session] = process.argv.slice(2);
const page = new Window({ url });
Object.assign(globalThis, {
  window: page,
  document: page.document,
  location: page.location,
  // Frames as a browser has them: happy-dom's are as fast as they can be.
  requestAnimationFrame: (draw) => setTimeout(draw, 16),
  cancelAnimationFrame: clearTimeout,
});
const { createElement, StrictMode } = await import("react");
const { createRoot } = await import("react-dom/client");
const { useTelemetryStream } = await import("../dist/react.js");

const said = { client: { feed: "down", steps: [] }, hook: { feed: "down", steps: [] } };
function say(who, what) {
  Object.assign(said[who], what);
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

function Watcher() {
  const { records, feed, reason, connected, gaps, rewinds } = useTelemetryStream({
    sessionId: session,
    from: "start",
    url,
  });
  say("hook", {
    feed,
    reason,
    connected,
    gaps,
    rewinds,
    steps: records.map(({ step }) => step),
  });
  return null;
}

const root = createRoot(page.document.body);
root.render(createElement(StrictMode, null, createElement(Watcher)));

createInterface({ input: process.stdin }).on("line", async () => {
  const answer = await client
    .series(session, { metrics: ["phi"] })
    .catch((error) => ({ of: `${error}` }));
  process.stdout.write(`${JSON.stringify({ series: answer.of })}\n`);
});

const client = new TelemetryClient({ url });
client.on("status", ({ feed, reason, connected }) =>
  say("client", { feed, reason, connected }),
);
const counts = { gap: 0, rewind: 0 };
for await (const message of client.subscribe(session, { from: "start" })) {
  if (message.type in counts) counts[message.type] += 1;
  const { steps } = said.client;
  if (message.type === "rewind") steps.length = 0;
  if (message.type === "telemetry") steps.push(...message.data.map(({ step }) => step));
  say("client", { steps, gaps: counts.gap, rewinds: counts.rewind });
}

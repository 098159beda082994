// Three subscriptions of one client, and what each has received: a line of JSON at each
// change. "close" on stdin ends that to all sessions.
//
//   node share.mjs http://localhost:5000
import { createInterface } from "node:readline";
import { TelemetryClient } from "../dist/index.js";

const [url] = process.argv.slice(2);
const said = { sockets: 0, feed: "down", emergencies: {} };
const say = () => process.stdout.write(`${JSON.stringify(said)}\n`);

class Counted extends WebSocket {
  constructor(...what) {
    super(...what);
    said.sockets += 1;
  }
}

const client = new TelemetryClient({ url, WebSocket: Counted });
client.on("status", ({ feed }) => {
  said.feed = feed;
  say();
});

function follow(name, sessions) {
  said[name] = {};
  said.emergencies[name] = [];
  const subscription = client.subscribe(sessions);
  subscription.on("subscribed", () => {
    said[name].isSubscribed = true;
    say();
  });
  subscription.on("telemetry", ({ sessionId, data }) => {
    const steps = said[name][sessionId] ?? [];
    said[name][sessionId] = [...steps, ...data.map(({ step }) => step)];
    say();
  });
  subscription.on("emergency", ({ data }) => {
    said.emergencies[name].push(data.reason ?? data.emergency.reason);
    say();
  });
  return subscription;
}

const all = follow("all", null);
all.on("subscribed", () => {
  if (said.a) return;
  follow("a", "a");
  follow("b", "b");
});
createInterface({ input: process.stdin }).on("line", () => all.close());

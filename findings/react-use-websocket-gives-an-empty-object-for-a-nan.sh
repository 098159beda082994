#!/usr/bin/env bash
# react-use-websocket gives an empty object for a message that it cannot parse.
#
# `lastJsonMessage` of a record with a NaN, as Python's json writes it, is `{}`, not null and not
# the message before, and no error is thrown or handed to `onError`. A component that draws
# `lastJsonMessage.loss` at `lastJsonMessage.step` draws undefined at undefined, and a check for
# null passes. One would bet on an error, or on null as before the first message.
#
# Seen with react-use-websocket 4.13.0, React 19.3.1, ws 8.23.0 and happy-dom 21.0.4 on Node.js 20.
# What helps: parsing `lastMessage.data` oneself.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit \
    react-use-websocket@4.13.0 react@19.3.1 react-dom@19.3.1 ws@8.23.0 happy-dom@21.0.4

cat >program.mjs <<'PROGRAM'
import { Window } from "happy-dom";
import { WebSocket, WebSocketServer } from "ws";

const window = new Window({ url: "http://localhost/" });
window.WebSocket = WebSocket;
const { document, HTMLElement, Node, Event } = window;
Object.assign(globalThis, { window, document, HTMLElement, Node, Event, WebSocket });
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });

const { createElement, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const module = await import("react-use-websocket");
const useWebSocket = module.default.default ?? module.default;

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await new Promise((listening) => server.on("listening", listening));
server.on("connection", (socket) => {
  for (const line of ['{"step":1,"loss":0.5}', '{"step":2,"loss":NaN}', '{"step":3}']) socket.send(line);
});

function Run() {
  const url = `ws://127.0.0.1:${server.address().port}`;
  const onError = (event) => console.log("an error", event.type);
  const { lastMessage, lastJsonMessage } = useWebSocket(url, { onError });
  useEffect(() => {
    console.log(`${lastMessage?.data}: ${JSON.stringify(lastJsonMessage)}`);
    if (lastMessage?.data === '{"step":3}') process.exit();
  }, [lastMessage]);
  return null;
}

createRoot(document.createElement("div")).render(createElement(Run));
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
undefined: null
{"step":1,"loss":0.5}: {"step":1,"loss":0.5}
{"step":2,"loss":NaN}: {}
{"step":3}: {"step":3}
EXPECTED
echo "as stated"

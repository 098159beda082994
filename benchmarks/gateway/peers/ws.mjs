// What one writes first in Node: a Map of clients, a message made for each of them.
// node ws.mjs PORT SOCKET KEY

import { WebSocketServer } from "ws";
import { follow } from "./stream.mjs";

const [port, socketPath, key] = process.argv.slice(2);
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(port),
  backlog: 4096,
  perMessageDeflate: false,
});
const clients = new Map();
server.on("connection", (socket) => {
  clients.set(socket, { sessionId: "run" });
  socket.on("close", () => clients.delete(socket));
});
follow(socketPath, key, (records) => {
  for (const [, text] of records) {
    const data = [JSON.parse(text)];
    for (const [socket, { sessionId }] of clients) {
      socket.send(JSON.stringify({ type: "telemetry", sessionId, data }));
    }
  }
});

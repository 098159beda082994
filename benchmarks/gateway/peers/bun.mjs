// Bun's own server: every client is subscribed to one topic, each record published once.
// bun bun.mjs PORT SOCKET KEY

import { follow, message } from "./stream.mjs";

const [port, socketPath, key] = process.argv.slice(2);
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("?")),
  websocket: {
    perMessageDeflate: false,
    backpressureLimit: 64 * 1024 * 1024,
    open: (socket) => socket.subscribe("run"),
    message: () => {},
  },
});
follow(socketPath, key, (records) => {
  for (const [id, record] of records) server.publish("run", message(id, record));
});

// uWebSockets.js: every client is subscribed to one topic, each record is published once.
// node uws.mjs PORT SOCKET KEY

import { createRequire } from "node:module";
import { follow, message } from "./stream.mjs";

const require = createRequire(import.meta.url);

/** The newest build, or an older one where the C library is too old for that. */
function load() {
  try {
    return require("@btc-vision/uwebsockets.js");
  } catch {
    return require("@trufflesuite/uws-js-unofficial");
  }
}

const uWS = load();

const [port, socketPath, key] = process.argv.slice(2);
const app = uWS.App();
app.ws("/ws/telemetry", {
  compression: uWS.DISABLED,
  // What is beyond it would be dropped: nobody is to miss anything here.
  maxBackpressure: 64 * 1024 * 1024,
  idleTimeout: 120,
  open: (socket) => socket.subscribe("run"),
});
app.listen("127.0.0.1", Number(port), (listening) => {
  if (!listening) process.exit(1);
});
follow(socketPath, key, (records) => {
  for (const [id, record] of records) app.publish("run", message(id, record), false);
});

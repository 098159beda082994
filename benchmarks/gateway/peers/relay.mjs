// Redis to nchan: each record is posted to the channel's publisher, in order.
// node relay.mjs PORT SOCKET KEY

import http from "node:http";
import { follow, message } from "./stream.mjs";

const [port, socketPath, key] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function post(text) {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": Buffer.byteLength(text) };
    const options = { host: "127.0.0.1", port, path: "/publish", method: "POST" };
    const request = http.request({ ...options, agent, headers }, (response) => {
      response.resume().on("end", resolve);
    });
    request.on("error", reject);
    request.end(text);
  });
}

follow(socketPath, key, async (records) => {
  for (const [id, record] of records) await post(message(id, record));
});

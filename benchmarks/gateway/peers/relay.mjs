// Redis to nchan or to Centrifugo: each record is posted to its channel, in order.
// node relay.mjs PORT SOCKET KEY [centrifugo]

import http from "node:http";
import { follow, message } from "./stream.mjs";

const [port, socketPath, key, kind] = process.argv.slice(2);
const isCentrifugo = kind === "centrifugo";
const path = isCentrifugo ? "/api/publish" : "/publish";
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function post(message) {
  const text = isCentrifugo ? `{"channel":"run","data":${message}}` : message;
  return new Promise((resolve, reject) => {
    const headers = {
      "content-length": Buffer.byteLength(text),
      "content-type": "application/json",
    };
    const options = { host: "127.0.0.1", port, path, method: "POST" };
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

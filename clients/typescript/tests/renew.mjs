// A client whose tokens are short, and what it has of a session, a line of JSON at each change.
//
//   node renew.mjs http://localhost:5000 run SECRET
import { createHmac } from "node:crypto";
import { TelemetryClient } from "../dist/index.js";

const [url, session, secret] = process.argv.slice(2);
const LIFETIME_S = 40;
// Early in the time that is left, so that nobody waits for it.
Math.random = () => 0.05;

const said = { tokens: 0, sockets: 0, steps: [] };

const encoded = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");
async function token() {
  said.tokens += 1;
  const iat = Math.floor(Date.now() / 1_000);
  const claims = { sub: "ada", iat, exp: iat + LIFETIME_S, jti: `${said.tokens}` };
  const text = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

class Counted extends WebSocket {
  constructor(address) {
    super(address);
    said.sockets += 1;
  }
}

const client = new TelemetryClient({ url, token, WebSocket: Counted });
for await (const message of client.subscribe(session, { from: "start" })) {
  if (message.type !== "telemetry") continue;
  said.steps.push(...message.data.map(({ step }) => step));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}

// Prints each record of a session once, in order, whatever restarts in between.
// The same file serves browsers (index.html), Node >= 22 and Deno:
//
//   node follow.mjs ws://localhost:5000/ws/telemetry session_001
//   deno run --allow-net --allow-env=NO_PROXY,no_proxy follow.mjs \
//     ws://localhost:5000/ws/telemetry session_001

// Tailcast's own "do not come back"; every other code, or none, means: come back.
const STOP = [4400, 4401, 4409];

export function follow(url, session, show) {
  let cursor = null; // after the last record that was shown
  let failures = 0; // connections in a row that brought no message

  function connect() {
    const socket = new WebSocket(url);
    let told; // how many milliseconds the server wants us to stay away
    let silence; // ends a connection that brings nothing: browsers show no pings
    let isOver = false;

    function end(code) {
      if (isOver) return;
      isOver = true;
      clearTimeout(silence);
      socket.close();
      if (STOP.includes(code)) return console.error("told to stay away");
      console.error(`connection lost: ${code}`);
      setTimeout(connect, told ?? backoff(failures));
      failures += 1;
    }

    function listen() {
      clearTimeout(silence);
      silence = setTimeout(end, 60_000);
    }

    socket.onopen = () => {
      const from = cursor === null ? "start" : { cursor };
      socket.send(JSON.stringify({ type: "subscribe", sessionId: session, from }));
      socket.send(JSON.stringify({ type: "heartbeat", everyMs: 20_000 }));
    };
    socket.onmessage = ({ data }) => {
      if (isOver) return;
      const message = JSON.parse(data);
      failures = 0; // an open socket proves nothing, a message does
      listen();
      take(message);
      told = message.reconnectAfterMs ?? message.retryAfterMs ?? told;
      if (STOP.includes(message.close) || "retryAfterMs" in message) end(message.close);
    };
    // An error is followed by a close, whose code is 1006 or, in Deno, 0.
    socket.onclose = ({ code }) => end(code);
    listen();
  }

  function take(message) {
    const { type, data } = message;
    if (type === "gap" || type === "rewind") {
      // Some records are gone for good, or the file began anew: go on from there.
      console.error(JSON.stringify(message));
      cursor = message.to ?? message.cursor;
    } else if (type === "error") {
      console.error(JSON.stringify(message));
    } else if ((type === "telemetry" || type === "emergency") && message.cursor) {
      if (cursor !== null && !isAfter(message.cursor, cursor)) return; // a repetition
      cursor = message.cursor;
      (type === "telemetry" ? data : [data]).forEach(show);
    }
  }

  connect();
}

// What orders cursors are their first two numbers.
function isAfter(one, other) {
  const [generation, offset] = one.split("-").map(Number);
  const [otherGeneration, otherOffset] = other.split("-").map(Number);
  return generation > otherGeneration ||
    (generation === otherGeneration && offset > otherOffset);
}

// Milliseconds: at random, so that clients do not come together, and ever longer.
function backoff(failures) {
  const limit = Math.min(20_000, 1000 * 2 ** failures);
  return 500 + Math.random() * (limit - 500);
}

if (typeof document === "undefined") {
  const { argv, env } = globalThis.process;
  if ("Deno" in globalThis) {
    // It would ask a proxy of the environment even for this machine itself.
    env.NO_PROXY = `localhost,127.0.0.1,::1,${env.NO_PROXY ?? env.no_proxy ?? ""}`;
  }
  const [url, session] = argv.slice(2);
  follow(url, session, (record) => console.log(JSON.stringify(record)));
}

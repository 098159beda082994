// Prints each record of a session once, in order, whatever restarts in between.
// An EventSource comes back by itself, with the last event's ID, which is the cursor.
// In browsers it is built in (index.html); Node has it from the package `eventsource`:
//
//   npm install && node follow.mjs http://localhost:5000 session_001

// Tailcast's own "do not come back".
const STOP = [4400, 4401, 4409];

export function follow(EventSource, base, session, show) {
  let cursor = null; // after the last record that was shown
  let failures = 0; // sources in a row that brought no event

  function open() {
    const from = cursor === null ? "start" : `cursor:${cursor}`;
    const query = new URLSearchParams({ sessionId: session, from });
    const source = new EventSource(`${base}/sse/telemetry?${query}`);

    function on(type, take) {
      source.addEventListener(type, (event) => {
        if (!event.data) return; // the connection's own `error` event
        failures = 0;
        take(JSON.parse(event.data));
      });
    }

    on("telemetry", (message) => showNew(message, message.data));
    on("emergency", (message) => message.cursor && showNew(message, [message.data]));
    on("gap", (message) => (cursor = message.to)); // records that are gone for good
    on("rewind", (message) => (cursor = message.cursor)); // the file began anew
    on("error", (message) => {
      console.error(JSON.stringify(message));
      if (!STOP.includes(message.close)) return;
      source.close();
      console.error("told to stay away");
    });

    // It gives up after an answer that is no stream (a proxy's 502, say): begin again.
    source.onerror = ({ data }) => {
      if (data) return;
      console.error("connection lost");
      if (source.readyState !== 2) return;
      setTimeout(open, backoff(failures));
      failures += 1;
    };
  }

  function showNew(message, records) {
    if (cursor !== null && !isAfter(message.cursor, cursor)) return; // a repetition
    cursor = message.cursor;
    records.forEach(show);
  }

  open();
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
  const { EventSource } = await import("eventsource");
  const [base, session] = globalThis.process.argv.slice(2);
  follow(EventSource, base, session, (record) => console.log(JSON.stringify(record)));
}

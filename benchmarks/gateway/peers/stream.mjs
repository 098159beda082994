// The records of one Redis stream, as a plain client reads them: XREAD BLOCK, for ever.

import Redis from "ioredis";

/** Calls `take(records)` with what came, as strings, in order; waits for it. */
export async function follow(socketPath, key, take) {
  const redis = new Redis({ path: socketPath });
  let last = "$";
  for (;;) {
    const reply = await redis.xread(
      "COUNT", 1000, "BLOCK", 0, "STREAMS", key, last);
    const entries = reply[0][1];
    last = entries.at(-1)[0];
    const records = [];
    for (const [id, fields] of entries) {
      // Markers have no record.
      if (fields[0] === "r" && fields[1]) records.push([id, fields[1]]);
    }
    if (records.length) await take(records);
  }
}

/** The text of one message: the record as it is stored, spliced in. */
export function message(id, record) {
  return `{"type":"telemetry","sessionId":"run","data":[${record}],"cursor":"${id}"}`;
}

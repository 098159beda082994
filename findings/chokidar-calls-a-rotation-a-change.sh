#!/usr/bin/env bash
# chokidar tells a rotation as a change of the file.
#
# `run.jsonl` becomes `run.jsonl.1` and a new `run.jsonl` is made at once, as loggers do: no `unlink`
# and no `add` of `run.jsonl` is told, but a `change`, as for one more record. Only if the new file
# comes later than the tenth of a second that chokidar waits are there both. A follower that
# reads on from its offset at each `change` goes on in the middle of a record of the new file, or
# waits until that is as long as the old one, and whether it does depends on the logger's speed. One
# would bet on `unlink` and `add`, which name what has happened to the two files.
#
# Seen with chokidar 5.0.0 on Node.js 20. What helps: to compare the inode at each `change`
# (`alwaysStat: true`).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit chokidar@5.0.0

cat >program.mjs <<'PROGRAM'
import { appendFileSync, mkdtempSync, renameSync, statSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

import { watch } from "chokidar";

for (const pause of [0, 1000]) {
  const folder = mkdtempSync("logs-");
  writeFileSync(`${folder}/run.jsonl`, '{"step": 1}\n');
  const inode = statSync(`${folder}/run.jsonl`).ino;
  const told = [];
  const watcher = watch(folder, { alwaysStat: true, ignoreInitial: true });
  watcher.on("all", (event, path, stats) => {
    if (path.endsWith("run.jsonl")) told.push(event + (stats && stats.ino !== inode ? " (another inode)" : ""));
  });
  await once(watcher, "ready");
  await sleep(500);
  appendFileSync(`${folder}/run.jsonl`, '{"step": 2}\n');
  await sleep(1000);
  renameSync(`${folder}/run.jsonl`, `${folder}/run.jsonl.1`);
  await sleep(pause);
  writeFileSync(`${folder}/run.jsonl`, '{"step": 3}\n');
  await sleep(1500);
  await watcher.close();
  console.log(`${pause} ms between: ${[...new Set(told)].join(", ")}`);
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
0 ms between: change, change (another inode)
1000 ms between: change, unlink, add (another inode)
EXPECTED
echo "as stated"

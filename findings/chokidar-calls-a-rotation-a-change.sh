#!/usr/bin/env bash
# chokidar tells a rotation as a change of the file.
#
# `run.jsonl` becomes `run.jsonl.1` and a new `run.jsonl` is made: no `unlink` and no `add` of
# `run.jsonl`, but a `change`, as for one more record, and `atomic: false`, which is there to have
# such pairs told, alters nothing. Only if the new file comes some tenths of a second later are there an
# `unlink` and an `add`. A follower that reads on from its offset at each `change` goes on in the middle of a
# record of the new file, or waits until it is as long as the old one. One would bet on
# `unlink` and `add`, which are the events of the two files.
#
# Seen with chokidar 5.0.0 on Node.js 20. What helps: to compare the inode of each `change`
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

for (const atomic of [true, false]) {
  for (const pause of [0, 1000]) {
    const folder = mkdtempSync("logs-");
    writeFileSync(`${folder}/run.jsonl`, '{"step": 1}\n');
    const inode = statSync(`${folder}/run.jsonl`).ino;
    const told = [];
    const watcher = watch(folder, { atomic, alwaysStat: true, ignoreInitial: true });
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
    console.log(`atomic: ${atomic}, ${pause} ms between: ${[...new Set(told)].join(", ")}`);
  }
}
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
atomic: true, 0 ms between: change, change (another inode)
atomic: true, 1000 ms between: change, unlink, add (another inode)
atomic: false, 0 ms between: change, unlink, add (another inode)
atomic: false, 1000 ms between: change, unlink, add (another inode)
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# @parcel/watcher is deaf for good to a folder that was made together with the one above it.
#
# `mkdir -p runs/7` and a first file in it, as every run begins: on Linux the watcher tells that
# `runs` was created, watches that one, and does not look what is in it already. The file is not
# told, and neither is any append to it or any file that comes to `runs/7` later, without an error,
# while the rest of the tree is told well. Made with a pause between the two (here 300 ms) all are
# told, so that it shows with a program that makes folders and not by hand. One would bet on a
# recursive watcher to look into a new folder after it has begun to watch it, as chokidar does.
#
# Seen with @parcel/watcher 2.6.0 and chokidar 5.0.0 on Node.js 20 on Linux (inotify).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @parcel/watcher@2.6.0 chokidar@5.0.0

cat >program.mjs <<'PROGRAM'
import { once } from "node:events";
import { appendFileSync, mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import parcel from "@parcel/watcher";
import chokidar from "chokidar";

mkdirSync("tree");
const tree = realpathSync("tree");
const told = { parcel: new Set(), chokidar: new Set() };
const subscription = await parcel.subscribe(tree, (_, events) => {
  for (const { type, path } of events) told.parcel.add(`${type} ${relative(tree, path)}`);
});
const watcher = chokidar.watch(tree, { ignoreInitial: true });
watcher.on("all", (type, path) => told.chokidar.add(`${type} ${relative(tree, path)}`));
await once(watcher, "ready");

async function then(title, act) {
  await sleep(1000);
  for (const events of Object.values(told)) events.clear();
  await act();
  await sleep(1500);
  console.log(title);
  for (const [name, events] of Object.entries(told)) {
    console.log(`  ${name}:`, [...events].sort().join(", ") || "nothing");
  }
}

await then("two folders and a file at once", () => {
  mkdirSync(join(tree, "runs/7"), { recursive: true });
  writeFileSync(join(tree, "runs/7/a.jsonl"), "1\n");
});
await then("an append to it", () => appendFileSync(join(tree, "runs/7/a.jsonl"), "2\n"));
await then("a second file beside it", () => writeFileSync(join(tree, "runs/7/b.jsonl"), "1\n"));
await then("two folders and a file one after the other", async () => {
  mkdirSync(join(tree, "slow"));
  await sleep(300);
  mkdirSync(join(tree, "slow/7"));
  await sleep(300);
  writeFileSync(join(tree, "slow/7/a.jsonl"), "1\n");
});
await then("an append to it", () => appendFileSync(join(tree, "slow/7/a.jsonl"), "2\n"));

await watcher.close();
await subscription.unsubscribe();
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
two folders and a file at once
  parcel: create runs
  chokidar: add runs/7/a.jsonl, addDir runs, addDir runs/7
an append to it
  parcel: nothing
  chokidar: change runs/7/a.jsonl
a second file beside it
  parcel: nothing
  chokidar: add runs/7/b.jsonl
two folders and a file one after the other
  parcel: create slow, create slow/7, create slow/7/a.jsonl
  chokidar: add slow/7/a.jsonl, addDir slow, addDir slow/7
an append to it
  parcel: update slow/7/a.jsonl
  chokidar: change slow/7/a.jsonl
EXPECTED
echo "as stated"

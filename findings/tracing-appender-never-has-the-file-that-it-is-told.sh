#!/usr/bin/env bash
# tracing-appender never has a file of the name that it is given, and its days are those of UTC.
#
# `rolling::daily("logs", "run.jsonl")` writes to `logs/run.jsonl.2026-11-28` from the first
# record on: what elsewhere is the name of a file that was put aside is the live one, and a
# follower of `run.jsonl` waits for ever. The day is UTC's, whatever TZ says: fourteen hours east,
# the records of a morning are in the file of the day before. Without rotation alone the file has
# the name that was given. One would bet on `run.jsonl`, which is renamed at midnight.
#
# Seen with tracing-appender 0.2.3. What helps: to follow all files of the folder.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cargo init --quiet --name probe 2>/dev/null
cargo add --quiet tracing-appender@=0.2.3 2>/dev/null

cat >src/main.rs <<'PROGRAM'
use std::io::Write;
use tracing_appender::rolling;

fn main() {
    for (folder, mut file) in [
        ("daily", rolling::daily("daily", "run.jsonl")),
        ("never", rolling::never("never", "run.jsonl")),
    ] {
        file.write_all(b"{\"step\":1}\n").unwrap();
        for entry in std::fs::read_dir(folder).unwrap() {
            println!("{folder}: {}", entry.unwrap().file_name().to_string_lossy());
        }
    }
}
PROGRAM
cargo build --quiet
# The days of these two zones are never the same.
for zone in UTC-14 UTC+12; do
    rm -rf daily never
    before=$(date -u +%F)
    TZ=$zone ./target/debug/probe >told
    after=$(date -u +%F)
    sed "s/$before/THE-DAY-OF-UTC/; s/$after/THE-DAY-OF-UTC/; s/^/$zone /" told
done >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
UTC-14 daily: run.jsonl.THE-DAY-OF-UTC
UTC-14 never: run.jsonl
UTC+12 daily: run.jsonl.THE-DAY-OF-UTC
UTC+12 never: run.jsonl
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# simd-json gives the first of two equal keys in a short record, and the last in a long one.
#
# JSON permits a key twice, and some loggers write it so (pino, Rust's tracing). Up to 32
# entries an object of simd-json is a list, in which the first one is found, and it is written
# out with both; above, it is a hash map, in which the last one stays. So the value of a key
# hangs on how many other metrics the record has. serde_json gives the last, sonic-rs the
# first, at any length. One would bet on one rule for one library.
#
# Seen with simd-json 0.19.0, serde_json 1.0.154 and sonic-rs 0.5.10.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cargo init --quiet --name probe 2>/dev/null
cargo add --quiet serde_json@=1.0.154 simd-json@=0.19.0 sonic-rs@=0.5.10 2>/dev/null

cat >src/main.rs <<'PROGRAM'
use simd_json::prelude::*;

fn main() {
    for others in [0, 30, 31, 100] {
        let metrics: String = (0..others).map(|n| format!(r#""m{n}":0,"#)).collect();
        let line = format!(r#"{{"loss":1,{metrics}"loss":2}}"#);

        let mut bytes = line.clone().into_bytes();
        let simd = simd_json::to_owned_value(&mut bytes).unwrap();
        let written = simd_json::to_string(&simd).unwrap().matches("loss").count();
        let serde: serde_json::Value = serde_json::from_str(&line).unwrap();
        let sonic: sonic_rs::Value = sonic_rs::from_str(&line).unwrap();
        let sonic = sonic_rs::JsonValueTrait::as_u64(&sonic["loss"]).unwrap();
        println!(
            "{others} other keys: simd-json {} (written {written} times), serde_json {}, sonic-rs {sonic}",
            simd["loss"].as_u64().unwrap(),
            serde["loss"],
        );
    }
}
PROGRAM
cargo run --quiet >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
0 other keys: simd-json 1 (written 2 times), serde_json 2, sonic-rs 1
30 other keys: simd-json 1 (written 2 times), serde_json 2, sonic-rs 1
31 other keys: simd-json 2 (written 1 times), serde_json 2, sonic-rs 1
100 other keys: simd-json 2 (written 1 times), serde_json 2, sonic-rs 1
EXPECTED
echo "as stated"

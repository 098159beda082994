#!/usr/bin/env bash
# rmp-serde puts the learning rate under `loss`, where a loss is left out.
#
# `skip_serializing_if = "Option::is_none"` leaves out a field that has no value. `to_vec` writes a
# struct as an array, so that each field behind the one left out moves up by one place, and comes
# back under its neighbour's name: no error, since the array may be short. In JSON, and with
# `to_vec_named`, the same struct comes back as it was. One would bet on an array to have a nil at
# that place, or on an error for an array with a field too few.
#
# Seen with rmp-serde 1.3.1, serde 1.0.229 and serde_json 1.0.154.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cargo init --quiet --name probe 2>/dev/null
cargo add --quiet serde@=1.0.229 --features derive 2>/dev/null
cargo add --quiet rmp-serde@=1.3.1 serde_json@=1.0.154 2>/dev/null

cat >src/main.rs <<'PROGRAM'
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Debug)]
#[allow(dead_code)]
struct Record {
    step: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lr: Option<f64>,
}

fn main() {
    for loss in [Some(0.5), None] {
        let record = Record { step: 7, loss, lr: Some(0.0003) };
        println!("{record:?}");
        let json = serde_json::to_vec(&record).unwrap();
        println!("  JSON: {:?}", serde_json::from_slice::<Record>(&json).unwrap());
        let named = rmp_serde::to_vec_named(&record).unwrap();
        println!("  to_vec_named: {:?}", rmp_serde::from_slice::<Record>(&named).unwrap());
        let packed = rmp_serde::to_vec(&record).unwrap();
        println!("  to_vec: {:?}", rmp_serde::from_slice::<Record>(&packed).unwrap());
    }
}
PROGRAM
cargo run --quiet >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
Record { step: 7, loss: Some(0.5), lr: Some(0.0003) }
  JSON: Record { step: 7, loss: Some(0.5), lr: Some(0.0003) }
  to_vec_named: Record { step: 7, loss: Some(0.5), lr: Some(0.0003) }
  to_vec: Record { step: 7, loss: Some(0.5), lr: Some(0.0003) }
Record { step: 7, loss: None, lr: Some(0.0003) }
  JSON: Record { step: 7, loss: None, lr: Some(0.0003) }
  to_vec_named: Record { step: 7, loss: None, lr: Some(0.0003) }
  to_vec: Record { step: 7, loss: Some(0.0003), lr: None }
EXPECTED
echo "as stated"

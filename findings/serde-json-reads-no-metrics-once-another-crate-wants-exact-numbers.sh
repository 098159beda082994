#!/usr/bin/env bash
# serde_json: a crate elsewhere in the tree decides whether a record with metrics can be read.
#
# `#[serde(flatten)] metrics: BTreeMap<String, f64>`, `#[serde(untagged)]` and `#[serde(tag)]` read
# {"step":7,"loss":0.5} well. Once any crate of the build asks for serde_json's feature
# `arbitrary_precision` (here rust_decimal for its own numbers), the same code fails at the same
# line: "invalid type: map, expected f64", as features are one for all. A number is handed on as a
# map then, which the three do not know. Whole numbers still pass, so that it can take until the
# first fraction. One would bet on a feature to add something.
#
# Seen with serde_json 1.0.154, serde 1.0.229 and rust_decimal 1.39.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cargo init --quiet --name probe 2>/dev/null
cargo add --quiet serde@=1.0.229 --features derive 2>/dev/null
cargo add --quiet serde_json@=1.0.154 2>/dev/null

cat >src/main.rs <<'PROGRAM'
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize, Debug)]
#[allow(dead_code)]
struct Record {
    step: u64,
    #[serde(flatten)]
    metrics: BTreeMap<String, f64>,
}

#[derive(Deserialize, Debug)]
#[serde(untagged)]
#[allow(dead_code)]
enum Value {
    Number(f64),
    Text(String),
}

#[derive(Deserialize, Debug)]
#[serde(tag = "type")]
#[allow(dead_code)]
enum Message {
    Metric { loss: f64 },
}

fn main() {
    println!("{:?}", serde_json::from_str::<Record>(r#"{"step":7,"loss":1}"#));
    println!("{:?}", serde_json::from_str::<Record>(r#"{"step":7,"loss":0.5}"#));
    println!("{:?}", serde_json::from_str::<Vec<Value>>(r#"["x",0.5]"#));
    println!("{:?}", serde_json::from_str::<Message>(r#"{"type":"Metric","loss":0.5}"#));
}
PROGRAM
{
    echo "by itself"
    cargo run --quiet 2>errors
    echo "beside rust_decimal"
    cargo add --quiet rust_decimal@=1.39.0 --features serde-with-arbitrary-precision 2>/dev/null
    cargo run --quiet 2>errors
} >seen || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
by itself
Ok(Record { step: 7, metrics: {"loss": 1.0} })
Ok(Record { step: 7, metrics: {"loss": 0.5} })
Ok([Text("x"), Number(0.5)])
Ok(Metric { loss: 0.5 })
beside rust_decimal
Ok(Record { step: 7, metrics: {"loss": 1.0} })
Err(Error("invalid type: map, expected f64", line: 1, column: 21))
Err(Error("data did not match any variant of untagged enum Value", line: 1, column: 9))
Err(Error("invalid type: map, expected f64", line: 0, column: 0))
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# msgpackr makes a BigInt of the step 5, if its writer has the habit of eight bytes.
#
# MessagePack lets 5 be written in one byte or in nine (uint64, int64); Go's most used library
# writes each field of type int64 in nine. msgpackr goes by the bytes, not by the value: such
# a step is `5n`, to which nothing can be added, which equals no 5 and which JSON.stringify
# refuses. tiny-msgpack does so too; @msgpack/msgpack gives 5. One would bet on 5, and on a
# BigInt beyond 2^53 alone.
#
# Seen with msgpackr 2.1.3, tiny-msgpack 2.2.0, @msgpack/msgpack 3.1.3 on Node.js 20 and
# vmihailenco/msgpack v5.4.1 on Go 1.26. What helps: `int64AsType: "auto"`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/vmihailenco/msgpack/v5@v5.4.1 2>/dev/null
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit msgpackr@2.1.3 tiny-msgpack@2.2.0 @msgpack/msgpack@3.1.3

cat >main.go <<'PROGRAM'
package main

import (
	"os"

	"github.com/vmihailenco/msgpack/v5"
)

type record struct {
	Step int64   `msgpack:"step"`
	Loss float64 `msgpack:"loss"`
}

func main() {
	bytes, err := msgpack.Marshal(record{Step: 5, Loss: 0.5})
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(bytes)
}
PROGRAM

cat >program.js <<'PROGRAM'
const bytes = require("fs").readFileSync("record.bin");
const { Unpackr, unpack } = require("msgpackr");

const readers = {
  msgpackr: unpack,
  "tiny-msgpack": require("tiny-msgpack").decode,
  "@msgpack/msgpack": require("@msgpack/msgpack").decode,
  'msgpackr with "auto"': (data) => new Unpackr({ int64AsType: "auto", useRecords: false }).unpack(data),
};
for (const [name, read] of Object.entries(readers)) {
  const { step } = read(bytes);
  let next;
  try {
    next = JSON.stringify({ step: step + 1 });
  } catch (error) {
    next = error.name;
  }
  console.log(`${name}: ${typeof step}, step === 5: ${step === 5}, the next: ${next}`);
}
PROGRAM
{ go mod tidy 2>/dev/null; go run . >record.bin; node program.js; } >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
msgpackr: bigint, step === 5: false, the next: TypeError
tiny-msgpack: bigint, step === 5: false, the next: TypeError
@msgpack/msgpack: number, step === 5: true, the next: {"step":6}
msgpackr with "auto": number, step === 5: true, the next: {"step":6}
EXPECTED
echo "as stated"

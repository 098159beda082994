#!/usr/bin/env bash
# vmihailenco/msgpack gives the step 5 as int8, 200 as uint8, 300 as uint16 and 70000 as uint32.
#
# MessagePack writes an integer in as few bytes as it needs, and that is a matter of the wire. Read
# into a map, the width comes out as the Go type: `record["step"].(uint64)` is right in a test with
# an `uint64` that this library wrote itself, and is not ok, or panics, at nearly each step that
# another language wrote. Two records of one run with the same numbers, one of them written wider,
# do not compare as equal. One would bet on one type, or on `int64` and `uint64`, as tinylib/msgp
# has it.
#
# Seen with vmihailenco/msgpack v5.4.1 and tinylib/msgp v1.6.1 on Go 1.26. What helps:
# `UseLooseInterfaceDecoding(true)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/vmihailenco/msgpack/v5@v5.4.1 github.com/tinylib/msgp@v1.6.1 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"bytes"
	"fmt"

	"github.com/tinylib/msgp/msgp"
	"github.com/vmihailenco/msgpack/v5"
)

func main() {
	for _, step := range []uint64{5, 200, 300, 70000, 5_000_000_000} {
		// As Python's and JavaScript's libraries write it: in the fewest bytes.
		written := msgp.AppendUint64(msgp.AppendString(msgp.AppendMapHeader(nil, 1), "step"), step)

		var record map[string]any
		if err := msgpack.Unmarshal(written, &record); err != nil {
			panic(err)
		}
		decoder := msgpack.NewDecoder(bytes.NewReader(written))
		decoder.UseLooseInterfaceDecoding(true)
		loose, err := decoder.DecodeMap()
		if err != nil {
			panic(err)
		}
		other, _, err := msgp.ReadMapStrIntfBytes(written, nil)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%d: %T, loose %T, msgp %T\n", step, record["step"], loose["step"], other["step"])
	}
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
5: int8, loose int64, msgp int64
200: uint8, loose uint64, msgp uint64
300: uint16, loose uint64, msgp uint64
70000: uint32, loose uint64, msgp uint64
5000000000: uint64, loose uint64, msgp uint64
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# shamaton/msgpack cuts a number that does not fit its field, without an error.
#
# 300 read into an int8 is 44, 2^53 into an int32 is 0, a loss of 2.5 into an int64 is 2, and
# `Unmarshal` returns nil. But a float64 read into a float32, where 2.5 loses nothing at all,
# is an error. One would bet on an error for the first four, as encoding/json gives.
#
# Seen with github.com/shamaton/msgpack/v2 v2.4.0 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/shamaton/msgpack/v2@v2.4.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"

	"github.com/shamaton/msgpack/v2"
)

func read[T any](value any) {
	data, err := msgpack.Marshal(value)
	if err != nil {
		panic(err)
	}
	var field T
	err = msgpack.Unmarshal(data, &field)
	fmt.Printf("%v into %T: %v, an error: %v\n", value, field, field, err != nil)
}

func main() {
	read[int8](300)
	read[int32](int64(1) << 53)
	read[int64](2.5)
	read[uint64](-1)
	read[float32](2.5)
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
300 into int8: 44, an error: false
9007199254740992 into int32: 0, an error: false
2.5 into int64: 2, an error: false
-1 into uint64: 18446744073709551615, an error: false
2.5 into float32: 0, an error: true
EXPECTED
echo "as stated"

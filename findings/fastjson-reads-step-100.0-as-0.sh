#!/usr/bin/env bash
# valyala/fastjson reads the step 100.0, or 1e3, as 0.
#
# `GetInt("step")` gives 0 for what is no integer by its spelling, as it does for a key that is
# missing. Python, Lua and JavaScript's toFixed write whole numbers with a point,
# and a resumed run may have both spellings in one file: each record of that kind is step 0.
# `GetFloat64` reads the same key as 100. It takes NaN and 007, besides, which are no JSON. One
# would bet on 100, as gjson's `Int()` gives.
#
# Seen with github.com/valyala/fastjson v1.6.10 and gjson v1.20.2 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/valyala/fastjson@v1.6.10 github.com/tidwall/gjson@v1.20.2 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"

	"github.com/tidwall/gjson"
	"github.com/valyala/fastjson"
)

func main() {
	for _, line := range []string{`{"step":100}`, `{"step":100.0}`, `{"step":1e3}`, `{"step":007}`, `{}`} {
		record, err := fastjson.Parse(line)
		if err != nil {
			panic(err)
		}
		fmt.Println(line, "GetInt:", record.GetInt("step"), "GetFloat64:", record.GetFloat64("step"),
			"gjson:", gjson.Get(line, "step").Int())
	}
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"step":100} GetInt: 100 GetFloat64: 100 gjson: 100
{"step":100.0} GetInt: 0 GetFloat64: 100 gjson: 100
{"step":1e3} GetInt: 0 GetFloat64: 1000 gjson: 1000
{"step":007} GetInt: 7 GetFloat64: 7 gjson: 7
{} GetInt: 0 GetFloat64: 0 gjson: 0
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# json-iterator's "fastest" configuration writes a learning rate of 3e-7 as 0.
#
# `ConfigFastest` is told to keep six digits of a float. They are six places after the
# point, not six digits of the number: 0.0000123 is written as 0.000012 and everything below
# half a millionth as 0, while 123456.654321 keeps all twelve. Learning rates, weight decays
# and gradient norms live down there. One would bet on 3e-07, as `%.6g` gives.
#
# Seen with github.com/json-iterator/go v1.1.12 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/json-iterator/go@v1.1.12 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"

	jsoniter "github.com/json-iterator/go"
)

func main() {
	for _, rate := range []float64{123456.654321, 0.0000123, 6e-7, 3e-7, 1e-10} {
		text, err := jsoniter.ConfigFastest.MarshalToString(map[string]float64{"lr": rate})
		fmt.Printf("%%.6g %.6g -> %s %v\n", rate, text, err)
	}
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
%.6g 123457 -> {"lr":123456.654321} <nil>
%.6g 1.23e-05 -> {"lr":0.000012} <nil>
%.6g 6e-07 -> {"lr":0.000001} <nil>
%.6g 3e-07 -> {"lr":0} <nil>
%.6g 1e-10 -> {"lr":0} <nil>
EXPECTED
echo "as stated"

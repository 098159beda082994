#!/usr/bin/env bash
# zerolog writes a duration in nanoseconds or in milliseconds, by the method that took it.
#
# `Any("took", d)` and `Interface` write 1.5 s as 1500000000; `Dur` and `Fields(map)` write it as
# 1500. Both are a bare number under the same key, so that one file has step times that differ
# by a factor of a million. Likewise a time: `Any` keeps nanoseconds, `Time` and `Fields` cut it
# to the second. One would bet on one spelling for one value of one logger.
#
# Seen with github.com/rs/zerolog v1.35.1 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/rs/zerolog@v1.35.1 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"os"
	"time"

	"github.com/rs/zerolog"
)

func main() {
	logger := zerolog.New(os.Stdout)
	took := 1500 * time.Millisecond
	at := time.Date(2026, 1, 1, 10, 0, 0, 123456789, time.UTC)
	logger.Log().Any("took", took).Any("at", at).Msg("Any")
	logger.Log().Interface("took", took).Interface("at", at).Msg("Interface")
	logger.Log().Dur("took", took).Time("at", at).Msg("Dur, Time")
	logger.Log().Fields(map[string]any{"took": took, "at": at}).Msg("Fields")
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"took":1500000000,"at":"2026-01-01T10:00:00.123456789Z","message":"Any"}
{"took":1500000000,"at":"2026-01-01T10:00:00.123456789Z","message":"Interface"}
{"took":1500,"at":"2026-01-01T10:00:00Z","message":"Dur, Time"}
{"at":"2026-01-01T10:00:00Z","took":1500,"message":"Fields"}
EXPECTED
echo "as stated"

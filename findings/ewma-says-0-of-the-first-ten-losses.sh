#!/usr/bin/env bash
# VividCortex/ewma says that the mean of the first ten losses is 0, if its window is not 30.
#
# `NewMovingAverage()` gives a mean from the first value on. `NewMovingAverage(5)`, the same call
# with a window, gives another type: its `Value()` is 0 until it has seen eleven values, whatever
# they are. A loss that falls from 2 is drawn as a line at 0 that jumps up, and a run of ten epochs
# has the best mean there is from its first to its last. One would bet on NaN where nothing is known
# yet, and on two windows of one function to begin alike.
#
# Seen with github.com/VividCortex/ewma v1.2.0 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/VividCortex/ewma@v1.2.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"

	"github.com/VividCortex/ewma"
)

func main() {
	usual, five := ewma.NewMovingAverage(), ewma.NewMovingAverage(5)
	fmt.Printf("types: %T, %T\n", usual, five)
	for step := 1; step <= 12; step++ {
		loss := 2.0
		usual.Add(loss)
		five.Add(loss)
		if step == 1 || step >= 10 {
			fmt.Println("after", step, "losses of 2:", usual.Value(), five.Value())
		}
	}
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
types: *ewma.SimpleEWMA, *ewma.VariableEWMA
after 1 losses of 2: 2 0
after 10 losses of 2: 2 0
after 11 losses of 2: 2 2
after 12 losses of 2: 2 2
EXPECTED
echo "as stated"

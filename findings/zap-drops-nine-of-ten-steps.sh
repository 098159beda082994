#!/usr/bin/env bash
# zap's production logger writes 109 of 1000 steps that are logged within a second.
#
# `zap.NewProduction()` samples: of the records that have the same level and message it writes the
# first hundred of a second, and then each hundredth. The fields do not count, and so in a run's log the
# message is "step" each time and the step and its loss are what is dropped; nothing says how
# many. The same loop with the number in the message, or with `zap.NewDevelopment()`, loses none,
# and neither does one that is slower than a hundred steps a second. One would bet on
# all records of an enabled level, as slog and zerolog write them.
#
# Seen with go.uber.org/zap v1.28.0 and zerolog v1.35.1 on Go 1.26. What helps:
# `config.Sampling = nil`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get go.uber.org/zap@v1.28.0 github.com/rs/zerolog@v1.35.1 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"

	"github.com/rs/zerolog"
	"go.uber.org/zap"
)

const steps = 1000

func lines(name string) int {
	written, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return bytes.Count(written, []byte("\n"))
}

func byZap(name string, change func(*zap.Config), message func(int) string) int {
	config := zap.NewProductionConfig()
	config.OutputPaths = []string{name}
	change(&config)
	logger, err := config.Build()
	if err != nil {
		panic(err)
	}
	for step := range steps {
		logger.Info(message(step), zap.Int("step", step), zap.Float64("loss", 0.5))
	}
	logger.Sync()
	return lines(name)
}

func main() {
	same := func(int) string { return "step" }
	own := func(step int) string { return fmt.Sprint("step ", step) }
	asIs := func(*zap.Config) {}
	written := byZap("same", asIs, same)
	// A second may end in the middle, which begins another hundred.
	fmt.Println("zap, one message: fewer than a quarter:", written < steps/4)
	fmt.Println("zap, the number in the message:", byZap("own", asIs, own))
	fmt.Println("zap, Sampling = nil:", byZap("nil", func(config *zap.Config) { config.Sampling = nil }, same))

	var bySlog, byZerolog bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&bySlog, nil))
	zero := zerolog.New(&byZerolog)
	for step := range steps {
		logger.Info("step", "step", step, "loss", 0.5)
		zero.Info().Int("step", step).Float64("loss", 0.5).Msg("step")
	}
	fmt.Println("slog:", bytes.Count(bySlog.Bytes(), []byte("\n")))
	fmt.Println("zerolog:", bytes.Count(byZerolog.Bytes(), []byte("\n")))
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
zap, one message: fewer than a quarter: true
zap, the number in the message: 1000
zap, Sampling = nil: 1000
slog: 1000
zerolog: 1000
EXPECTED
echo "as stated"

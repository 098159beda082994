#!/usr/bin/env bash
# file-rotatelogs deletes runs that are older than a week, also those that it did not write.
#
# `rotatelogs.New("run-%Y%m%d.jsonl")` without an option keeps files for seven days. What it takes
# for its files is each that `run-*.jsonl` matches: with the first record of the day
# `run-best.jsonl`, which somebody put there eight days ago, is gone, without a word. WithMaxAge(-1),
# which is there to disable that, means the seven days again where it stands alone. One would bet
# on a rotation that deletes nothing until it is told to, and on names of its own.
#
# Seen with lestrrat-go/file-rotatelogs v2.4.0 on Go 1.26. What helps: an age of many years.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/lestrrat-go/file-rotatelogs@v2.4.0+incompatible 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	rotatelogs "github.com/lestrrat-go/file-rotatelogs"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func log(folder string, options ...rotatelogs.Option) {
	os.Mkdir(folder, 0o755)
	for name, days := range map[string]int{"run-best.jsonl": 8, "run-last.jsonl": 6} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("{\"step\":1}\n"), 0o644); err != nil {
			panic(err)
		}
		at := time.Now().AddDate(0, 0, -days)
		os.Chtimes(path, at, at)
	}
	file, err := rotatelogs.New(filepath.Join(folder, "run-%Y%m%d.jsonl"), options...)
	if err != nil {
		panic(err)
	}
	if _, err := file.Write([]byte("{\"step\":1}\n")); err != nil {
		panic(err)
	}
	// The old files are removed in a goroutine: some seconds are enough for it, none if it is kept.
	for end := time.Now().Add(3 * time.Second); exists(filepath.Join(folder, "run-best.jsonl")) && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	for _, name := range []string{"run-best.jsonl", "run-last.jsonl"} {
		fmt.Printf("%s: %s is there: %t\n", folder, name, exists(filepath.Join(folder, name)))
	}
}

func main() {
	log("plain")
	log("WithMaxAge(-1)", rotatelogs.WithMaxAge(-1))
	log("a hundred years", rotatelogs.WithMaxAge(100*365*24*time.Hour))
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
plain: run-best.jsonl is there: false
plain: run-last.jsonl is there: true
WithMaxAge(-1): run-best.jsonl is there: false
WithMaxAge(-1): run-last.jsonl is there: true
a hundred years: run-best.jsonl is there: true
a hundred years: run-last.jsonl is there: true
EXPECTED
echo "as stated"

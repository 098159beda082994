#!/usr/bin/env bash
# nxadm/tail does not notice that a file was replaced by a rename while it follows it.
#
# `Config{Follow: true, ReOpen: true}` is meant for files that are replaced under their
# name. With inotify, its default, the library waits for the old file to be deleted; but as
# long as it holds that file open itself the kernel does not say so. An atomic save (write
# a temporary file, rename it over the old one) is therefore never noticed: neither the
# new content nor anything appended later comes, and there is no error. With `Poll: true`
# all of it comes at once.
#
# Seen with github.com/nxadm/tail v1.4.11 on Go 1.26, Linux.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/nxadm/tail@v1.4.11 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nxadm/tail"
)

func lines(follower *tail.Tail, count int) string {
	var got []string
	for len(got) < count {
		select {
		case line := <-follower.Lines:
			got = append(got, line.Text)
		case <-time.After(4 * time.Second):
			return strings.Join(append(got, "nothing in 4 s"), " ")
		}
	}
	return strings.Join(got, " ")
}

func main() {
	for _, poll := range []bool{false, true} {
		name := fmt.Sprintf("%v.jsonl", poll)
		os.WriteFile(name, []byte("1\n2\n"), 0o644)
		config := tail.Config{Follow: true, ReOpen: true, Poll: poll, Logger: tail.DiscardingLogger}
		follower, err := tail.TailFile(name, config)
		if err != nil {
			panic(err)
		}
		before := lines(follower, 2)
		time.Sleep(time.Second) // It is waiting for news by now.
		os.WriteFile("temporary", []byte("1\n2\n3\n"), 0o644)
		os.Rename("temporary", name)
		renamed := lines(follower, 3)
		file, _ := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
		file.WriteString("4\n")
		fmt.Printf("Poll %v: %s | after the rename: %s | after an append: %s\n", poll, before, renamed, lines(follower, 1))
	}
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
Poll false: 1 2 | after the rename: nothing in 4 s | after an append: nothing in 4 s
Poll true: 1 2 | after the rename: 1 2 3 | after an append: 4
EXPECTED
echo "as stated"

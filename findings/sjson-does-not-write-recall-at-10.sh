#!/usr/bin/env bash
# sjson does not write a new key that has an `@`, and says that it has.
#
# `sjson.Set(line, "recall@10", 0.5)` gives the line back as it was and a nil error. The
# names of metrics have an `@` often ("recall@10", "top@5"), and sometimes `#`, `*`, `?`
# or `|`. A key that is in the line already is overwritten (except with `|`), so that a
# test with an example record passes and the first record of a run stays without the
# metric. One would bet on an error. What helps: a backslash before such a character.
#
# Seen with github.com/tidwall/sjson v1.2.9 and gjson v1.20.2 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/tidwall/sjson@v1.2.9 github.com/tidwall/gjson@v1.20.2 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"strings"

	"github.com/tidwall/sjson"
)

func main() {
	for _, name := range []string{"loss", "recall@10", "#params", "acc*", "lr?", "loss|val"} {
		created, err := sjson.Set(`{"step":1}`, name, 0.5)
		fmt.Printf("%s: new: %s %v\n", name, created, err)
		replaced, err := sjson.Set(`{"`+name+`":0.1}`, name, 0.5)
		fmt.Printf("%s: there already: %s %v\n", name, replaced, err)
	}
	escaped, err := sjson.Set(`{"step":1}`, strings.ReplaceAll("recall@10", "@", `\@`), 0.5)
	fmt.Println("with a backslash:", escaped, err)
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
loss: new: {"step":1,"loss":0.5} <nil>
loss: there already: {"loss":0.5} <nil>
recall@10: new: {"step":1} <nil>
recall@10: there already: {"recall@10":0.5} <nil>
#params: new: {"step":1} <nil>
#params: there already: {"#params":0.5} <nil>
acc*: new: {"step":1} <nil>
acc*: there already: {"acc*":0.5} <nil>
lr?: new: {"step":1} <nil>
lr?: there already: {"lr?":0.5} <nil>
loss|val: new: {"step":1} <nil>
loss|val: there already: {"loss|val":0.1} <nil>
with a backslash: {"step":1,"recall@10":0.5} <nil>
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# Grok's NUMBER reads a learning rate of 3e-05 as 3.
#
# The pattern `%{NUMBER}`, with which Logstash and its likes take numbers out of lines of text,
# knows no exponent and need not end where the number ends: of "lr=3e-05" it is content with the 3,
# in silence, and of 1.5E-4 with 1.5. Python, C and Go write small learning rates and losses like
# that by default, so that a curve is right down to 0.0001 and then jumps up by orders of magnitude.
# One would bet on an exponent to be part of a number, as even `scanf` has it, or on no match. A
# pattern with something behind the number that is not there ("lr=%{NUMBER:lr} loss=") does not
# match at all.
#
# Seen with pygrok 1.0.0, vjeantet/grok v1.0.1 and elastic/go-grok v0.3.1 on Go 1.26. What helps:
# `(?<lr>%{NUMBER}(?:[eE][-+]?\d+)?)`, and something that must stand behind it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check setuptools==80.9.0 pygrok==1.0.0
go mod init probe 2>/dev/null
go get github.com/vjeantet/grok@v1.0.1 github.com/elastic/go-grok@v0.3.1 2>/dev/null

cat >program.py <<'PROGRAM'
from pygrok import Grok

for line in "step=7 lr=0.0001", "step=8 lr=3e-05", "step=9 lr=1.5E-4":
    print("pygrok:", line, "->", Grok("lr=%{NUMBER:lr:float}").match(line)["lr"])
line = "step=8 lr=3e-05 loss=0.5"
print("pygrok:", line, "->", Grok("lr=%{NUMBER:lr:float} loss=").match(line))
PROGRAM

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"

	elastic "github.com/elastic/go-grok"
	"github.com/vjeantet/grok"
)

func main() {
	for _, line := range []string{"step=7 lr=0.0001", "step=8 lr=3e-05", "step=9 lr=1.5E-4"} {
		first, err := grok.NewWithConfig(&grok.Config{NamedCapturesOnly: true})
		if err != nil {
			panic(err)
		}
		values, err := first.Parse("lr=%{NUMBER:lr}", line)
		fmt.Println("vjeantet/grok:", line, "->", values["lr"], err)

		second := elastic.New()
		if err := second.Compile("lr=%{NUMBER:lr}", true); err != nil {
			panic(err)
		}
		values, err = second.ParseString(line)
		fmt.Println("elastic/go-grok:", line, "->", values["lr"], err)
	}
}
PROGRAM
go mod tidy 2>/dev/null
{ venv/bin/python program.py && go run .; } >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
pygrok: step=7 lr=0.0001 -> 0.0001
pygrok: step=8 lr=3e-05 -> 3.0
pygrok: step=9 lr=1.5E-4 -> 1.5
pygrok: step=8 lr=3e-05 loss=0.5 -> None
vjeantet/grok: step=7 lr=0.0001 -> 0.0001 <nil>
elastic/go-grok: step=7 lr=0.0001 -> 0.0001 <nil>
vjeantet/grok: step=8 lr=3e-05 -> 3 <nil>
elastic/go-grok: step=8 lr=3e-05 -> 3 <nil>
vjeantet/grok: step=9 lr=1.5E-4 -> 1.5 <nil>
elastic/go-grok: step=9 lr=1.5E-4 -> 1.5 <nil>
EXPECTED
echo "as stated"

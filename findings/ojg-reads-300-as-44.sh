#!/usr/bin/env bash
# ojg reads a number that does not fit its field as another number, without an error.
#
# `oj.Unmarshal` is called as encoding/json's is. That refuses a number that its field cannot hold;
# ojg cuts it to the field: 300 is 44 in a uint8, -1 is 255, 3,000,000,000 is -1,294,967,296 in an
# int32, and 1.5 is 1 in an int64. gojay refuses what is too large and cuts a fraction too. So a
# metric that grew, or a step that another logger counts in fractions of an epoch, arrives as a
# number that nobody wrote. One would bet on the error.
#
# Seen with github.com/ohler55/ojg v1.28.5 and github.com/francoispqt/gojay v1.2.13 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/ohler55/ojg@v1.28.5 github.com/francoispqt/gojay@v1.2.13 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"encoding/json"
	"fmt"

	"github.com/francoispqt/gojay"
	"github.com/ohler55/ojg/oj"
)

type Record struct {
	Rank  uint8
	Epoch int32
	Step  int64
}

func (r *Record) UnmarshalJSONObject(decoder *gojay.Decoder, key string) error {
	switch key {
	case "Rank":
		return decoder.Uint8(&r.Rank)
	case "Epoch":
		return decoder.Int32(&r.Epoch)
	}
	return decoder.Int64(&r.Step)
}

func (r *Record) NKeys() int { return 0 }

func show(name string, record Record, err error) {
	if err != nil {
		fmt.Printf("  %s: an error\n", name)
	} else {
		fmt.Printf("  %s: %+v\n", name, record)
	}
}

func main() {
	for _, text := range []string{
		`{"Rank": 300}`, `{"Rank": -1}`, `{"Epoch": 3000000000}`, `{"Step": 1.5}`,
	} {
		fmt.Println(text)
		var ofStandard, ofOjg, ofGojay Record
		err := json.Unmarshal([]byte(text), &ofStandard)
		show("encoding/json", ofStandard, err)
		err = oj.Unmarshal([]byte(text), &ofOjg)
		show("ojg", ofOjg, err)
		err = gojay.UnmarshalJSONObject([]byte(text), &ofGojay)
		show("gojay", ofGojay, err)
	}
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"Rank": 300}
  encoding/json: an error
  ojg: {Rank:44 Epoch:0 Step:0}
  gojay: an error
{"Rank": -1}
  encoding/json: an error
  ojg: {Rank:255 Epoch:0 Step:0}
  gojay: an error
{"Epoch": 3000000000}
  encoding/json: an error
  ojg: {Rank:0 Epoch:-1294967296 Step:0}
  gojay: an error
{"Step": 1.5}
  encoding/json: an error
  ojg: {Rank:0 Epoch:0 Step:1}
  gojay: {Rank:0 Epoch:0 Step:1}
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# goccy/go-yaml reads the learning rate that it wrote itself, 1e-05, as a text.
#
# A float without a point before its exponent is a number by YAML 1.2's core schema and by yaml.v3;
# goccy/go-yaml, which follows 1.2 and has `0o17` for 15, reads `1e-05` into `any` as a text, as
# PyYAML does by the rules of 1.1. Its own writer spells the float 0.00001 so: what went out
# as a float64 comes back as a string, and 0.001 does not. A field of type float64 is read aright, so
# that it shows in maps of settings and metrics alone. One would bet on what went in.
#
# Seen with github.com/goccy/go-yaml v1.19.2 and gopkg.in/yaml.v3 v3.0.1 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/goccy/go-yaml@v1.19.2 gopkg.in/yaml.v3@v3.0.1 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"
	"strings"

	goccy "github.com/goccy/go-yaml"
	v3 "gopkg.in/yaml.v3"
)

func show(name string, marshal func(any) ([]byte, error), unmarshal func([]byte, any) error) {
	for _, rate := range []float64{0.001, 0.00001, 3e-7, 1e21} {
		written, err := marshal(map[string]any{"lr": rate})
		if err != nil {
			panic(err)
		}
		var settings map[string]any
		var typed struct{ LR float64 `yaml:"lr"` }
		if err = unmarshal(written, &settings); err == nil {
			err = unmarshal(written, &typed)
		}
		text := strings.TrimSpace(string(written))
		fmt.Printf("%s: %q is %T in a map, %v in a float64, error %v\n", name, text, settings["lr"], typed.LR, err)
	}
}

func main() {
	show("goccy", func(value any) ([]byte, error) { return goccy.Marshal(value) },
		func(data []byte, into any) error { return goccy.Unmarshal(data, into) })
	show("yaml.v3", v3.Marshal, v3.Unmarshal)
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
goccy: "lr: 0.001" is float64 in a map, 0.001 in a float64, error <nil>
goccy: "lr: 1e-05" is string in a map, 1e-05 in a float64, error <nil>
goccy: "lr: 3e-07" is string in a map, 3e-07 in a float64, error <nil>
goccy: "lr: 1e+21" is string in a map, 1e+21 in a float64, error <nil>
yaml.v3: "lr: 0.001" is float64 in a map, 0.001 in a float64, error <nil>
yaml.v3: "lr: 1e-05" is float64 in a map, 1e-05 in a float64, error <nil>
yaml.v3: "lr: 3e-07" is float64 in a map, 3e-07 in a float64, error <nil>
yaml.v3: "lr: 1e+21" is float64 in a map, 1e+21 in a float64, error <nil>
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# Three MessagePack libraries of Go read a large `uint64` into a float as a negative number.
#
# A counter of bytes or a hash of 2^63 or more is valid as `uint64`. Decoded into a float64
# field 2^64 - 1 becomes -1 and 2^63 becomes -9.2e18: the number goes through an int64 on
# its way. No error is given, and a float64 has room for the right one (to 53 bits). Read
# into an `any` it is right. One would bet on 1.8446744073709552e19, which a fourth gives.
#
# Seen with vmihailenco/msgpack v5.4.1, hashicorp/go-msgpack v2.1.5, ugorji/go codec v1.3.2
# and, right, shamaton/msgpack v2.4.0, on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/vmihailenco/msgpack/v5@v5.4.1 github.com/hashicorp/go-msgpack/v2/codec@v2.1.5 \
    github.com/ugorji/go/codec@v1.3.2 github.com/shamaton/msgpack/v2@v2.4.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"fmt"

	hashicorp "github.com/hashicorp/go-msgpack/v2/codec"
	shamaton "github.com/shamaton/msgpack/v2"
	ugorji "github.com/ugorji/go/codec"
	vmihailenco "github.com/vmihailenco/msgpack/v5"
)

func main() {
	numbers := [][]byte{
		{0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, // 2^63 - 1
		{0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0},                      // 2^63
		{0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, // 2^64 - 1
	}
	libraries := []struct {
		name   string
		decode func([]byte, any) error
	}{
		{"vmihailenco", func(data []byte, into any) error { return vmihailenco.Unmarshal(data, into) }},
		{"hashicorp", func(data []byte, into any) error {
			return hashicorp.NewDecoderBytes(data, &hashicorp.MsgpackHandle{}).Decode(into)
		}},
		{"ugorji", func(data []byte, into any) error {
			return ugorji.NewDecoderBytes(data, &ugorji.MsgpackHandle{}).Decode(into)
		}},
		{"shamaton", func(data []byte, into any) error { return shamaton.Unmarshal(data, into) }},
	}
	for _, library := range libraries {
		for _, number := range numbers {
			var value float64
			var anything any
			err := library.decode(number, &value)
			if err == nil {
				err = library.decode(number, &anything)
			}
			fmt.Printf("%s: any %v, float64 %v, error %v\n", library.name, anything, value, err)
		}
	}
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
vmihailenco: any 9223372036854775807, float64 9.223372036854776e+18, error <nil>
vmihailenco: any 9223372036854775808, float64 -9.223372036854776e+18, error <nil>
vmihailenco: any 18446744073709551615, float64 -1, error <nil>
hashicorp: any 9223372036854775807, float64 9.223372036854776e+18, error <nil>
hashicorp: any 9223372036854775808, float64 -9.223372036854776e+18, error <nil>
hashicorp: any 18446744073709551615, float64 -1, error <nil>
ugorji: any 9223372036854775807, float64 9.223372036854776e+18, error <nil>
ugorji: any 9223372036854775808, float64 -9.223372036854776e+18, error <nil>
ugorji: any 18446744073709551615, float64 -1, error <nil>
shamaton: any 9223372036854775807, float64 9.223372036854776e+18, error <nil>
shamaton: any 9223372036854775808, float64 9.223372036854776e+18, error <nil>
shamaton: any 18446744073709551615, float64 1.8446744073709552e+19, error <nil>
EXPECTED
echo "as stated"

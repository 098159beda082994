#!/usr/bin/env bash
# go-redis makes "for ever" of a block time below a millisecond.
#
# `Block` of `XRead` is a time.Duration; what is sent is its whole milliseconds, and 0 means
# for ever to the server. So 999 microseconds, what is left of a time budget for instance,
# or a field that was forgotten, block until a record comes; to ask without waiting takes a
# negative Block. One would bet on rounding up to one.
#
# Seen with go-redis v9.23.0, against miniredis v2.40.0, on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/redis/go-redis/v9@v9.23.0 github.com/alicebob/miniredis/v2@v2.40.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func main() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	for _, block := range []time.Duration{-1, time.Millisecond, 999 * time.Microsecond, 0} {
		command := redis.NewXStreamSliceCmd(context.Background())
		returned := make(chan struct{})
		go func() {
			command = client.XRead(context.Background(), &redis.XReadArgs{Streams: []string{"run", "$"}, Block: block})
			close(returned)
		}()
		select {
		case <-returned:
			fmt.Println(block, "sends", command.Args()[1], "and returns:", command.Err())
		case <-time.After(3 * time.Second):
			server.XAdd("run", "*", []string{"step", "1"})
			<-returned
			fmt.Println(block, "sends", command.Args()[1:3], "and blocks until a record comes")
		}
	}
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
-1ns sends streams and returns: redis: nil
1ms sends block and returns: redis: nil
999µs sends [block 0] and blocks until a record comes
0s sends [block 0] and blocks until a record comes
EXPECTED
echo "as stated"

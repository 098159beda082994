#!/usr/bin/env bash
# go-redis: a blocking read does not end with its context.
#
# `XRead(ctx, ...)` with a BLOCK of two seconds and a context of 0.2 s returns after two seconds,
# with the error of an empty answer; so does a context that is cancelled. With `Block: 0` (also
# what a forgotten field means: for ever) it returns when a record comes, if one comes: a
# program that ends by cancelling its context does not end. rueidis returns at the deadline.
# One would bet on that from a method that takes a context.
#
# Seen with go-redis v9.23.0 and rueidis v1.0.79, against miniredis v2.40.0, on Go 1.26. What
# helps for deadlines: `ContextTimeoutEnabled`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/redis/go-redis/v9@v9.23.0 github.com/redis/rueidis@v1.0.79 \
    github.com/alicebob/miniredis/v2@v2.40.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/rueidis"
)

const (
	patience = 200 * time.Millisecond
	block    = 2 * time.Second
)

func told(name string, read func(context.Context) error, begin func() (context.Context, context.CancelFunc)) {
	ctx, cancel := begin()
	defer cancel()
	started := time.Now()
	err := read(ctx)
	_, reason, isOfSocket := strings.Cut(err.Error(), "->") // its ports differ each time
	if isOfSocket {
		_, reason, _ = strings.Cut(reason, ": ")
	} else {
		reason = err.Error()
	}
	fmt.Printf("%s: %s; before the block was over: %v\n", name, reason, time.Since(started) < block)
}

func main() {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	deadline := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), patience)
	}
	cancelled := func() (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(patience, cancel)
		return ctx, cancel
	}
	for _, enabled := range []bool{false, true} {
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: enabled})
		read := func(ctx context.Context) error {
			return client.XRead(ctx, &redis.XReadArgs{Streams: []string{"run", "$"}, Block: block}).Err()
		}
		fmt.Println("go-redis, ContextTimeoutEnabled:", enabled)
		told("  deadline", read, deadline)
		told("  cancelled", read, cancelled)
	}
	other, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.Addr()}, DisableCache: true})
	if err != nil {
		panic(err)
	}
	read := func(ctx context.Context) error {
		command := other.B().Xread().Block(block.Milliseconds()).Streams().Key("run").Id("$").Build()
		return other.Do(ctx, command).Error()
	}
	fmt.Println("rueidis")
	told("  deadline", read, deadline)
	told("  cancelled", read, cancelled)
}
PROGRAM
go mod tidy 2>/dev/null; go run . >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
go-redis, ContextTimeoutEnabled: false
  deadline: redis: nil; before the block was over: false
  cancelled: redis: nil; before the block was over: false
go-redis, ContextTimeoutEnabled: true
  deadline: i/o timeout; before the block was over: true
  cancelled: redis: nil; before the block was over: false
rueidis
  deadline: context deadline exceeded; before the block was over: true
  cancelled: context canceled; before the block was over: true
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# gws answers each ping with an empty pong, and a close with 1000 whatever its code was.
#
# RFC 6455, section 5.5.3: a pong "must have identical application data as found in the
# message body of the ping". With the default handler the payload `7` comes back as nothing, so
# that a server that numbers its pings, to know what has been received, learns nothing.
# What helps: an own OnPing that writes the payload back.
#
# Seen with github.com/lxzan/gws v1.8.9 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/lxzan/gws@v1.8.9 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/lxzan/gws"
)

// A close frame with code 1012 ("service restart") and a reason.
var restart = append([]byte{0x88, 10, 0x03, 0xf4}, "draining"...)

// serve accepts one WebSocket by hand, so that each byte that it sends is ours.
func serve(talk func(net.Conn, *bufio.Reader)) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		connection, _ := listener.Accept()
		reader := bufio.NewReader(connection)
		request, _ := http.ReadRequest(reader)
		sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
		fmt.Fprintf(connection, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
		talk(connection, reader)
		connection.Close()
	}()
	return "ws://" + listener.Addr().String()
}

// heard reads one short frame of the client: its opcode and its payload, unmasked.
func heard(reader io.Reader) (byte, []byte) {
	head := make([]byte, 6)
	if _, err := io.ReadFull(reader, head); err != nil {
		return 0, nil
	}
	payload := make([]byte, head[1]&0x7f)
	io.ReadFull(reader, payload)
	for i := range payload {
		payload[i] ^= head[2+i%4]
	}
	return head[0] & 0x0f, payload
}

func main() {
	said := make(chan string, 2)
	url := serve(func(connection net.Conn, reader *bufio.Reader) {
		connection.Write([]byte{0x89, 1, '7'})
		opcode, payload := heard(reader)
		said <- fmt.Sprintf("ping \"7\" was answered by opcode %d, payload %q", opcode, payload)
		connection.Write(restart)
		opcode, payload = heard(reader)
		said <- fmt.Sprintf("close 1012 was answered by opcode %d, code %d", opcode, binary.BigEndian.Uint16(payload))
	})
	client, _, err := gws.NewClient(new(gws.BuiltinEventHandler), &gws.ClientOption{Addr: url})
	if err != nil {
		panic(err)
	}
	go client.ReadLoop()
	fmt.Println(<-said)
	fmt.Println(<-said)
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
ping "7" was answered by opcode 10, payload ""
close 1012 was answered by opcode 8, code 1000
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# gobwas/ws takes the close codes 1012, 1013 and 1014 for a violation of the protocol.
#
# They stand in the registry of close codes ("service restart", "try again later", "bad
# gateway") and are what servers send at a restart. The reader gives the error "status code
# is not defined in spec", which bears no code, and answers the server with 1002. Private
# codes (4008) come through as ClosedError with code and reason. One would bet on a code
# that IANA lists to be as good as one that it does not.
#
# Seen with github.com/gobwas/ws v1.5.0 on Go 1.26.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
go mod init probe 2>/dev/null
go get github.com/gobwas/ws@v1.5.0 2>/dev/null

cat >main.go <<'PROGRAM'
package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)


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

func main() {
	for _, code := range []uint16{1011, 1012, 1013, 1014, 4008} {
		// The close waits for a byte of the client: what comes together with the
		// handshake's answer would be in another reader than the connection.
		url := serve(func(connection net.Conn, reader *bufio.Reader) {
			reader.ReadByte()
			frame := binary.BigEndian.AppendUint16([]byte{0x88, 5}, code)
			connection.Write(append(frame, "bye"...))
			io.Copy(io.Discard, reader)
		})
		connection, _, _, err := ws.Dial(context.Background(), url)
		if err != nil {
			panic(err)
		}
		wsutil.WriteClientText(connection, []byte("ready"))
		_, _, err = wsutil.ReadServerData(connection)
		fmt.Printf("%d -> %T %v\n", code, err, err)
		connection.Close()
	}
}
PROGRAM
go mod tidy 2>/dev/null
go run . >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
1011 -> wsutil.ClosedError ws closed: 1011 bye
1012 -> ws.ProtocolError status code is not defined in spec
1013 -> ws.ProtocolError status code is not defined in spec
1014 -> ws.ProtocolError status code is not defined in spec
4008 -> wsutil.ClosedError ws closed: 4008 bye
EXPECTED
echo "as stated"

// A hook as components had one before there was a client. All that it knows of the protocol
// is `subscribe`; whatever ends its connection, it tries again after three seconds.
import { useEffect, useState } from "react";

const query = new URLSearchParams(location.search).get("query") ?? "";

export function useTelemetryStream(sessionId) {
  const [records, setRecords] = useState([]);
  const [connected, setConnected] = useState(false);
  const [emergency, setEmergency] = useState(null);

  useEffect(() => {
    let socket;
    let timer;
    const connect = () => {
      socket = new WebSocket(`ws://${location.host}/ws/telemetry${query}`);
      socket.onopen = () => {
        setConnected(true);
        socket.send(JSON.stringify({ type: "subscribe", sessionId }));
      };
      socket.onmessage = (event) => {
        const message = JSON.parse(event.data);
        if (message.type === "telemetry") setRecords((all) => [...all, ...message.data]);
        if (message.type === "emergency") setEmergency(message.data);
      };
      socket.onclose = () => {
        setConnected(false);
        timer = setTimeout(connect, 3000);
      };
    };
    connect();
    return () => {
      clearTimeout(timer);
      socket.onclose = null;
      socket.close();
    };
  }, [sessionId]);

  return { records, connected, emergency };
}

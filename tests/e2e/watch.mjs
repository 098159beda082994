// A client that is not ours: Node's own WebSocket and JSON.parse. Prints each frame that
// it parsed; ends when as many records came as it was told to expect.
const [url, expected] = [process.argv[2], Number(process.argv[3])];
const socket = new WebSocket(url);
let count = 0;
socket.onopen = () => socket.send(JSON.stringify({ type: "subscribe", from: "start" }));
socket.onmessage = (event) => {
  const message = JSON.parse(event.data);
  console.log(JSON.stringify(message));
  if (message.type === "telemetry") count += message.data.length;
  if (message.type === "emergency") count += 1;
  if (count >= expected) socket.close();
};
socket.onerror = () => process.exit(1);

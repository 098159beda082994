import { CartesianGrid, Legend, Line, LineChart, Tooltip, XAxis, YAxis } from "recharts";
import { useTelemetryStream } from "tailcast/react";

export function TelemetryDashboard({ sessionId }) {
  const { records, connected, emergency } = useTelemetryStream(sessionId);

  const data = records.map((r) => ({
    step: r.step,
    phi: r.telemetry.phi,
    kappa: r.telemetry.kappa_eff,
  }));

  return (
    <div>
      <h2>
        <span style={{ color: connected ? "green" : "red" }}>●</span> Training telemetry
      </h2>

      {emergency && (
        <div role="alert" style={{ border: "2px solid red", padding: "1rem" }}>
          <strong>Emergency:</strong> {emergency.emergency.reason}
        </div>
      )}

      <LineChart width={800} height={400} data={data}>
        <CartesianGrid strokeDasharray="3 3" />
        <XAxis dataKey="step" />
        <YAxis yAxisId="left" />
        <YAxis yAxisId="right" orientation="right" />
        <Tooltip />
        <Legend />
        <Line yAxisId="left" dataKey="phi" stroke="#8884d8" dot={false} isAnimationActive={false} />
        <Line yAxisId="right" dataKey="kappa" stroke="#82ca9d" dot={false} isAnimationActive={false} />
      </LineChart>

      {records.length > 0 && (
        <dl>
          <dt>Φ</dt>
          <dd>{records[records.length - 1].telemetry.phi.toFixed(3)}</dd>
          <dt>κ</dt>
          <dd>{records[records.length - 1].telemetry.kappa_eff.toFixed(2)}</dd>
          <dt>Regime</dt>
          <dd>{records[records.length - 1].telemetry.regime}</dd>
        </dl>
      )}
    </div>
  );
}

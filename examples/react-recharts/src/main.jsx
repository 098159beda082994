import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { TelemetryDashboard } from "./TelemetryDashboard.jsx";

const sessionId = new URLSearchParams(location.search).get("session") ?? undefined;

createRoot(document.getElementById("root")).render(
  <StrictMode>
    <TelemetryDashboard sessionId={sessionId} />
  </StrictMode>,
);

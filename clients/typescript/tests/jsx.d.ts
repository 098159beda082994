declare module "*.jsx" {
  import type { ComponentType } from "react";
  export const TelemetryDashboard: ComponentType<{ sessionId?: string }>;
}

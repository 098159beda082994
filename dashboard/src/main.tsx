// The page.

import { createRoot } from "react-dom/client";
import { Boundary } from "./views/boundary.js";
import { Shell } from "./views/shell.js";
import "uplot/dist/uPlot.min.css";
import "./style.css";

createRoot(document.getElementById("root")!).render(
  <Boundary>
    <Shell />
  </Boundary>,
);

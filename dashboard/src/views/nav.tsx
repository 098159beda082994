// Where one goes on a phone: a bar at the foot of the page.

import { HOME, leadTo, type View } from "../core/address.js";
import { foremost } from "../core/order.js";
import { emergencies, muted, unseen } from "../feed/emergencies.js";
import { view } from "../feed/place.js";
import { listed } from "../feed/sessions.js";
import { useValue, Value } from "../feed/value.js";
import { Link } from "./link.js";
import "./nav.css";

/** The view of a run that was looked at last. */
const lastRun = new Value<View | null>(null);
const remember = () => {
  const now = view.get();
  if (now.session !== null) lastRun.set(now);
};
remember();
view.listen(remember);

export function Nav() {
  const now = useValue(view);
  const before = useValue(lastRun);
  const { sessions } = useValue(listed);
  const open = unseen(useValue(emergencies.held).all, useValue(muted)).length;
  const isRun = now.session !== null && now.show === null;
  const first = before === null ? foremost(sessions.values()) : undefined;
  const run = before ?? (first === undefined ? null : { ...HOME, session: first });
  return (
    <nav className="nav" aria-label="Views">
      <Link to={leadTo(null)} aria-current={here(now.session === null && now.show === null)}>
        Sessions
      </Link>
      {run ? (
        <Link to={isRun ? now : { ...run, show: null }} aria-current={here(isRun)}>
          Run
        </Link>
      ) : (
        <span className="quiet">Run</span>
      )}
      <Link to={{ ...leadTo(null), show: "alerts" }} aria-current={here(now.show === "alerts")}>
        Alerts
        {open > 0 && <span className="alarm"> {open}</span>}
      </Link>
    </nav>
  );
}

function here(isHere: boolean): "page" | undefined {
  return isHere ? "page" : undefined;
}

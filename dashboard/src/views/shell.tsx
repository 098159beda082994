// What stands around every view: emergencies, the head with the feed's state, and the view
// itself.

import { Suspense, useEffect } from "react";
import { leadTo } from "../core/address.js";
import { feedOf } from "../core/truth.js";
import { watchEmergencies } from "../feed/emergencies.js";
import { watchOverview } from "../feed/overview.js";
import { ignored, view } from "../feed/place.js";
import { isSignedOut, status } from "../feed/server.js";
import { sessionList } from "../feed/sessions.js";
import { useValue, when } from "../feed/value.js";
import { Boundary, Failures } from "./boundary.js";
import { Banner } from "./emergencies.js";
import { Feed, Troubles } from "./feed.js";
import { Keys } from "./keys.js";
import { later, loadWhenUsed } from "./later.js";
import { Link } from "./link.js";
import { WhereItIs } from "./missing.js";
import { Nav } from "./nav.js";
import { Summary } from "./summary.js";

const Alerts = later(async () => (await import("./alerts.js")).Alerts);
const Compare = later(async () => (await import("./compare.js")).Compare);
const Files = later(async () => (await import("./files.js")).Files);
const Run = later(async () => (await import("./run.js")).Run);
const Sessions = later(async () => (await import("./sessions.js")).Sessions);

export function Shell() {
  const { session, show } = useValue(view);
  const { feed } = useValue(status);
  const signedOut = useValue(isSignedOut);
  const nonsense = useValue(ignored);
  const hasList = session === null && show === null;
  // To subscribe to thousands of sessions takes a while: the list is seen before that.
  useEffect(
    () => (hasList ? when(sessionList.hasBegun, watchEmergencies) : watchEmergencies()),
    [],
  );
  useEffect(watchOverview, []);
  useEffect(loadWhenUsed, []);
  return (
    <div className="shell" data-feed={feedOf(feed, signedOut)}>
      <Keys />
      <Banner />
      <header className="head">
        <Link className="brand" to={leadTo(null)}>
          Tailcast
        </Link>
        <Troubles />
        <Feed />
      </header>
      <Summary />
      <Failures />
      {nonsense.length > 0 && (
        <p className="note" role="status">
          Not understood: {nonsense.join(", ")}.
        </p>
      )}
      <main>
        <Boundary key={`${show} ${session}`}>
          <Suspense fallback={null}>
            <Looked />
          </Suspense>
        </Boundary>
      </main>
      <Nav />
    </div>
  );
}

function Looked() {
  const { session, compare, show } = useValue(view);
  if (show === "alerts") return <Alerts />;
  if (show === "files") return <Files />;
  if (session === null) {
    return (
      <>
        <h1 className="unseen">Sessions</h1>
        <Sessions />
      </>
    );
  }
  if (compare.length > 0) return <Compare sessions={[...new Set([session, ...compare])]} />;
  return (
    <WhereItIs session={session}>
      <Run key={session} session={session} />
    </WhereItIs>
  );
}

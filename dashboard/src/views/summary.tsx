// What is so, in a sentence, for those who hear the page: now and then, and only if it has
// changed.

import { useEffect, useState } from "react";
import { counted } from "../core/order.js";
import { emergencies, muted, unseen } from "../feed/emergencies.js";
import { isSignedOut, status, wasFresh } from "../feed/server.js";
import { listed } from "../feed/sessions.js";
import { useValue } from "../feed/value.js";

const EVERY_MS = 10_000;
const FEEDS = {
  fresh: "Live",
  stale: "Stale: what is written now may not have come",
  down: "No connection",
} as const;

export function Summary() {
  const { feed, retryAt, stopped } = useValue(status);
  const hadFresh = useValue(wasFresh);
  const isTrying = feed === "down" && retryAt === null && !stopped;
  const signedOut = useValue(isSignedOut);
  const { sessions, isWhole } = useValue(listed);
  const open = unseen(useValue(emergencies.held).all, useValue(muted)).length;
  const { running, stalled, ended } = counted(sessions);
  const sentence = [
    signedOut ? "Signed out" : FEEDS[feed],
    isWhole && `${running} running, ${stalled} stalled, ${ended} ended`,
    open > 0 && `${open} emergencies that nobody has seen`,
  ]
    .filter(Boolean)
    .join(". ");
  // That there is no connection yet is no news.
  const said = useCalm(isTrying && !hadFresh && !signedOut ? "" : sentence);
  return (
    <p className="unseen" aria-live="polite">
      {said && `${said}.`}
    </p>
  );
}

/** The newest of what is told, at most every ten seconds. */
function useCalm(now: string): string {
  const [said, setSaid] = useState({ text: now, at: 0 });
  useEffect(() => {
    if (now === said.text) return;
    const wait = Math.max(0, said.at + EVERY_MS - Date.now());
    const timer = setTimeout(() => setSaid({ text: now, at: Date.now() }), wait);
    return () => clearTimeout(timer);
  }, [now, said]);
  return said.text;
}

// The feed in the head of the page: live and how late, or what is wrong, for how long, and
// what becomes of it.

import { tellFeed, tellIndex } from "../core/truth.js";
import { causeOf, overview } from "../feed/overview.js";
import {
  client,
  indexLag,
  isSignedOut,
  lag,
  second,
  serverNow,
  signedInUntil,
  status,
  unwellMs,
  wasFresh,
} from "../feed/server.js";
import { useValue } from "../feed/value.js";
import { Link } from "./link.js";
import "./feed.css";

const MARKS = { live: "●", stale: "◐", down: "○", unauthorised: "○" } as const;

export function Feed() {
  useValue(second);
  const now = useValue(status);
  const until = useValue(signedInUntil);
  const told = tellFeed({
    status: now,
    lagMs: useValue(lag),
    unwellMs: unwellMs(),
    cause: useValue(overview) && now.connected ? causeOf(overview.get()) : "",
    wasFresh: useValue(wasFresh),
    isSignedOut: useValue(isSignedOut),
    signedInMs: until === null ? null : until - serverNow(),
    now: Date.now(),
  });
  const { feed, word, figure, text, wait, mayRetry, signIn } = told;
  const isLong = feed !== "live" && text !== "";
  return (
    <span className={`feed feed-${feed} ${isLong ? "feed-long" : ""}`}>
      <span role="status">
        <span aria-hidden="true">{MARKS[feed]}</span> <span className="word">{word}</span>
        {figure && (
          <span className="figures" aria-hidden="true">
            {feed === "live" ? " · " : " "}
            {figure}
          </span>
        )}
        {text && (feed === "live" ? <span className="behind"> {text}</span> : `: ${text}`)}
        {wait && <span aria-hidden="true"> The next try is {wait}.</span>}
      </span>
      {signIn && (
        <span className="sign-in">
          {" "}
          {signIn} <a href={`login#view=${encodeURIComponent(location.search)}`}>Sign in</a>
        </span>
      )}
      {mayRetry && (
        <button type="button" onClick={() => client.reconnect()}>
          try now
        </button>
      )}
    </span>
  );
}

/** What else is wrong, beside the feed: a link to all of it. */
export function Troubles() {
  const { feed } = useValue(status);
  const index = tellIndex(useValue(indexLag));
  const now = useValue(overview);
  const count = now?.problems.length ?? 0;
  const words =
    count > 0 ? `${count}${now?.more ? "+" : ""} ${count > 1 ? "problems" : "problem"}` : "";
  const isLate = index !== "" && feed === "fresh";
  return (
    <Link className={`troubles ${isLate ? "feed-stale" : ""}`} to={{ show: "files" }}>
      {isLate && (
        <span className={words ? "late" : undefined}>
          {index}
          {words && " · "}
        </span>
      )}
      {words || (!isLate && "files")}
    </Link>
  );
}

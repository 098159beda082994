// What is wrong and what mends it; and what became of each file below what is watched.

import { useEffect, useState } from "react";
import type { Body } from "tailcast";
import { leadTo } from "../core/address.js";
import { grouped } from "../core/figures.js";
import { overview, type Problem } from "../feed/overview.js";
import { client } from "../feed/server.js";
import { useValue } from "../feed/value.js";
import { Link } from "./link.js";
import "./feed.css";

type Sources = Body<"/api/sources">;
type State = Sources["data"][number]["state"];
const PAGE = 100;
const STATES: readonly [State, string][] = [
  ["followed", "followed"],
  ["waiting", "waiting"],
  ["refused", "refused"],
  ["left_out", "left out"],
];

export function Files() {
  const now = useValue(overview);
  return (
    <section className="files">
      <h1>Status and files</h1>
      <Problems
        problems={now?.problems ?? []}
        hasMore={now?.more ?? false}
        isKnown={now !== null}
      />
      <Watched />
      <Paths />
      {now && (
        <p className="quiet">
          Tailcast {now.version}, served by {now.replica}
          {now.indexers &&
            `, indexed by ${now.indexers.map(({ name }) => name).join(", ") || "nobody"}`}
          .
        </p>
      )}
    </section>
  );
}

interface Told {
  problems: readonly Problem[];
  hasMore: boolean;
  isKnown: boolean;
}

function Problems({ problems, hasMore, isKnown }: Told) {
  if (!isKnown) return <p>Asking what is wrong…</p>;
  if (problems.length === 0) return <p>Nothing is wrong that the server knows of.</p>;
  return (
    <>
      <ProblemList problems={problems} />
      {hasMore && <p className="quiet">There are others.</p>}
    </>
  );
}

/** Problems, each with what mends it. */
export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  return (
    <ul>
      {problems.map(({ kind, about, reason, mend }) => (
        <li key={`${kind} ${about} ${reason}`} data-problem={kind}>
          {about !== undefined && (
            <>
              <bdi>{about}</bdi>:{" "}
            </>
          )}
          {reason}
          {mend !== undefined && <span className="quiet"> · {mend}</span>}
        </li>
      ))}
    </ul>
  );
}

/** What each tailer was told to watch. */
export function Watched() {
  const tailers = useValue(overview)?.tailers;
  if (!tailers) return null;
  return tailers.map(({ name, roots }) =>
    roots.map(({ path, patterns, files }) => (
      <p key={`${name} ${path}`}>
        Watching <bdi>{path}</bdi> for{" "}
        {patterns.length > 0 ? patterns.join(", ") : "files of records"}{" "}
        <span className="quiet">({grouped(files)} there)</span>
      </p>
    )),
  );
}

function Paths() {
  const [state, setState] = useState<State | null>(null);
  const [afters, setAfters] = useState<readonly string[]>([]);
  const [page, setPage] = useState<Sources | string | null>(null);
  const after = afters.at(-1);
  const version = useValue(overview);
  useEffect(() => {
    let isOver = false;
    client
      .get("/api/sources", {
        limit: PAGE,
        ...(state === null ? {} : { state: [state] }),
        ...(after === undefined ? {} : { after }),
      })
      .then(
        (body) => isOver || setPage(body),
        (error) => isOver || setPage(String(error.message)),
      );
    return () => {
      isOver = true;
    };
  }, [state, after, version]);
  if (page === null) return <p>Asking…</p>;
  if (typeof page === "string") return <p role="status">Files cannot be had now: {page}</p>;
  const choose = (chosen: State | null) => {
    setState(chosen);
    setAfters([]);
  };
  return (
    <>
      <h2>Files</h2>
      <p className="paste">
        <button type="button" aria-pressed={state === null} onClick={() => choose(null)}>
          all
        </button>
        {STATES.map(([one, words]) => (
          <button
            key={one}
            type="button"
            aria-pressed={state === one}
            onClick={() => choose(one)}
          >
            {words} {grouped(page.counts[one])}
          </button>
        ))}
      </p>
      {page.reason && (
        <p>
          {page.reason}
          {page.mend && <span className="quiet"> · {page.mend}</span>}
        </p>
      )}
      <ul>
        {page.data.map(({ path, state: is, reason, mend, sessionId, tailer }) => (
          <li key={`${tailer} ${path}`} data-source={is}>
            <bdi>{path}</bdi> · {STATES.find(([one]) => one === is)?.[1]}
            {reason && ` · ${reason}`}
            {mend && <span className="quiet"> · {mend}</span>}
            {sessionId !== undefined && (
              <>
                {" · "}
                <Link to={leadTo(sessionId)}>
                  <bdi>{sessionId}</bdi>
                </Link>
              </>
            )}
          </li>
        ))}
      </ul>
      <p className="paste">
        {afters.length > 0 && (
          <button type="button" onClick={() => setAfters(afters.slice(0, -1))}>
            ‹ before
          </button>
        )}
        {page.more && page.cursor !== null && (
          <button type="button" onClick={() => setAfters([...afters, page.cursor as string])}>
            after ›
          </button>
        )}
      </p>
    </>
  );
}

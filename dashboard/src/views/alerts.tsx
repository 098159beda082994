// All emergencies: by session, severity and time, with who has seen them; the rules that are
// muted; and whether the desktop is told.

import { useEffect, useState } from "react";
import type { Query } from "tailcast";
import { type Emergency, isTold, ofListed, ruleOf } from "../core/emergencies.js";
import {
  emergencies,
  mute,
  muted,
  notifies,
  setNotifies,
  unmute,
  unseen,
  who,
  whyNoNotifications,
} from "../feed/emergencies.js";
import { client, serverNow } from "../feed/server.js";
import { useValue } from "../feed/value.js";
import { Acknowledge, goTo, Words } from "./emergencies.js";
import "./emergencies.css";

const PAGE = 50;
const HOUR_MS = 3_600_000;
const PERIODS: readonly [string, number | null][] = [
  ["any time", null],
  ["the last hour", HOUR_MS],
  ["the last day", 24 * HOUR_MS],
  ["the last week", 7 * 24 * HOUR_MS],
];
/** What is typed is asked for when the typing has paused. */
const PAUSE_MS = 250;

interface Asked {
  readonly session: string;
  readonly severity: string;
  readonly period: number | null;
  readonly isOpen: boolean;
}

interface Answer {
  readonly list: readonly Emergency[];
  readonly next: string | null;
  readonly error: string;
}

export function Alerts() {
  const [asked, setAsked] = useState<Asked>({
    session: "",
    severity: "",
    period: null,
    isOpen: false,
  });
  // Where the pages before this one began; the first begins nowhere.
  const [befores, setBefores] = useState<readonly (string | null)[]>([null]);
  const after = befores.at(-1) ?? null;
  const held = useValue(emergencies.held);
  const [answer, setAnswer] = useState<Answer | null>(null);
  // A page that was turned stays as it is; the first has what comes.
  const version = after === null ? held : null;
  useEffect(() => {
    let isOver = false;
    const timer = setTimeout(async () => {
      const found = await ask(asked, after);
      if (!isOver) setAnswer(found);
    }, PAUSE_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [asked, after, version]);
  const change = (what: Partial<Asked>) => {
    setAsked({ ...asked, ...what });
    setBefores([null]);
  };
  return (
    <section className="alerts">
      <h1>Emergencies</h1>
      <Filters asked={asked} change={change} />
      {held.behind > 0 && (
        <p className="seen">
          No indexer has read all of {held.behind} sessions: their latest emergencies are not
          among these yet.
        </p>
      )}
      {answer === null ? <p>Asking…</p> : <List answer={answer} />}
      <p className="actions">
        {befores.length > 1 && (
          <button type="button" onClick={() => setBefores(befores.slice(0, -1))}>
            ‹ newer
          </button>
        )}
        {answer?.next && (
          <button type="button" onClick={() => setBefores([...befores, answer.next])}>
            older ›
          </button>
        )}
      </p>
      <Muted />
      <Notifying />
    </section>
  );
}

function Filters({ asked, change }: { asked: Asked; change: (what: Partial<Asked>) => void }) {
  return (
    <form className="filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        Session{" "}
        <input
          type="search"
          value={asked.session}
          placeholder="part of a name"
          onInput={(event) => change({ session: event.currentTarget.value })}
        />
      </label>
      <label>
        Severity{" "}
        <input
          value={asked.severity}
          placeholder="any"
          size={10}
          onInput={(event) => change({ severity: event.currentTarget.value })}
        />
      </label>
      <label>
        Of{" "}
        <select
          value={String(asked.period)}
          onChange={(event) => {
            const { value } = event.currentTarget;
            change({ period: value === "null" ? null : Number(value) });
          }}
        >
          {PERIODS.map(([name, ms]) => (
            <option key={name} value={String(ms)}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={asked.isOpen}
          onChange={(event) => change({ isOpen: event.currentTarget.checked })}
        />{" "}
        that nobody has seen
      </label>
    </form>
  );
}

function List({ answer: { list, error } }: { answer: Answer }) {
  const { all } = useValue(emergencies.held);
  const rules = useValue(muted);
  const name = useValue(who);
  const [failed, setFailed] = useState("");
  const newest = new Map(all.map((one) => [one.id, one]));
  const shown = list.map((one) => newest.get(one.id) ?? one);
  const open = unseen(shown, rules);
  if (error !== "") return <p role="status">They cannot be had now: {error}</p>;
  if (list.length === 0) return <p>None.</p>;
  const seeAll = async () => {
    try {
      await emergencies.acknowledge(
        open.map(({ id }) => id),
        name,
      );
      setFailed("");
    } catch (failure) {
      setFailed(String(failure));
    }
  };
  return (
    <>
      <ol>
        {shown.map((one) => (
          <Row key={one.id} emergency={one} isMuted={rules.includes(ruleOf(one))} />
        ))}
      </ol>
      {open.length > 1 && name !== "" && (
        <button type="button" onClick={seeAll}>
          Acknowledge these {open.length} as {name}
        </button>
      )}
      {failed !== "" && <p role="status">Not all are acknowledged: {failed}</p>}
    </>
  );
}

function Row({ emergency, isMuted }: { emergency: Emergency; isMuted: boolean }) {
  const [isAsking, setAsking] = useState(false);
  const { id, session, acknowledged } = emergency;
  const isOpen = acknowledged === null && !isMuted;
  return (
    <li className={isOpen ? "is-open" : undefined}>
      <Words emergency={emergency} />
      {acknowledged && (
        <p className="words seen">
          Seen by <bdi>{acknowledged.who}</bdi>, {new Date(acknowledged.at).toLocaleString()}
          {acknowledged.note && (
            <>
              : <bdi>{acknowledged.note}</bdi>
            </>
          )}
        </p>
      )}
      {isAsking ? (
        <Acknowledge emergency={emergency} done={() => setAsking(false)} />
      ) : (
        <div className="actions">
          {session !== null && (
            <button type="button" onClick={() => goTo(emergency)}>
              go to {emergency.step === null ? "session" : "step"}
            </button>
          )}
          {acknowledged === null ? (
            <button type="button" onClick={() => setAsking(true)}>
              acknowledge
            </button>
          ) : (
            <button type="button" onClick={() => void emergencies.acknowledge([id], null)}>
              nobody has after all
            </button>
          )}
          {acknowledged === null &&
            (isMuted ? (
              <span className="seen">its rule is muted</span>
            ) : (
              isTold(emergency) && (
                <button type="button" onClick={() => mute(ruleOf(emergency))}>
                  mute rule
                </button>
              )
            ))}
        </div>
      )}
    </li>
  );
}

function Muted() {
  const rules = useValue(muted);
  if (rules.length === 0) return null;
  return (
    <details open>
      <summary>Muted in this browser ({rules.length})</summary>
      <ol>
        {rules.map((rule) => (
          <li key={rule}>
            <bdi>{rule || "(emergencies that say nothing)"}</bdi>{" "}
            <button type="button" onClick={() => unmute(rule)}>
              unmute
            </button>
          </li>
        ))}
      </ol>
    </details>
  );
}

function Notifying() {
  const isOn = useValue(notifies);
  const why = whyNoNotifications();
  return (
    <p>
      <label>
        <input
          type="checkbox"
          checked={isOn && why === null}
          disabled={why !== null}
          onChange={(event) => void setNotifies(event.currentTarget.checked)}
        />{" "}
        Tell my desktop of emergencies while this page is not seen
      </label>
      {why !== null && <span className="seen"> {why}</span>}
    </p>
  );
}

async function ask(asked: Asked, after: string | null): Promise<Answer> {
  const { session, severity, period, isOpen } = asked;
  const query: Query<"/api/emergencies"> = { limit: PAGE };
  if (after !== null) query.after = after;
  if (session !== "") query.sessionId = [`*${session}*`];
  if (severity !== "") query.severity = [severity];
  if (period !== null) query.since = String(Math.round(serverNow() - period));
  if (isOpen) query.acknowledged = false;
  try {
    const page = await client.emergencies(query);
    return { list: page.data.map(ofListed), next: page.more ? page.cursor : null, error: "" };
  } catch (failure) {
    return { list: [], next: null, error: failure instanceof Error ? failure.message : "" };
  }
}

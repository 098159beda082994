// The newest emergency that nobody has seen, above everything: what it says, where it was,
// and what can be done about it.

import { type FormEvent, useEffect, useRef, useState } from "react";
import { leadTo } from "../core/address.js";
import {
  type Emergency,
  isTold,
  line,
  ruleOf,
  spread,
  whose,
  wordsOf,
} from "../core/emergencies.js";
import { duration, figure } from "../core/figures.js";
import { emergencies, mute, muted, unseen, who } from "../feed/emergencies.js";
import { go } from "../feed/place.js";
import { client, second, serverNow } from "../feed/server.js";
import { useValue } from "../feed/value.js";
import { useKeys } from "./keys.js";
import { Link } from "./link.js";
import "./emergencies.css";

const MOST_COUNTED = 99;

export function Banner() {
  const { all, hasMore } = useValue(emergencies.held);
  const rules = useValue(muted);
  const open = unseen(all, rules);
  const count = open.length > MOST_COUNTED ? `${MOST_COUNTED}+` : String(open.length);
  useEffect(() => {
    document.title = open.length > 0 ? `(${count}) Tailcast` : "Tailcast";
  }, [count, open.length]);
  const newest = open[0];
  if (!newest) return null;
  const known = `${all.length}${hasMore ? "+" : ""}`;
  return <Alarm key={newest.id} emergency={newest} more={open.length - 1} known={known} />;
}

function Alarm(props: { emergency: Emergency; more: number; known: string }) {
  const { emergency, more, known } = props;
  const [isAsking, setAsking] = useState(false);
  const bar = useRef<HTMLElement>(null);
  useEffect(() => tellHeight(bar.current!), []);
  const { session } = emergency;
  const rule = ruleOf(emergency);
  useKeys("Emergency", [
    ...(session === null
      ? []
      : [{ keys: ["e"], does: "Go to the emergency", run: () => goTo(emergency) }]),
    { keys: ["a"], does: "Acknowledge the emergency", run: () => setAsking(true) },
    ...(isTold(emergency)
      ? [{ keys: ["m"], does: `Mute “${rule}”`, run: () => mute(rule) }]
      : []),
  ]);
  return (
    <section className="banner" aria-label="Emergency" ref={bar}>
      <Words emergency={emergency} role="alert" />
      {isAsking ? (
        <Acknowledge emergency={emergency} done={() => setAsking(false)} />
      ) : (
        <div className="actions">
          {session !== null && (
            <button type="button" onClick={() => goTo(emergency)}>
              <kbd>e</kbd> go to {emergency.step === null ? "session" : "step"}
            </button>
          )}
          <button type="button" onClick={() => setAsking(true)}>
            <kbd>a</kbd> acknowledge
          </button>
          {isTold(emergency) && (
            <button type="button" onClick={() => mute(rule)} title={rule}>
              <kbd>m</kbd> mute rule
            </button>
          )}
          <Link className="others" to={{ show: "alerts" }}>
            {more > 0 && `${more} more · `}history ({known})
          </Link>
        </div>
      )}
    </section>
  );
}

/** Let style sheets know how much of the page is above what scrolls. */
function tellHeight(bar: HTMLElement): () => void {
  const { style } = document.documentElement;
  const sizes = new ResizeObserver(() => {
    style.setProperty("--alarm", `${bar.offsetHeight}px`);
  });
  sizes.observe(bar);
  return () => {
    sizes.disconnect();
    style.removeProperty("--alarm");
  };
}

/** An emergency in one line, with its age; `role="alert"` has it read out once. */
export function Words({ emergency, role }: { emergency: Emergency; role?: "alert" }) {
  const [isOpen, setOpen] = useState(false);
  const { id, step, time, url, isRewound } = emergency;
  const { measured, reason, severity } = wordsOf(emergency);
  const parts = [measured, reason, severity, step === null ? "" : `step ${figure(step)}`];
  return (
    <>
      <p className="words" role={role} data-emergency={id} title={line(emergency)}>
        <span className="sign" aria-hidden="true">
          ⚠
        </span>{" "}
        <bdi className="whose">{whose(emergency)}</bdi>
        {parts.filter(Boolean).map((part, at) => (
          <span key={at}>
            {" · "}
            <bdi>{part}</bdi>
          </span>
        ))}
        {isRewound && <span title="Its line is not in the file any more."> · rewound</span>}
        <Age time={time} />
      </p>
      {url !== null && (
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "hide" : "show"} record
        </button>
      )}
      {isOpen && url !== null && <Whole emergency={emergency} url={url} />}
    </>
  );
}

/** A record that is too long to come with the others: asked for when somebody opens it. */
function Whole({ emergency, url }: { emergency: Emergency; url: string }) {
  const [told, setTold] = useState({ text: "Asking for it…", isAll: true });
  useEffect(() => {
    let isOver = false;
    emergencies
      .open(emergency)
      .then(spread, (error) => ({
        text: `It cannot be had now: ${error.message}`,
        isAll: true,
      }))
      .then((now) => isOver || setTold(now));
    return () => {
      isOver = true;
    };
  }, [emergency.id]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <section className="record" tabIndex={0} aria-label="Record">
      <pre>{told.text}</pre>
      <a href={new URL(url, client.url).href}>
        {told.isAll ? "as it was written" : "there is more: as it was written"}
      </a>
    </section>
  );
}

// Not read out: it changes each second.
function Age({ time }: { time: number }) {
  useValue(second);
  return (
    <time
      className="age"
      aria-hidden="true"
      dateTime={new Date(time).toISOString()}
      title={new Date(time).toLocaleString()}
    >
      {" · "}
      {duration(serverNow() - time)} ago
    </time>
  );
}

// One function for all drawings: another one would take the focus back at each of them.
function focus(field: HTMLInputElement | null): void {
  field?.focus();
}

/** Who has seen it, and what they have to say. */
export function Acknowledge({ emergency, done }: { emergency: Emergency; done: () => void }) {
  const [asksWho] = useState(who.get() === "");
  const [name, setName] = useState(who.get());
  const [note, setNote] = useState("");
  const [isSending, setSending] = useState(false);
  const [error, setError] = useState("");
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "" || isSending) return;
    setSending(true);
    try {
      await emergencies.acknowledge([emergency.id], name.trim(), note);
      who.set(name.trim());
      done();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      setSending(false);
    }
  };
  return (
    <form
      className="acknowledge"
      onSubmit={send}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        done();
      }}
    >
      <label>
        Seen by{" "}
        <input
          ref={asksWho ? focus : undefined}
          value={name}
          maxLength={256}
          required
          autoComplete="nickname"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label>
        Note{" "}
        <input
          ref={asksWho ? undefined : focus}
          value={note}
          maxLength={2000}
          onInput={(event) => setNote(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={isSending}>
        {isSending ? "Sending…" : "Acknowledge"}
      </button>
      <button type="button" onClick={done}>
        Cancel
      </button>
      {error !== "" && <span role="status">Not acknowledged: {error}</span>}
    </form>
  );
}

/** Show the session of an emergency, there. */
export function goTo({ session, step, time }: Emergency): void {
  if (session === null) return;
  const [x, mark] = step === null ? (["time", time] as const) : (["step", step] as const);
  go({ ...leadTo(session), x, mark });
}

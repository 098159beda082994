// What a run was started with, and what people say of it.

import { useEffect, useId, useRef, useState } from "react";
import type { Said } from "tailcast";
import { flatten } from "../core/differences.js";
import { figure } from "../core/figures.js";
import { client } from "../feed/server.js";
import type { Snapshot } from "../feed/snapshot.js";

const MAX_NOTES = 4_096;
const MAX_TAGS = 64;
const MAX_TAG = 128;

interface Props {
  readonly session: string;
  readonly snapshot: Snapshot | null;
  /** The session as it is after a change. */
  readonly onSaid: (snapshot: Snapshot) => void;
}

export function Details({ session, snapshot, onSaid }: Props) {
  const [problem, setProblem] = useState<string | null>(null);
  if (snapshot === null) return <aside className="details" aria-label="About this run" />;
  const say = async (said: Said) => {
    try {
      onSaid(await client.describe(session, said));
      setProblem(null);
    } catch (error) {
      setProblem(`Not kept: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const { values, leftOut } = flatten(snapshot.config ?? {});
  const isPinned = snapshot.pinned === true;
  return (
    <aside className="details" aria-label="About this run">
      <p className="details-facts">
        {[snapshot.project, snapshot.group].filter((text) => text != null).join(" · ")}
        <button
          type="button"
          aria-pressed={isPinned}
          onClick={() => void say({ pinned: isPinned ? null : true })}
        >
          {isPinned ? "★ pinned" : "☆ pin"}
        </button>
      </p>
      <Tags tags={snapshot.tags ?? []} say={say} />
      <Notes key={session} notes={snapshot.notes ?? ""} say={say} />
      {problem !== null && <p role="status">{problem}</p>}
      <h2>Config</h2>
      {values.size === 0 && (
        <p className="details-none">
          {snapshot.configBytes == null
            ? "None was told."
            : `It is ${figure(snapshot.configBytes)} bytes long, and not shown.`}
        </p>
      )}
      <dl>
        {[...values].map(([key, value]) => (
          <div key={key}>
            <dt>
              <bdi>{key}</bdi>
            </dt>
            <dd title={value}>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
      </dl>
      {leftOut > 0 && <p className="details-none">{figure(leftOut)} more keys.</p>}
      {Object.entries(snapshot.notTold ?? {}).map(([name, why]) => (
        <p className="details-none" key={name}>
          {name} was not read: {why}
        </p>
      ))}
    </aside>
  );
}

function Tags({ tags, say }: { tags: readonly string[]; say: (said: Said) => Promise<void> }) {
  return (
    <div className="tags">
      {tags.map((tag) => (
        <span className="tag" key={tag}>
          <bdi>{tag}</bdi>
          <button
            type="button"
            aria-label={`Remove the tag ${tag}`}
            onClick={() => void say({ tags: tags.filter((one) => one !== tag) })}
          >
            ×
          </button>
        </span>
      ))}
      {tags.length < MAX_TAGS && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const input = event.currentTarget.elements.namedItem("tag") as HTMLInputElement;
            const tag = input.value.trim();
            input.value = "";
            if (tag !== "" && !tags.includes(tag)) void say({ tags: [...tags, tag] });
          }}
        >
          <input name="tag" placeholder="tag +" aria-label="Add a tag" maxLength={MAX_TAG} />
        </form>
      )}
    </div>
  );
}

/** What is written here is kept when it is left; what others write meanwhile, after that. */
function Notes({ notes, say }: { notes: string; say: (said: Said) => Promise<void> }) {
  const id = useId();
  const [own, setOwn] = useState<string | null>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    // As high as what it has, within bounds of its own.
    const element = area.current!;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  });
  const keep = () => {
    if (own === null) return;
    if (own !== notes) void say({ notes: own }).finally(() => setOwn(null));
    else setOwn(null);
  };
  return (
    <label className="notes" htmlFor={id}>
      <span>Notes</span>
      <textarea
        id={id}
        ref={area}
        rows={2}
        maxLength={MAX_NOTES}
        value={own ?? notes}
        dir="auto"
        onInput={(event) => setOwn(event.currentTarget.value)}
        onBlur={keep}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep();
          if (event.key === "Escape") {
            event.preventDefault();
            event.currentTarget.blur();
          }
        }}
      />
    </label>
  );
}

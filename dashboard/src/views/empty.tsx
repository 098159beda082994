// There is no session yet: what is watched, what is in the way, and a line to begin with.

import { useState } from "react";
import { pasteLine } from "../core/paste.js";
import { overview } from "../feed/overview.js";
import { useValue } from "../feed/value.js";
import { ProblemList, Watched } from "./files.js";
import "./feed.css";

export function Empty() {
  const now = useValue(overview);
  const line = pasteLine((now?.tailers ?? []).flatMap(({ roots }) => roots));
  return (
    <section className="empty">
      <p>No sessions yet. They appear here with the first line of their files.</p>
      <Watched />
      {now && now.problems.length > 0 && (
        <div className="files">
          <ProblemList problems={now.problems} />
        </div>
      )}
      {line !== null && <Paste line={line} />}
    </section>
  );
}

function Paste({ line }: { line: string }) {
  const [said, setSaid] = useState("copy");
  // Browsers have no clipboard for pages that are neither https nor localhost.
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(line);
      setSaid("copied");
    } catch {
      setSaid("mark it, and copy it by hand");
    }
  };
  return (
    <p className="paste">
      Paste: <code>{line}</code>
      <button type="button" onClick={copy}>
        {said}
      </button>
    </p>
  );
}

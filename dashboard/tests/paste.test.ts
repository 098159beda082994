import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pasteLine, quote } from "../src/core/paste.js";

const RECORD = '{"step":1,"loss":0.5}';

test.each([
  [{ path: "/logs", patterns: ["telemetry/**/*.jsonl"] }, "/logs/telemetry/run_1.jsonl"],
  [{ path: "/logs/telemetry/", patterns: ["**/*.jsonl"] }, "/logs/telemetry/run_1.jsonl"],
  [{ path: "/logs", patterns: ["*.txt", "r?/m_*.ndjson"] }, "/logs/r1/m_run_1.ndjson"],
  [{ path: "/any", patterns: [] }, "/any/run_1.jsonl"],
  [{ path: "/a/run.jsonl", patterns: [] }, "/a/run.jsonl"],
])("the line to paste writes where %j is watched", (root, file) => {
  expect(pasteLine([root])).toBe(`echo '${RECORD}' >> ${file}`);
});

test("a root that has emergencies alone is passed over", () => {
  const emergencies = { path: "/logs/emergency", patterns: ["**/*.json"] };
  expect(pasteLine([emergencies])).toBeNull();
  expect(pasteLine([emergencies, { path: "/b", patterns: [] }])).toContain("/b/");
});

test("a shell does what the line says, whatever the directory is called", () => {
  const path = join(mkdtempSync(join(tmpdir(), "paste-")), 'it\'s $HOME; "new"');
  const line = pasteLine([{ path, patterns: [], reason: "it is absent" }])!;
  execFileSync("/bin/sh", ["-c", line]);
  expect(readFileSync(join(path, "run_1.jsonl"), "utf8")).toBe(`${RECORD}\n`);
});

test("a file at the top is made there", () => {
  expect(pasteLine([{ path: "/run.jsonl", patterns: [], reason: "absent" }])).toMatch(
    /^mkdir -p \/ && /,
  );
});

test("plain words are not quoted", () => {
  expect(quote("/a/b-1.jsonl")).toBe("/a/b-1.jsonl");
  expect(quote("a b")).toBe("'a b'");
});

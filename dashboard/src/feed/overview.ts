// What the server says of the whole: who is there, what is watched, what is wrong and what
// mends it. Asked for now and then; more often while something is wrong.

import type { Body } from "tailcast";
import { client, status } from "./server.js";
import { Value } from "./value.js";

export type Overview = Body<"/api/status">;
export type Problem = Overview["problems"][number];

const CALM_MS = 15_000;
const UNWELL_MS = 3_000;
/** Who has not answered by then is asked again: the question may be lost. */
const ANSWER_MS = 8_000;

/** As it was said last; null before. */
export const overview = new Value<Overview | null>(null);

/** What is wrong with what brings the records, in words; "" if the server knows of nothing. */
export function causeOf(now: Overview | null): string {
  const found = now?.problems.find(({ kind }) => kind === "broker" || kind === "tailer");
  if (found?.kind === "tailer" && found.about !== undefined) {
    return `the tailer ${found.about} gives no sign of life`;
  }
  return found?.reason ?? "";
}

/** Keep asking; the function that ends it. */
export function watchOverview(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;
  const ask = async () => {
    clearTimeout(timer);
    const mine = ++asked;
    const { feed, connected } = status.get();
    // Somebody who does not answer is not asked either; a page that nobody sees asks nothing.
    if (connected && document.visibilityState !== "hidden") {
      timer = setTimeout(ask, ANSWER_MS);
      const answer = await client.get("/api/status").catch(() => null);
      if (mine !== asked) return;
      clearTimeout(timer);
      if (answer) overview.set(answer);
    }
    timer = setTimeout(ask, feed === "fresh" ? CALM_MS : UNWELL_MS);
  };
  let told = "";
  const look = () => {
    const { feed, connected } = status.get();
    const now = `${feed} ${connected}`;
    if (now === told) return;
    told = now;
    void ask();
  };
  const ends = [status.listen(look)];
  document.addEventListener("visibilitychange", ask);
  look();
  return () => {
    asked++;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", ask);
    for (const end of ends) end();
  };
}

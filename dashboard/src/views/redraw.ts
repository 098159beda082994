// When charts are drawn: what is on the screen, as often as the number of lines allows, and
// nothing while nobody looks.

export interface Drawn {
  draw(): void;
  /** How many lines it has. */
  lines(): number;
}

/** The pause between two drawings (ms), by how many lines are to be seen. */
export function pauseFor(lines: number): number {
  if (lines > 80) return 250;
  return lines < 8 ? 33 : 100;
}

/** How much of the time drawing may take in all: the rest is for who types and scrolls. */
const SHARE = 0.15;
/** For no longer (ms) does what somebody asked for keep what comes by itself from being drawn. */
const LONGEST_MS = 1_000;
/** How much of a frame (ms): a key is answered before what is left is drawn. */
const FRAME_MS = 12;
/** How much the latest frame counts in what drawing one of them takes. */
const WEIGHT = 0.3;

/**
 * Until when (ms) drawing has had its share, after a frame that began and took so long.
 *
 * What was drawn before counts too: what a person asks for does not wait, and what comes by
 * itself does so all the longer.
 */
export function freeAfter(free: number, begun: number, took: number): number {
  return Math.min(Math.max(free, begun) + took / SHARE, begun + took + LONGEST_MS);
}

const seen = new Map<Element, Drawn>();
const onScreen = new Set<Drawn>();
// Those that have something else to show, and those of them that somebody waits for.
const due = new Set<Drawn>();
const asked = new Set<Drawn>();
// What is left of this round, in which each is drawn once; when it began, and until when
// drawing has had its share.
let round: Drawn[] = [];
let began = -Infinity;
let free = -Infinity;
// What drawing one of them took lately, ms.
let each = 1;
let isComing = false;
let timer: ReturnType<typeof setTimeout> | undefined;
let observer: IntersectionObserver | undefined;

/** Draw it from now on whenever it is due and on the screen; the function that ends that. */
export function watch(element: Element, drawn: Drawn): () => void {
  observer ??= new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const one = seen.get(target);
      if (!one) continue;
      if (!isIntersecting) onScreen.delete(one);
      else {
        onScreen.add(one);
        if (due.has(one)) asked.add(one);
      }
    }
    plan();
  });
  seen.set(element, drawn);
  observer.observe(element);
  return () => {
    observer?.unobserve(element);
    seen.delete(element);
    for (const those of [onScreen, due, asked]) those.delete(drawn);
  };
}

/** It has something else to show. `isAsked`: by a person, who waits for it. */
export function redraw(drawn: Drawn, isAsked = false): void {
  due.add(drawn);
  if (isAsked) asked.add(drawn);
  if (isAsked || timer === undefined) plan();
}

function plan(): void {
  if (isComing || document.hidden) return;
  const at = nextAt();
  if (at === null) return;
  clearTimeout(timer);
  timer = undefined;
  const wait = at - performance.now();
  if (wait > 0) timer = setTimeout(come, wait);
  else come();
}

function come(): void {
  timer = undefined;
  isComing = true;
  requestAnimationFrame(draw);
}

/** When the next frame is to be drawn; null if nothing is to be. */
function nextAt(): number | null {
  const isSeen = (one: Drawn) => onScreen.has(one);
  if ([...asked].some(isSeen)) return -Infinity;
  if (round.length > 0) return free;
  if (![...due].some(isSeen)) return null;
  let lines = 0;
  for (const one of onScreen) lines += one.lines();
  return Math.max(free, began + pauseFor(lines));
}

function draw(): void {
  isComing = false;
  const begun = performance.now();
  const isDue = (one: Drawn) => due.has(one) && onScreen.has(one);
  let some = [...asked].filter(isDue);
  if (some.length === 0) {
    if (round.length === 0) {
      round = [...due];
      began = begun;
    }
    some = round = round.filter(isDue);
  }
  some = some.slice(0, Math.max(1, Math.floor(FRAME_MS / each)));
  for (const one of some) {
    due.delete(one);
    asked.delete(one);
    one.draw();
  }
  round = round.filter((one) => !some.includes(one));
  // Pixels are made after this: the next task knows what all of it took.
  afterFrame(() => {
    const took = performance.now() - begun;
    if (some.length > 0) each += WEIGHT * (took / some.length - each);
    free = freeAfter(free, begun, took);
    plan();
  });
}

const channel = new MessageChannel();
function afterFrame(task: () => void): void {
  channel.port1.onmessage = task;
  channel.port2.postMessage(null);
}

/** A colour of the page, as it is now: to ask each time would cost a drawing of the page. */
export function inkOf(name: string): string {
  const ink =
    inks.get(name) ?? getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  inks.set(name, ink);
  return ink;
}

const inks = new Map<string, string>();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  inks.clear();
  for (const one of seen.values()) redraw(one);
});
document.addEventListener("visibilitychange", plan);

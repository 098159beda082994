// A server that is a script of the test: sockets that it answers by hand.

import { vi } from "vitest";

export type Sent = { type: string; [field: string]: any };

export class FakeSocket {
  static all: FakeSocket[] = [];
  readyState = 0;
  isClosed = false;
  readonly sent: Sent[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  onerror: (() => void) | null = null;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.isClosed = true;
    this.readyState = 3;
  }

  /** The connection is made; nobody has said anything yet. */
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  say(...messages: object[]): void {
    for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
  }

  end(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }

  /** Opened, with a feed that is fresh and each subscription confirmed. */
  welcome(): this {
    this.open();
    this.say({ type: "heartbeat", timestamp: "", feed: "fresh", lagMs: 3 });
    this.confirm();
    return this;
  }

  /** Confirm what was asked for since. */
  confirm(cursor: string | null = "1-0-00000000"): void {
    for (const { type, id, sessionId, sessionIds, more } of this.sent.splice(0)) {
      if (type !== "subscribe" || more) continue;
      this.asked.push({ type, id, sessionId, sessionIds });
      if (sessionId !== undefined) {
        this.say({
          type: "subscribed",
          sessionId,
          message: "",
          cursor,
          head: cursor,
          oldest: null,
          id,
        });
      } else {
        this.say({ type: "subscribed", sessionIds, message: "", id });
        this.say({
          type: "positions",
          cursors: { "!emergencies": null },
          at: "at-1",
          more: false,
          id,
        });
      }
    }
  }

  readonly asked: Sent[] = [];

  subscribes(): Sent[] {
    return this.sent.filter(
      ({ type, sessionIds }) => type === "subscribe" && sessionIds?.[0] !== "\\!emergencies",
    );
  }
}

export const Socket = FakeSocket as unknown as typeof WebSocket;

/** The sockets that there were; the last is the one that is used. */
export function sockets(): FakeSocket[] {
  return FakeSocket.all;
}

export function last(): FakeSocket {
  return FakeSocket.all.at(-1)!;
}

export function freshServer(): void {
  FakeSocket.all = [];
  vi.useFakeTimers();
}

let offset = 0;

/** A frame of records, each of ten bytes, behind what came before. */
export function frame(sessionId: string, from: number, ...records: object[]): object {
  offset = (from + records.length) * 10;
  return {
    type: "telemetry",
    sessionId,
    data: records,
    prev: `1-${from * 10}-00000000`,
    cursor: `1-${offset}-00000000`,
  };
}

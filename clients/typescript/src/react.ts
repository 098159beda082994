// The hook of React components: `tailcast/react`.

import { useMemo, useSyncExternalStore } from "react";
import { sharedClient, type Token } from "./client.js";
import { type Picture, Stream, type StreamOptions } from "./stream.js";

export type { Picture, StreamEmergency, StreamOptions, StreamRecord } from "./stream.js";

export interface UseTelemetryStreamOptions extends StreamOptions {
  /** Where the server is; without it the page's own host. */
  url?: string;
  /** A function must be the same at each rendering, so that a connection can be shared. */
  token?: Token;
}

export interface TelemetryStream extends Picture {
  /** Follow a session; without a name the one of before. */
  subscribe(sessionId?: string | null): void;
  unsubscribe(): void;
  clearRecords(): void;
  refetch(): void;
}

/**
 * The records of a session, or of all, as they are written.
 *
 * All components of a page share one connection for each `url` and `token`.
 */
export function useTelemetryStream(
  options?: string | null | UseTelemetryStreamOptions,
): TelemetryStream {
  const { url, token, ...rest } =
    typeof options === "object" && options !== null ? options : { sessionId: options ?? null };
  const key = JSON.stringify([url, rest]);
  // `key` has all of `url` and `rest`
  const stream = useMemo(() => new Stream(() => sharedClient(url, token), rest), [key, token]);
  const picture = useSyncExternalStore(stream.listen, stream.picture, stream.picture);
  return useMemo(() => {
    const { subscribe, unsubscribe, clearRecords, refetch } = stream;
    return { ...picture, subscribe, unsubscribe, clearRecords, refetch };
  }, [stream, picture]);
}

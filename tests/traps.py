"""What is promised, and where servers of this kind are known to break: each has an ID.

A test says which of them it holds by the ID in its name (`test_a5_…`) or its docstring
(`P7: …`). `test_traps.py` compares both directions.
"""

PROMISES = {
    "P1": "each valid line of a file reaches a client once, in order, whatever dies",
    "P2": "what cannot be delivered is told",
    "P3": "a slow client costs bounded memory and delays nobody else",
    "P4": "a replay of any length is paged and paced by its reader's socket",
    "P5": "tailer, gateway and broker restart on their own, clients stay or resume",
    "P6": "only strict JSON leaves the tailer",
    "P7": "an emergency overtakes telemetry that a client has not had yet",
    "P8": "idle sessions, files and clients cost almost nothing",
}

LOSSES = {
    "A1": "the same bytes get the same IDs, whatever was lost in between",
    "A2": "an idle file is read again after its broker forgot",
    "A3": "stream and state that contradict each other are mended, boundedly",
    "A4": "no generation is declared by a stale view, or for bytes that are the same",
    "A5": "a notification that is lost delays, and loses nothing",
    "A6": "every entry names the one before, and a trimmed range is a gap",
    "A7": "a client that was killed with bytes on their way misses none of them",
    "A8": "an emergency that is announced moves no cursor; documents have their own",
    "A9": "what was there before the tailer is history, not news",
    "A10": "all sessions resume by positions, later ones from their beginning",
}

BOUNDS = {
    "B1": "a file that is there keeps its keys, an absent one loses them in time",
    "B2": "a full broker is trimmed in a call of its own, and nothing is lost",
    "B3": "retention, rejections, documents and statistics are bounded",
    "B4": "one connection at a time holds a client ID, across replicas",
    "B5": "without the broker connections stay; a silent tailer is no outage",
    "B6": "a peer that reads is alive, however long its ping waits behind data",
    "B7": "a reader whom retention overtook is not overtaken again at once",
    "B8": "runs of values that are not finite do not use up a replay's points",
}

CLAUSES = {
    "C1": "nothing is missing while a frame's prev is not after the client's cursor",
    "C2": "final cursors come in a message, not in the close frame's reason",
    "C3": "an event's ID says where its reader is, and only what moves it has one",
    "C4": "what MessagePack cannot hold is a text before it leaves the tailer",
    "C5": "deflated frames keep no context, and smaller windows are declined",
    "C6": "the newest subscribe gives a session's options, and nothing old follows it",
    "C7": "recovered is not told until a cursor was looked up",
    "C8": "a sessionId is literal, and globs can be escaped",
    "C9": "gaps are lines of an export, and a broken one does not end cleanly",
    "C10": "a step is the first at or after it in the current generation",
    "C11": "a broker that lost all gets all back that the files still have",
    "C12": "a rewind's generation is an opaque text",
}

TRAPS = {
    "G01": "an append between the look at the head and attaching",
    "G02": "a storm of appends while a replay pages",
    "G03": "resuming at the head, before it, at a trim's edge, beyond it, unproved",
    "G04": "subscribing before the stream is there",
    "G05": "a stream that is deleted and made anew",
    "G06": "a broker that comes back empty, or lacks its last seconds",
    "G07": "a connection to the broker that only looks alive",
    "G08": "a client that stops reading",
    "G09": "a long replay that is read slowly",
    "G10": "a second disconnect before anything new came",
    "G11": "a connection that was idle for long",
    "G12": "a replica that is killed",
    "G13": "a replica that is told to end, with many clients",
    "G14": "changes of mind while replays are on their way",
    "G15": "a session that is subscribed by name and by pattern",
    "G16": "resuming a filtered flow",
    "G18": "bombs, oversize, broken UTF-8 and binary frames",
    "G19": "clocks that differ between machines",
    "G20": "which subprotocol is chosen",
    "G21": "a tailer that restarts and reads lines again",
    "G22": "a file that is truncated or replaced",
    "G23": "gaps that would come one after the other",
    "G24": "a load balancer that drops connections which are silent",
    "G25": "names of sessions that would make metrics without end",
}

ALL = PROMISES | LOSSES | BOUNDS | CLAUSES | TRAPS

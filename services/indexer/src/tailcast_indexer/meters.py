"""The counters and gauges of one indexer, by their names; `instruments` moves them."""

from prometheus_client import CollectorRegistry

from tailcast_service.meters import MeterMaker


# What the names of all of them begin with.
METERS = "tailcast_indexer"
_WRITE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Meters:
    """All metrics of one indexer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = MeterMaker(METERS, registry)
        counter, gauge = make.counter, make.gauge
        self.entries = counter(
            "entries", "Entries that were read; again for an index that is made anew"
        )
        self.bytes = counter("bytes", "Bytes of records that were read")
        self.writes = counter(
            "writes",
            "Writes of an index, for each session that moves about one "
            "a second, or one in two seconds while fewer than 64 "
            "records come",
        )
        self.written = counter("written_bytes", "Bytes that were written, about")
        self.emergencies = counter(
            "emergencies",
            "Emergencies of session files, by `what`: `kept` (one that "
            "is found again counts again), or `dropped` for others, "
            "since 1,000 of a session and 10,000 of all are kept",
            "what",
        )
        self.conflicts = counter(
            "conflicts",
            "Writes that did not follow on, since another indexer "
            "wrote, or the broker forgot: the index was read again",
        )
        self.anew = counter(
            "made_anew",
            "Indexes that were made anew from the stream, by `why`: "
            "`choice` (the records are to be read otherwise), `cut` and "
            "`anew` (the file was rewritten; where the stream has lost "
            "what is left of it, a `cut` goes on from the curves), "
            "`rules` (of an older version, or other keys of step and "
            "time), `unfit` (of another stream)",
            "why",
        )
        self.foreign = counter(
            "foreign",
            "Indexes, and the kept emergencies, with a key that another "
            "program wrote: they are made anew",
        )
        self.orphans = counter(
            "orphans", "Indexes that were deleted, since their session was gone"
        )
        self.evicted = counter(
            "evicted",
            "Indexes that were dropped from memory for others, and are "
            "read when they are needed",
        )
        self.hints_lost = counter(
            "hints_lost",
            "Times that the connection with the notifications was lost; "
            "then all sessions are compared",
        )
        self.defects = counter(
            "defects", "Failures that should not be: report them, with the log"
        )
        self.write_seconds = make.histogram(
            "write_seconds", "Time for one pipeline of writes", buckets=_WRITE_BUCKETS
        )
        self.sessions = gauge("sessions", "Indexes in memory")
        self.memory = gauge(
            "memory_bytes", "Memory that indexes take, about; 256 MiB at most"
        )
        self.behind = gauge("behind", "Sessions with entries that are in no index")
        self.aside = gauge(
            "aside", "Sessions that are left alone for a minute after a failure"
        )
        self.lag = gauge(
            "lag_seconds",
            "For how long the oldest entry that is in no index has "
            "waited; a second or two while sessions move",
        )
        self.sharing = gauge("sharing", "Indexers that share the sessions")

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
        self.entries = counter("entries", "Entries that were read")
        self.bytes = counter("bytes", "Bytes of records that were read")
        self.writes = counter("writes", "Indexes written")
        self.written = counter("written_bytes", "Bytes written, about")
        self.emergencies = counter("emergencies", "Emergencies found", "what")
        self.conflicts = counter("conflicts", "Writes that did not follow on")
        self.anew = counter("made_anew", "Indexes that were made anew", "why")
        self.foreign = counter("foreign", "Indexes with keys of another program")
        self.orphans = counter("orphans", "Indexes deleted for want of a session")
        self.evicted = counter("evicted", "Indexes dropped from memory")
        self.hints_lost = counter("hints_lost", "Times that notifications were lost")
        self.defects = counter("defects", "Sessions and tasks that failed")
        self.write_seconds = make.histogram(
            "write_seconds", "Time for one pipeline of writes", buckets=_WRITE_BUCKETS
        )
        self.sessions = gauge("sessions", "Indexes in memory")
        self.memory = gauge("memory_bytes", "Memory that they take, about")
        self.behind = gauge("behind", "Sessions with entries that are in no index")
        self.aside = gauge("aside", "Sessions left alone after a failure")
        self.lag = gauge("lag_seconds", "How long the oldest of those has waited")
        self.sharing = gauge("sharing", "Indexers that share the sessions")

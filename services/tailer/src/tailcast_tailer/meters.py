"""The counters and gauges of one tailer, by their names; `instruments` moves them."""

from prometheus_client import CollectorRegistry

from tailcast_service.meters import MeterMaker


# What the names of all of them begin with.
METERS = "tailcast_tailer"
_APPEND_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class Meters:
    """All metrics of one tailer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = MeterMaker(METERS, registry)
        counter, gauge = make.counter, make.gauge
        self.records = counter("records", "Records appended")
        self.bytes = counter("bytes", "Bytes of files that were taken in")
        self.rejections = counter("rejections", "Lines that were no records")
        self.text = counter("text_lines", "Lines of text that were passed over")
        self.narrowed = counter("narrowed", "Batches made smaller for a line at fault")
        self.steps = counter("clock_steps", "Times the wall clock was set")
        self.old_files = counter("old_files", "Files left out for their age")
        self.generations = counter("generations", "Files that began anew", "reason")
        self.conflicts = counter("conflicts", "Appends that did not follow on")
        self.diverged = counter("diverged", "Streams and states that disagreed")
        self.healed = counter("healed_bytes", "Bytes read again for the broker")
        self.refused = counter("refused", "Refused rewrites, paths and names", "what")
        self.claims = counter("claims", "Sessions that change their tailer", "what")
        self.contested = counter("contested", "Rewrites that came too soon and waited")
        self.compared = counter(
            "comparisons", "Files changed without growing, by what was found", "found"
        )
        self.documents = counter("documents", "Emergency documents", "outcome")
        for outcome in ("unreadable", "rejected"):
            # An alert compares them with what they were.
            self.documents.labels(outcome)
        self.trimmed = counter("trimmed_bytes", "Bytes trimmed off streams", "why")
        self.unindexed = counter(
            "unindexed_trimmed_bytes", "Bytes trimmed that no index had", "why"
        )
        for why in ("session", "total", "age"):
            # An alert compares them with what they were.
            self.unindexed.labels(why)
        self.kept = gauge("kept_bytes", "Bytes of files that streams hold")
        self.expired = counter("expired", "Sessions that lived their time", "what")
        self.taken_out = counter("taken_out", "Sessions taken out for want of room")
        self.holes = counter("holes", "Times that NUL bytes were taken for a hole")
        self.held_back = counter("held_back", "Times that bytes rested as no line")
        self.unended = counter("unended", "Lines taken before their newline")
        self.changes = counter("changes", "Changes of files noticed", "by")
        self.told_beside = counter(
            "descriptions_told", "Times that what stands beside records was told"
        )
        self.hints_lost = counter("hints_lost", "Times that notifications were lost")
        self.defects = counter("defects", "Turns and tasks that failed")
        self.append_seconds = make.histogram(
            "append_seconds",
            "Time for one append",
            buckets=_APPEND_BUCKETS,
        )
        self.files = gauge("files", "Files that are followed")
        self.sources = gauge("sources", "Paths by what became of them", "state")
        self.hanging = gauge("hanging_calls", "Calls to files that do not come back")
        self.waiting = gauge("waiting_files", "Files of the start without a turn yet")
        self.bytes_behind = gauge("bytes_behind", "Bytes not in the broker yet")
        self.disputed = gauge("disputed", "Sessions of which another sees a file too")

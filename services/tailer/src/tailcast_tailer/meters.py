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
        self.bytes = counter("bytes", "Bytes of files taken in")
        self.rejections = counter("rejections", "Lines that were no records")
        self.text = counter(
            "text_lines",
            "Lines of text between records that were passed over, in "
            "files that are no `.jsonl` or `.ndjson`",
        )
        self.narrowed = counter(
            "narrowed",
            "Batches, or lots of files, that failed unforeseen and were made "
            "smaller, down to the line at fault",
        )
        self.steps = counter(
            "clock_steps",
            "Times that the machine's clock was set, by three seconds or more",
        )
        self.old_files = counter("old_files", "Files left out for their age")
        self.generations = counter(
            "generations", "Files that began anew: `truncated`, `replaced`", "reason"
        )
        self.conflicts = counter(
            "conflicts",
            "Appends that did not follow on: another tailer, or a broker that forgot",
        )
        self.mended = counter(
            "mended_keys",
            "Keys of no session that another program wrote, and that were made anew",
        )
        self.diverged = counter("diverged", "Sessions whose stream and state disagreed")
        self.healed = counter(
            "healed_bytes", "Bytes read again because the broker forgot them"
        )
        self.refused = counter(
            "refused",
            "Refused, by `what`: `rewrite` (another tailer sees a file of the session"
            " too), `session` (there are `TAILCAST_MAX_SESSIONS`, and none could be"
            " taken out for it)",
            "what",
        )
        self.claims = counter(
            "claims",
            "Sessions that change their tailer: `given up` (the file is "
            "gone), `taken` (the owner does not see it)",
            "what",
        )
        self.contested = counter(
            "contested",
            "Times that a file was written anew too soon after it was "
            "before, and waited",
        )
        self.compared = counter(
            "comparisons",
            "Files that were changed without growing, or replaced, and "
            "held against what is stored, by what was `found`: the "
            "`same`, or `other` lines",
            "found",
        )
        self.documents = counter(
            "documents",
            "Emergency documents: `added`, `known`; `unreadable`: "
            "clients were told that a file is none; `rejected`: they "
            "could not be told that yet",
            "outcome",
        )
        for outcome in ("unreadable", "rejected"):
            # An alert compares them with what they were.
            self.documents.labels(outcome)
        self.trimmed = counter(
            "trimmed_bytes",
            "Bytes that went from streams, by `why`: `session` and "
            "`total` (retention), `full`, `age`",
            "why",
        )
        self.unindexed = counter(
            "unindexed_trimmed_bytes",
            "Bytes that went from streams though an index still needed "
            "them, about, by `why`",
            "why",
        )
        for why in ("session", "total", "age"):
            # An alert compares them with what they were.
            self.unindexed.labels(why)
        self.kept = gauge(
            "kept_bytes",
            "Bytes of files that streams hold, as this tailer's "
            "retention counts them; for a second or two after a restart "
            "more than there are, and longer where others than the "
            "session's own budget had it trimmed, until it is trimmed "
            "again",
        )
        self.expired = counter(
            "expired",
            "Sessions past `TAILCAST_SESSION_TTL`: `emptied`, `deleted`",
            "what",
        )
        self.taken_out = counter(
            "taken_out",
            "Sessions that were taken out, as the broker keeps `TAILCAST_MAX_SESSIONS`",
        )
        self.holes = counter("holes", "Times that NUL bytes stayed in a file")
        self.held_back = counter(
            "held_back",
            "Times that bytes rested behind a last line and were no whole line",
        )
        self.unended = counter(
            "unended", "Lines that were taken before their newline came"
        )
        self.changes = counter(
            "changes",
            "Changes noticed, by `hint` (notification) or `sweep`; only "
            "`sweep` on a local disk: notifications do not work",
            "by",
        )
        self.looks = counter(
            "looks",
            "Looks for what follows in a file, by `loop` or `thread`; files of this "
            "machine that grow are looked at in the event loop",
            "by",
        )
        self.slow_looks = counter(
            "slow_looks",
            "Looks of the event loop that had to wait for more than 50 ms: for a "
            "minute threads look at the files of that file system",
        )
        self.told_beside = counter(
            "descriptions_told",
            "Times that what stands beside a session's records was told",
        )
        self.hints_lost = counter(
            "hints_lost",
            "Times that more changed at once than the kernel keeps "
            "notifications of; all files were looked at",
        )
        self.defects = counter(
            "defects",
            "Failures that should not be, that a part of it ended too: "
            "report them, with the log",
        )
        self.append_seconds = make.histogram(
            "append_seconds",
            "Time for one append",
            buckets=_APPEND_BUCKETS,
        )
        self.files = gauge("files", "Files that are followed")
        self.sources = gauge(
            "sources",
            "Paths below what is watched, by `state`: `followed`, "
            "`waiting`, `refused`, `left_out`",
            "state",
        )
        self.hanging = gauge(
            "hanging_calls", "Calls to files that have not come back for ten seconds"
        )
        self.waiting = gauge(
            "waiting_files",
            "Files that were there at the start and were not looked at yet",
        )
        self.bytes_behind = gauge(
            "bytes_behind", "Bytes in files that are not in the broker yet"
        )
        self.disputed = gauge(
            "disputed",
            "Sessions of which this tailer and the owner see different files",
        )

"""The index of one session: a fold over its entries, and what of it is stored.

    index = Index.load(…) or Index(…)
    if index.missing:
        index.give(those chunks of roll-ups)
    while True:
        index.fold(entries read after `index.reads_after`, …)
        if index.stale is not None:
            index.restart(the oldest entry of the stream)
        write(index.take_changes())

Whatever the batches are, and wherever the process was killed between two writes, the
figures are those over the records that the file has now. Lines that are gone are not in
them: if a marker cuts some of those that were folded, the index is stale, and begins
again. What the stream no longer has by then is named as a gap.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.json import decode, encode

from tailcast_index.fold.cuts import Cuts
from tailcast_index.fold.figures import Metric
from tailcast_index.fold.folding import Folding, Stale
from tailcast_index.fold.run import Run
from tailcast_index.fold.stored import (
    at_text,
    fields_of,
    load_run,
    parse_at,
    records_of,
    rules_text,
)
from tailcast_index.fold.summary import Summary
from tailcast_index.fold.tail import Tail
from tailcast_index.meaning import RULES_VERSION, Choice, Chooser, Point, Rules
from tailcast_index.rollups import Extent, Rollups
from tailcast_streams.emergencies import FoundEmergency
from tailcast_streams.entries import Entry
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.indexes import NEEDS_FIELD, Chunk, IndexWrite, StoredIndex
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID


# How often the latest record is stored besides its entry while records come.
KEPT_EVERY_MS = 10_000
# What the chooser knows is stored once in so many records: whoever goes on shows it
# those again that it has not looked at then.
CHOOSER_EVERY = 1_024


class Index:
    """The index of one session; while it is stale, only `restart` may be called."""

    def __init__(
        self,
        session: str,
        *,
        incarnation: str,
        rules: Rules,
        stored_at: str = "",
        folding: Folding | None = None,
    ) -> None:
        """Begin without entries.

        Args:
            session: its name.
            incarnation: of the stream that is folded.
            rules: how steps and times are named.
            stored_at: the `at` of what is stored and is to be replaced; "" for nothing.
            folding: what was folded before, if anything was.
        """
        self.session = session
        self.incarnation = incarnation
        # Why `restart` must be called; None while the figures are right.
        self.stale: Stale | None = None
        self._rules = rules
        self._folding = folding or self._begun(Cuts(), Chooser(rules))
        # What is stored: the `at`, "" for nothing, and the fields, by their names.
        self._stored_at: str = stored_at
        self._stored: Mapping[str, bytes] = {}
        # Whether the next write drops all that is stored.
        self._begins = True
        # When the latest record was stored besides its entry.
        self._kept_ms = 0
        # How many records there were when the chooser was stored.
        self._chosen_at = 0

    @property
    def cursor(self) -> Cursor:
        """Up to where the figures are true, `NOTHING` before the first entry."""
        return self._folding.cursor

    @property
    def at(self) -> str:
        """The same as it is stored, with the incarnation and the rules."""
        return at_text(self.incarnation, self.cursor, self._rules)

    @property
    def reads_after(self) -> EntryID:
        """The entry behind which to read on."""
        return self._folding.reads_after

    @property
    def missing(self) -> Sequence[Chunk]:
        """What `give` must be called with before anything else; mostly empty."""
        rollups = self._folding.rollups
        return () if rollups is None else rollups.missing

    def give(self, chunks: Sequence[bytes | None]) -> None:
        """Go on with what is stored of roll-ups.

        Args:
            chunks: those in `missing`, None for what is not stored.

        Raises:
            ValueError: they cannot be used: the index is to be made anew.
        """
        self._folding.give(chunks)

    @property
    def chooser(self) -> Chooser | None:
        """What reads the records that come next; None if the choice stays."""
        return self._folding.chooser

    @property
    def markers(self) -> list[EntryID]:
        """The markers behind which the file's lines stand, as far as they matter."""
        return [EntryID(*cut) for cut in self._folding.cuts.dump()]

    def summary(
        self,
        now_ms: int,
        *,
        activity_ms: int | None = None,
        total_steps: int | None = None,
    ) -> Summary:
        """What the records say together, at a time; see `Run.summary`."""
        return self._folding.run.summary(
            now_ms, activity_ms=activity_ms, total_steps=total_steps
        )

    @property
    def choice(self) -> Choice:
        """How the records are read."""
        return self._folding.run.choice

    def metrics(self) -> list[Metric]:
        """The statistics of the metrics, in the order in which they first came."""
        return self._folding.run.figures.metrics()

    def fold(
        self, entries: Sequence[Entry], *, now_ms: int, written_ms: int = 0
    ) -> None:
        """Add the entries that come next, as far as the index does not get stale.

        Args:
            entries: as the stream has them behind `reads_after`.
            now_ms: the time, Unix milliseconds.
            written_ms: when the file was written last; 0 if that is not known.
        """
        records = self._folding.run.records
        stale = self._folding.fold(entries, now_ms)
        while stale is Stale.ANEW:
            entries = [one for one in entries if one.id > self._folding.position]
            self._begin_at(entries[0])
            records = 0
            stale = self._folding.fold(entries, now_ms)
        self.stale = stale
        run = self._folding.run
        run.note_written(written_ms)
        if run.records > records:
            run.note_arrival(now_ms, written_ms)

    def restart(self, oldest: Entry | None) -> None:
        """Make ready for what is to be folded anew, which is behind `reads_after`.

        If the stream no longer has what the figures are made from, records go on to be
        read as they were; and if a marker cut them, all before the oldest entry is a
        gap.

        Args:
            oldest: the oldest entry that the stream has; None if it has none.
        """
        stale, self.stale = self.stale, None
        last = self._folding
        is_whole = oldest is not None and oldest.id <= last.first
        if stale is Stale.CUT and last.chooser is None:
            self._begin(self._begun(last.cuts, None, last.run.choice))
        elif stale is Stale.CUT or (stale is Stale.RULES and is_whole):
            self._begin(self._begun(last.cuts, Chooser(self._rules)))
        elif stale is Stale.CHOICE and is_whole:
            self._begin(self._begun(last.cuts, last.chooser))
            self._folding.looked = last.looked
        else:
            last.chooser = None

    def take_changes(self, *, is_resting: bool = False) -> IndexWrite | None:
        """What is to be written since the last call; None if nothing is.

        If the write is refused, the index must be loaded again.

        Args:
            is_resting: whether the session rests: then the latest record is written
                too, which else is only so from time to time.
        """
        run, rollups, at = self._folding.run, self._folding.rollups, self.at
        if rollups is None or self.cursor.id == BEFORE_ALL:
            return None
        rolled = rollups.take_changes(rests=is_resting)
        fields = fields_of(run)
        fields["resume"] = encode(self._folding.dump())
        fields["rollups"] = rollups.extent.dump()
        if self._folding.chooser is None:
            fields["chooser"] = b""
        elif (
            is_resting
            or self._begins
            or (run.records - self._chosen_at >= CHOOSER_EVERY)
        ):
            self._chosen_at = run.records
            fields["chooser"] = self._chooser_text(self._folding.chooser)
        if is_resting or run.arrived_ms - self._kept_ms >= KEPT_EVERY_MS:
            self._kept_ms = run.arrived_ms
            fields |= records_of(run)
        stored: Mapping[str, bytes] = {} if self._begins else self._stored
        chosen = fields.get("chooser", stored.get("chooser", b""))
        needs = self._needs_after(rollups.extent, chosen)
        fields[NEEDS_FIELD] = str(needs).encode()
        changed = {
            name: text for name, text in fields.items() if stored.get(name) != text
        }
        if at == self._stored_at and not (changed or rolled.chunks or rolled.dropped):
            return None
        write = IndexWrite(
            session=self.session,
            expected=self._stored_at,
            at=at,
            begins=self._begins,
            fields=changed,
            metrics=run.figures.take_changed(),
            places=run.places.take(),
            chunks=rolled.chunks,
            dropped=rolled.dropped,
            emergencies=self._folding.take_emergencies(
                self.session, self.incarnation, begins=self._begins
            ),
        )
        self._stored = {**stored, **changed}
        self._stored_at, self._begins = at, False
        return write

    def points_of(
        self, entries: Iterable[Entry], *, now_ms: int
    ) -> list[tuple[EntryID, Point]]:
        """What those of these entries say that are records of the file."""
        folding = self._folding
        return [
            (entry.id, folding.run.point(read_fields(entry.record), now_ms))
            for entry in entries
            if folding.has_record(entry)
        ]

    def first_reaching(
        self,
        entries: Iterable[Entry],
        *,
        step: float | None = None,
        time_ms: int | None = None,
        now_ms: int,
    ) -> Entry | None:
        """The first of these records with which the run reached a step, or a time.

        Args:
            entries: those behind the last place at which it was not reached, or behind
                `before_steps` or `before_times` of the summary if there is no such
                place.
            step: the step, or None.
            time_ms: the time, or None.
            now_ms: the time now, by which times are plausible.
        """
        folding = self._folding
        for entry in entries:
            if not folding.has_record(entry):
                continue
            point = folding.run.read(read_fields(entry.record), now_ms=now_ms)
            if _reaches(point.step, step) or _reaches(point.time_ms, time_ms):
                return entry
        return None

    @classmethod
    def load(
        cls,
        session: str,
        stored: StoredIndex,
        metrics: Mapping[str, bytes],
        rules: Rules,
    ) -> "Index | None":
        """The index as it was stored; None if nothing of it can be used.

        Args:
            session: its name.
            stored: the index.
            metrics: all its metrics.
            rules: how steps and times are named; it is stale if it was made by others.
        """
        index = cls._loaded(session, stored, metrics, rules, names=None, writes=True)
        if index is not None and not stored.at.endswith(f" {rules_text(rules)}"):
            index.stale = Stale.RULES
        return index

    @classmethod
    def view(
        cls,
        session: str,
        stored: StoredIndex,
        metrics: Mapping[str, bytes],
        rules: Rules,
        *,
        names: Collection[str] | None = (),
        tail: Tail | None = None,
        end: EntryID | None = None,
    ) -> "Index | None":
        """The index as it was stored, to read and not to write.

        Args:
            session: its name.
            stored: the index.
            metrics: those of its metrics that matter, as far as they are stored.
            rules: they matter only for records that would change the choice.
            names: the names of those that matter; None for all.
            tail: what is given the records behind its end; then the entries to fold
                are those behind `reads_after`.
            end: where the session ends, if that is known: if nothing is behind the
                index, it is not made ready for more, which takes most of the time.
        """
        return cls._loaded(
            session,
            stored,
            metrics,
            rules,
            names=names,
            writes=False,
            tail=tail,
            end=end,
        )

    @classmethod
    def _loaded(
        cls,
        session: str,
        stored: StoredIndex,
        metrics: Mapping[str, bytes],
        rules: Rules,
        *,
        names: Collection[str] | None,
        writes: bool,
        tail: Tail | None = None,
        end: EntryID | None = None,
    ) -> "Index | None":
        fields = stored.fields
        try:
            incarnation, cursor, made_by = parse_at(stored.at)
            if made_by.partition(".")[0] != str(RULES_VERSION):
                return None
            run = load_run(fields, metrics, rules, only=names)
            chooser, looked = None, BEFORE_ALL
            if fields["chooser"] and cursor.id != end:
                looked_text, _, text = fields["chooser"].partition(b" ")
                looked = EntryID.parse(looked_text.decode())
                chooser = Chooser.load(rules, text)
            extent = Extent.load(fields["rollups"])
            rollups = None
            if writes:
                numbers = len(run.figures)
                number_of = run.figures.number_of
                rollups = Rollups(number_of, extent, metrics=numbers)
            resume = decode(fields["resume"])
            folding = Folding.load(
                resume, run, chooser, cursor=cursor, looked=looked, rollups=rollups,
                tail=tail,
            )  # fmt: skip  # one name a line would hide what they are
            if tail is not None or (rollups is not None and not rollups.missing):
                folding.read_again()
        except (ValueError, LookupError, TypeError, InvalidPosition):
            # Somebody wrote it by hand.
            return None
        index = cls(
            session,
            incarnation=incarnation,
            rules=rules,
            stored_at=stored.at,
            folding=folding,
        )
        index._stored, index._begins = fields, False
        index._kept_ms, index._chosen_at = run.arrived_ms, run.records
        return index

    def _needs_after(self, extent: Extent, chosen: bytes) -> EntryID:
        """Behind which entry one that goes on from what is stored reads the stream."""
        lacking = [self.cursor.id]
        if extent.records < self._folding.run.records:
            lacking.append(extent.to)
        if looked := chosen.partition(b" ")[0]:
            lacking.append(EntryID.parse(looked.decode()))
        return min(lacking)

    def take_found(self) -> Sequence[FoundEmergency]:
        """The emergencies that were folded since the last call, at most a thousand."""
        return self._folding.take_found()

    def _chooser_text(self, chooser: Chooser) -> bytes:
        """What the chooser knows, behind the last entry that it has looked at."""
        return b"%b %b" % (str(self._folding.looked).encode(), chooser.dump())

    def _begun(
        self, cuts: Cuts, chooser: Chooser | None, choice: Choice | None = None
    ) -> Folding:
        """The beginning; by a choice that does not change if there is no chooser."""
        if chooser is not None:
            choice = chooser.choice
        run = Run(self._rules, choice or Choice())
        return Folding(run, chooser, cuts, rollups=Rollups(run.figures.number_of))

    def _begin_at(self, entry: Entry) -> None:
        """Begin again at an entry before which nothing is left."""
        last = self._folding
        folding = self._begun(last.cuts, Chooser(self._rules))
        if entry.previous == last.position:
            folding.begin_at(entry)
        self._begin(folding)

    def _begin(self, folding: Folding) -> None:
        # Those in lines that are gone are not met again.
        folding.run.found.extend(self._folding.run.found)
        self._folding = folding
        self._begins = True
        self._kept_ms = self._chosen_at = 0


def _reaches(value: float | None, target: float | None) -> bool:
    return value is not None and target is not None and value >= target

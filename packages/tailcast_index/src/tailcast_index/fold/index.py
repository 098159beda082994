"""The index of one session: a fold over its entries, and what of it is stored.

    index = Index.load(…) or Index(…)
    if index.missing:
        index.give(those chunks of roll-ups)
    while True:
        index.fold(entries read after `index.reads_after`, …)
        if index.stale is not None:
            index.restart(the oldest entry of the stream)
            while index.missing:
                index.give(those chunks of roll-ups)
        write(index.take_changes())

Whatever the batches are, and wherever the process was killed between two writes, the
figures are those over the records that the file has now. Lines that are gone are not in
them: if a marker cuts some of those that were folded, the index is stale, and begins
again. If the stream no longer has all of it by then, figures and curves go on from what
the roll-ups say of the records that are left; what is missing is named as a gap.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec.json import decode

from tailcast_index.fold.cuts import Cuts
from tailcast_index.fold.falls import Rewind
from tailcast_index.fold.figures import Metric
from tailcast_index.fold.folding import Folding, Stale
from tailcast_index.fold.rotations import Joint
from tailcast_index.fold.run import Run
from tailcast_index.fold.stored import at_text, load_run, parse_at, rules_text
from tailcast_index.fold.storing import Storing
from tailcast_index.fold.summary import Summary
from tailcast_index.fold.tail import Tail
from tailcast_index.meaning import (
    RULES_VERSION,
    TAKEN_OVER,
    Choice,
    Chooser,
    Point,
    Rules,
)
from tailcast_index.rollups import Extent, Rollups
from tailcast_streams.cuts import Cut
from tailcast_streams.emergencies import FoundEmergency
from tailcast_streams.entries import Entry
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.indexes import Chunk, IndexWrite, StoredIndex
from tailcast_streams.metrics import read_fields
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID


# The versions of the rules whose indexes can be gone on with; the first is this one.
_VERSIONS = (str(RULES_VERSION), *map(str, TAKEN_OVER))


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
        self._storing = Storing(session, incarnation, stored_at)
        # The oldest entry of the stream while the index is cut.
        self._oldest: Entry | None = None

    @property
    def cursor(self) -> Cursor:
        """Up to where the figures are true, `NOTHING` before the first entry."""
        return self._folding.cursor

    @property
    def at(self) -> str:
        """The same as it is stored, with the incarnation and the rules."""
        return at_text(self.incarnation, self.cursor, self._rules)

    @property
    def stored_at(self) -> str:
        """What `at` was when it was loaded, or written last; "" before that."""
        return self._storing.at

    @property
    def reads_after(self) -> EntryID:
        """The entry behind which to read on."""
        return self._folding.reads_after

    @property
    def missing(self) -> Sequence[Chunk]:
        """What `give` must be called with before anything else; mostly empty.

        Also after it was called: then something else is missing.
        """
        rollups = self._folding.rollups
        return () if rollups is None else rollups.missing

    @property
    def drops_more(self) -> bool:
        """Whether there is more to be written though nothing comes.

        What a cut left over is dropped bit by bit, in as many writes as it takes.
        """
        rollups = self._folding.rollups
        return rollups is not None and rollups.extent.over > 0

    def give(self, chunks: Sequence[bytes | None]) -> None:
        """Go on with what is stored of roll-ups.

        Args:
            chunks: those in `missing`, None for what is not stored.

        Raises:
            ValueError: they cannot be used: the index is to be made anew.
        """
        if self.stale is Stale.CUT:
            self._give_what_is_left(chunks)
        else:
            self._folding.give(chunks)

    @property
    def chooser(self) -> Chooser | None:
        """What reads the records that come next; None if the choice stays."""
        return self._folding.chooser

    @property
    def markers(self) -> list[EntryID]:
        """The markers behind which the file's lines stand, as far as they matter."""
        return [EntryID(cut.generation, cut.kept) for cut in self.cuts]

    @property
    def cuts(self) -> Sequence[Cut]:
        """Which lines are gone."""
        return self._folding.cuts.cuts

    @property
    def rotations(self) -> tuple[int, Sequence[EntryID]]:
        """How often files were rotated away, and the markers of the latest times."""
        rotations = self._folding.rotations
        return rotations.count, tuple(rotations.latest)

    @property
    def rewinds(self) -> Sequence[Rewind]:
        """Where the run fell back, the latest times."""
        return tuple(self._folding.run.falls.rewinds)

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
        read as they were. If a marker cut them, what is `missing` is to be given then,
        and the index is stale until it was; nothing has changed if it was not.

        Args:
            oldest: the oldest entry that the stream has; None if it has none.
        """
        stale, last = self.stale, self._folding
        is_whole = oldest is not None and oldest.id <= last.first
        if stale is Stale.CUT and not is_whole and last.ask_what_is_left():
            self._oldest = oldest
            if not self._storing.has_parts:
                # What is stored is another's.
                while self.missing:
                    self._give_what_is_left([None] * len(self.missing))
            return
        self.stale = None
        if stale is Stale.CUT:
            self._begin_after_cut()
        elif stale is Stale.OTHER_RUN:
            self._begin_behind(last.rotations.joint, oldest)
        elif stale is Stale.RULES and is_whole:
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
        return self._storing.take(self._folding, self.at, is_resting=is_resting)

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
            version = made_by.partition(".")[0]
            if version not in (_VERSIONS if writes else _VERSIONS[:1]):
                return None
            run = load_run(fields, metrics, rules, only=names)
            chooser, looked = None, BEFORE_ALL
            if fields["chooser"] and cursor.id != end:
                looked_text, _, text = fields["chooser"].partition(b" ")
                looked = EntryID.parse(looked_text.decode())
                chooser = Chooser.load(rules, text)
            rollups = None
            if writes:
                extent = Extent.load(fields["rollups"])
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
        index._storing.go_on(fields, run)
        return index

    def take_found(self) -> Sequence[FoundEmergency]:
        """The emergencies that were folded since the last call, at most a thousand."""
        return self._folding.take_found()

    def _begun(
        self, cuts: Cuts, chooser: Chooser | None, choice: Choice | None = None
    ) -> Folding:
        """The beginning; by a choice that does not change if there is no chooser."""
        if chooser is not None:
            choice = chooser.choice
        run = Run(self._rules, choice or Choice())
        return Folding(run, chooser, cuts, rollups=Rollups(run.figures.number_of))

    def _give_what_is_left(self, chunks: Sequence[bytes | None]) -> None:
        """Give the roll-ups what they need to be cut; after the last of it, go on."""
        folding, oldest = self._folding, self._oldest
        try:
            folding.give(chunks)
            if self.missing:
                return
            is_cut = folding.cut(oldest)
        except ValueError:
            # Somebody deleted some.
            is_cut = False
        self.stale = self._oldest = None
        if not is_cut:
            self._begin_after_cut()
            return
        self._storing.cut(folding.run.records)

    def _begin_after_cut(self) -> None:
        """Begin again at the oldest entry, before which all is a gap."""
        last = self._folding
        if last.chooser is None:
            self._begin(self._begun(last.cuts, None, last.run.choice))
        else:
            self._begin(self._begun(last.cuts, Chooser(self._rules)))

    def _begin_at(self, entry: Entry) -> None:
        """Begin again at an entry before which nothing is left."""
        last = self._folding
        folding = self._begun(last.cuts, Chooser(self._rules))
        if entry.previous == last.position:
            folding.begin_at(entry.id, entry.previous)
        self._begin(folding)

    def _begin_behind(self, joint: Joint | None, oldest: Entry | None) -> None:
        """Begin again where a file was rotated away; what is trimmed there is a gap."""
        assert joint is not None  # noqa: S101  # there another run began
        folding = self._begun(self._folding.cuts, Chooser(self._rules))
        is_there = oldest is not None and oldest.id <= joint.id
        folding.begin_at(joint.id, joint.previous if is_there else joint.id)
        self._begin(folding)

    def _begin(self, folding: Folding) -> None:
        # Those in lines that are gone are not met again.
        folding.run.found.extend(self._folding.run.found)
        self._folding = folding
        self._storing.begin()


def _reaches(value: float | None, target: float | None) -> bool:
    return value is not None and target is not None and value >= target

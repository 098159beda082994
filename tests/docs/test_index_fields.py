"""docs/streams.md has every field of an index, and no other."""

from tailcast_index.fold.figures import MAX_NAME_LENGTH
from tailcast_index.fold.summary import UnreadKey
from tailcast_streams.position import EntryID
from tests.docs.pages import named, read_page, section
from tests.tailcast_index.fold.world import File, Indexer, Store


def test_the_fields_of_an_index_are_told() -> None:
    """Of a session that has something to say in each of them."""
    file, store = File(), Store()
    file.leave_out(10)
    for step in (1, 5, 2, 3):
        file.append(
            {
                "step": step,
                "loss": 1,
                "config": {"lr": 0.1},
                "timestamp": 1_795_800_000 + step,
                "x" * (MAX_NAME_LENGTH + 1): 1,
                "emergency": {"reason": "collapse"},
            }
        )
    indexer = Indexer(file, store)
    indexer.catch_up()
    run = indexer.index._folding.run
    run.total_steps, run.unread = 10, {"time": UnreadKey(1, True, '"soon"')}
    run.approximate_to = EntryID(1, 10)
    indexer.write(is_resting=True)
    told = named(section(read_page("docs/streams.md"), "Index"))
    assert told.keys() == store.fields.keys()

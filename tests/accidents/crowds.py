"""There are more files than the broker keeps sessions."""

from tests.accidents.followers import BrokerFollower
from tests.accidents.stage import Stage
from tests.accidents.table import accident


@accident(starts_itself=True, is_for_all=False)
def more_files_than_sessions_are_kept(stage: Stage) -> None:
    """Each takes the place of the one before, and goes on where it was."""
    follower = stage.follower
    assert isinstance(follower, BrokerFollower)
    stage.start(max_sessions=1)
    for _ in range(3):
        for name in ("a.jsonl", "b.jsonl"):
            stage.append(name, 3)
            stage.wait_until_told()
            stage.wait(lambda: len(follower.kept()) == 1, "that one is taken out")

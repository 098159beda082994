"""Which metric stands for a run."""

from tailcast_index.meaning import rank_of


def test_the_main_metric_is_told_by_its_name() -> None:
    """Losses first, then what else is trained for; what is held out comes after it."""
    names = [
        "train_loss",
        "actor_loss",
        "val/loss",
        "episode_reward",
        "accuracy",
        "val.acc",
        "phi",
        "val_phi",
        "learning_rate",
    ]
    assert [rank_of(name) for name in names] == sorted(map(rank_of, names))
    assert len(set(map(rank_of, names))) == len(names)
    assert rank_of("Loss") == rank_of("train/loss") == 0
    assert rank_of("lr") > rank_of("phi") == rank_of("glossary")

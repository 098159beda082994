"""What a run says of itself: its settings and its names."""

from tailcast_index.meaning import About, Choice, SettingsFinder, about_run


def test_a_header_says_what_a_run_is() -> None:
    """As Spectria's does."""
    header: dict[str, object] = {
        "spectria_version": 1,
        "project": "digits",
        "run": "run-a",
        "baseline": None,
        "config": {"lr": 0.001},
        "tags": ["a", 3, "b"],
        "notes": "n" * 2_000,
        "group": "g",
    }
    assert about_run(header) == About(
        {"lr": 0.001}, "run-a", "digits", "g", "n" * 1_024, ("a", "b")
    )


def test_a_document_may_be_settings_as_a_whole() -> None:
    """Like `args.json`; unless it has an object of them."""
    args: dict[str, object] = {"lr": 0.1, "name": "x"}
    assert about_run(args, is_settings=True).settings == args
    assert about_run({"config": {"lr": 1}}, is_settings=True).settings == {"lr": 1}
    assert about_run({"name": 3, "notes": "", "tags": "a"}) == About()


def test_settings_stand_on_the_lines_of_some() -> None:
    """At the top, or in the envelope."""
    bare = SettingsFinder(Choice())
    assert bare.find({"loss": 1, "config": {"lr": 0.1}}) == {"lr": 0.1}
    enveloped = SettingsFinder(Choice(envelopes=(("payload",), ("metrics",))))
    fields: dict[str, object] = {"payload": {"hparams": {"lr": 0.2}}, "config": {}}
    assert enveloped.find(fields) == {"lr": 0.2}
    assert enveloped.find({"config": {"lr": 1}, "payload": fields}) == {"lr": 1}
    assert enveloped.find({"config": "lr = 0.02", "payload": {}}) is None

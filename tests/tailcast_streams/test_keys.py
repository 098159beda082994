"""The names of keys."""

import pytest

from tailcast_streams.keys import EMERGENCIES, Keys, check_key_prefix


keys = Keys("telemetry")


def test_all_keys_of_a_session_share_its_hash_tag() -> None:
    """One script may touch them, in a cluster too."""
    assert keys.stream("s") == "telemetry:{s}:stream"
    assert keys.state("s") == "telemetry:{s}:state"
    assert keys.rejected("s") == "telemetry:{s}:rejected"
    assert keys.about("s") == "telemetry:{s}:about"
    assert keys.edits("s") == "telemetry:{s}:edits"
    assert keys.of_index("s") == [
        "telemetry:{s}:index",
        "telemetry:{s}:metrics",
        "telemetry:{s}:places",
        "telemetry:{s}:places:time",
        *(f"telemetry:{{s}}:rollup:{32 * 8**power}" for power in range(7)),
    ]
    assert keys.of_session("s") == [
        keys.stream("s"),
        keys.state("s"),
        keys.rejected("s"),
        *keys.of_index("s"),
        keys.about("s"),
    ]


def test_what_would_move_or_hide_a_key_is_encoded() -> None:
    """Braces, percent signs and control characters; two names never share a key."""
    assert keys.stream("a{b}%\n/ü") == "telemetry:{a%7Bb%7D%25%0A/ü}:stream"
    assert keys.stream("a{b") != keys.stream("a%7Bb")


def test_what_is_kept_of_emergencies_lies_beside_the_documents() -> None:
    """One script may touch all of it; names in it are as they are in keys."""
    assert keys.of_emergencies() == [
        f"telemetry:{{emergencies}}:{name}"
        for name in ("times", "order", "known", "records", "lives")
    ]
    assert keys.emergencies_acknowledged == "telemetry:{emergencies}:acknowledged"
    assert keys.escaped("a\tb") == "a%09b"


def test_documents_have_a_stream_of_their_own() -> None:
    """In the slot of the set that says which were seen."""
    assert keys.stream(EMERGENCIES) == "telemetry:{emergencies}"
    assert keys.emergencies_seen == "telemetry:{emergencies}:seen"


def test_keys_without_a_session_have_plain_names() -> None:
    """Another prefix is another deployment."""
    other = Keys("other")
    assert (other.sessions, other.feed) == ("other:sessions", "other:feed")
    assert other.presence("host:logs") == "other:presence:host:logs"
    assert other.awake("host:{b}") == "other:presence:{awake}:host:%7Bb%7D"
    assert other.client("a:{b}%") == "other:client:a:%7Bb%7D%25"
    assert other.sources_of("host:/{b}") == "other:sources:host:/%7Bb%7D"


@pytest.mark.parametrize("prefix", ["telemetry", "telemetry:x", "client", "a:clients"])
def test_prefixes_that_keep_apart(prefix: str) -> None:
    """None of their keys is one of another prefix, whatever clients are called."""
    assert check_key_prefix(prefix) == prefix


@pytest.mark.parametrize("name", ["client", "presence", "sources"])
@pytest.mark.parametrize("prefix", ["telemetry:{}", "telemetry:{}:x", "a:b:{}"])
def test_prefixes_that_another_one_owns(prefix: str, name: str) -> None:
    """A client called `sessions` would have the key that lists all sessions."""
    with pytest.raises(ValueError, match=f"leave out :{name}"):
        check_key_prefix(prefix.format(name))
    outer = Keys("telemetry")
    assert outer.client("sessions") == Keys("telemetry:client").sessions


@pytest.mark.parametrize(
    "session", ["a", "x{y}%7B", "ünï/cødé", "new\nline", "a:state"]
)
def test_a_session_is_found_by_the_key_of_its_state(session: str) -> None:
    """Whatever it is called; no other key is one of a state."""
    keys = Keys("p*[x]")
    assert keys.session_of(keys.state(session)) == session
    for other in (keys.stream(session), keys.sessions, keys.claims, "x" + keys.births):
        assert keys.session_of(other) == ""


def test_characters_of_a_prefix_mean_themselves_in_patterns() -> None:
    """Or the keys of other installations would be found too."""
    assert Keys("telemetry").state_pattern == "telemetry:{*}:state"
    assert Keys("a*?[b-c]\\").state_pattern == r"a\*\?\[b\-c\]\\:{*}:state"

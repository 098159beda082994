"""The names of keys."""

from telemetry_stream.keys import EMERGENCIES, Keys


keys = Keys("telemetry")


def test_all_keys_of_a_session_share_its_hash_tag() -> None:
    """One script may touch them, in a cluster too."""
    assert keys.stream("s") == "telemetry:{s}:stream"
    assert keys.state("s") == "telemetry:{s}:state"
    assert keys.rejected("s") == "telemetry:{s}:rejected"


def test_what_would_move_or_hide_a_key_is_encoded() -> None:
    """Braces, percent signs and control characters; two names never share a key."""
    assert keys.stream("a{b}%\n/ü") == "telemetry:{a%7Bb%7D%25%0A/ü}:stream"
    assert keys.stream("a{b") != keys.stream("a%7Bb")


def test_documents_have_a_stream_of_their_own() -> None:
    """In the slot of the set that says which were seen."""
    assert keys.stream(EMERGENCIES) == "telemetry:{emergencies}"
    assert keys.emergencies_seen == "telemetry:{emergencies}:seen"


def test_keys_without_a_session_have_plain_names() -> None:
    """Another prefix is another deployment."""
    other = Keys("other")
    assert (other.sessions, other.feed) == ("other:sessions", "other:feed")
    assert other.presence("host:logs") == "other:presence:host:logs"
    assert other.client("a:{b}%") == "other:client:a:%7Bb%7D%25"

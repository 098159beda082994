"""What sessions are called: a function of the path and of the roots."""

import pytest
from hypothesis import given, strategies as st

from tailcast_tailer.core.session_names import root_names, session_names
from tailcast_tailer.core.texts import as_text


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ("a.jsonl", "a"),
        ("x/a.ndjson", "x/a"),
        ("x/scalars.json", "x/scalars.json"),
        ("t.rank_0.2026-AB12.jsonl", "t.rank_0.2026-AB12"),
        ("train.log", "train.log"),
        ("x.d/log", "x.d/log"),
        (".jsonl", ".jsonl"),
        ("x/.jsonl", "x/.jsonl"),
        ("!emergencies.jsonl", r"\x21emergencies"),
        ("caf\udce9.jsonl", r"caf\xe9"),
    ],
)
def test_the_extension_of_lines_goes_and_others_stay(below: str, expected: str) -> None:
    """Nothing is refused for its name."""
    names = session_names(below, "/l/" + below, root="", prefix="")
    assert names[0] == expected
    assert not names[0].startswith("!")
    names[0].encode()


def test_what_stands_before_a_name() -> None:
    """The machine's prefix, then the root's name."""
    names = session_names("x/a.jsonl", "/r/x/a.jsonl", root="exp1", prefix="node-7/")
    assert names[:2] == ["node-7/exp1/x/a", "node-7/exp1/x/a.jsonl"]


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (["/a/exp1"], [""]),
        (["/a/exp1", "/a/exp2"], ["exp1", "exp2"]),
        (["/a/x/run", "/a/y/run", "/c/other"], ["x/run", "y/run", "other"]),
        (["/b", "/a/b"], ["b", "a/b"]),
        (["/", "/a"], ["", "a"]),
    ],
)
def test_roots_are_called_by_what_tells_them_apart(
    roots: list[str], expected: list[str]
) -> None:
    """One alone has no name."""
    assert root_names(roots) == expected


_parts = st.sampled_from(["a", "b", "runs", "x.y"])
_roots = st.lists(
    st.lists(_parts, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(_roots, st.randoms())
def test_names_of_roots_differ_in_any_order(roots: list[str], random: object) -> None:
    """The order in which they are given changes nothing."""
    names = dict(zip(roots, root_names(roots), strict=True))
    assert len(set(names.values())) == len(roots)
    shuffled = sorted(roots, reverse=True)
    assert dict(zip(shuffled, root_names(shuffled), strict=True)) == names


@given(st.text(min_size=1).filter(lambda text: "/" not in text and "\0" not in text))
def test_the_last_name_is_of_this_path_alone(name: str) -> None:
    """Whatever is taken, there is a name left, and every name can be encoded."""
    one = session_names(name, "/one/" + name, root="", prefix="")
    other = session_names(name, "/other/" + name, root="", prefix="")
    assert one[-1] != other[-1]
    assert one[0] == other[0]
    assert all(text == text.encode().decode() for text in one)


def test_bytes_that_are_no_text_are_shown() -> None:
    """As an escape."""
    assert as_text("/l/caf\udce9") == r"/l/caf\xe9"

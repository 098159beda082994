"""Proofs fail on bytes that were read and differ, and on nothing else."""

import pytest

from tailcast_tailer.core.proofs import (
    Ending,
    Verdict,
    check,
    check_marker,
    prove_head,
    prove_marker,
    reach,
)


DATA = bytes(range(1, 251)) * 40


def test_head_proof_has_the_lengths_that_there_are() -> None:
    """It grows with the file, and holds for every file that begins so."""
    assert prove_head(DATA[:63]) == ""
    assert reach(prove_head(DATA[:300])) == 256
    assert reach(prove_head(DATA)) == 4_096
    assert check(prove_head(DATA), DATA + b"more") is Verdict.HOLDS


def test_shorter_file_is_held_against_what_it_has() -> None:
    """The longest comparable length decides."""
    proof = prove_head(DATA)
    assert check(proof, DATA[:300]) is Verdict.HOLDS
    assert check(proof, DATA[:63]) is Verdict.UNSEEN
    assert check(proof, b"x" + DATA[1:300]) is Verdict.DIFFERS


def test_marker_proof_covers_the_last_bytes() -> None:
    """At most four kibibytes before the offset."""
    proof = prove_marker(DATA)
    assert reach(proof) == 4_096
    assert check(proof, DATA[-4_096:] + b"what follows") is Verdict.HOLDS
    assert check(proof, DATA[-4_096:-1] + b"x") is Verdict.DIFFERS
    assert check(proof, DATA[-4_095:]) is Verdict.UNSEEN


@pytest.mark.parametrize("proof", [prove_marker(b""), "nonsense"])
def test_no_proof_holds(proof: str) -> None:
    """Where nothing was proved nothing can disagree."""
    assert reach(proof) == 0
    assert check(proof, b"anything") is Verdict.HOLDS


def test_nuls_prove_nothing_until_they_stay() -> None:
    """They may be bytes that are not visible yet."""
    proof = prove_head(DATA)
    late_hole = DATA[:1_500] + b"\0" * 2_596
    assert check(proof, late_hole) is Verdict.UNSEEN
    assert check(proof, late_hole, nuls_are_bytes=True) is Verdict.DIFFERS
    early_hole = b"\0" * 4_096
    assert check(proof, early_hole) is Verdict.UNSEEN
    other_file = b"x" * 1_500 + b"\0" * 2_596
    assert check(proof, other_file) is Verdict.DIFFERS


def test_a_proved_hole_holds() -> None:
    """NULs that were read as such are as good as any byte."""
    data = b"a" * 100 + b"\0" * 100
    assert check(prove_marker(data), data) is Verdict.HOLDS


@pytest.mark.parametrize("length", [2, 40, 9_000])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_a_newline_that_is_to_come_counts_as_there(length: int, newline: bytes) -> None:
    """Whether all of it is missing, or its last byte; and nothing else may come."""
    line = b"x" * length
    proof = prove_marker(line + newline)
    behind = slice(length + len(newline) - reach(proof), None)

    def look(data: bytes) -> tuple[Verdict, Ending]:
        return check_marker(proof, data[behind])

    for there in range(len(newline)):
        assert look(line + newline[:there]) == (Verdict.HOLDS, Ending.AWAITED)
    assert look(line + newline + b"more") == (Verdict.HOLDS, Ending.AS_PROVED)
    assert look(line[1:])[0] is Verdict.UNSEEN
    for other in (b"{}", b"  \n"):
        assert look(line + other) == (Verdict.DIFFERS, Ending.CONTINUED)
    changed = b"y" * length + newline
    assert look(changed) == (Verdict.DIFFERS, Ending.AS_PROVED)
    assert look(changed[: length - 3])[0] is Verdict.UNSEEN


def test_where_nothing_was_read_no_newline_is_due() -> None:
    """Nor is one where a newline alone was."""
    assert check_marker("", b"") == (Verdict.HOLDS, Ending.AS_PROVED)
    assert check_marker(prove_marker(b"\n"), b"") == (
        Verdict.UNSEEN, Ending.AS_PROVED,
    )  # fmt: skip

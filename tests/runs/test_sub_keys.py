"""Keys of steps in sub-patterns: tokens, and no two alike."""

from hypothesis import given
from hypothesis import strategies as st

from penstock.contracts.wire import is_token
from penstock.runs import keys

TOKENS = st.text("ab-_", min_size=1, max_size=64).filter(lambda key: keys.fault(key) is None)
PATHS = st.lists(TOKENS, min_size=1, max_size=8).map(tuple)


@given(one=PATHS, other=PATHS)
def test_two_paths_have_two_keys(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    mine, others = (keys.as_token(keys.BETWEEN.join(path)) for path in (one, other))
    assert is_token(mine)
    assert (mine == others) == (one == other)


def test_a_short_key_can_be_read() -> None:
    assert keys.as_token("sea__chapter-1__write-1") == "sea__chapter-1__write-1"


def test_what_could_be_anothers_key_is_refused() -> None:
    assert [key for key in ("a__b", "_a", "a_", "start", "a.b", "x" * 65, "a_b", "a-1") if not keys.fault(key)] == [
        "a_b",
        "a-1",
    ]

"""What the property tests draw: JSON values, their texts, cuts of a text, and texts that are almost JSON."""

import json
from typing import Any

from hypothesis import strategies as st

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
#: Also what is hard in strings: quotes, escapes, line separators, characters beyond the first plane.
strings = st.text(
    st.sampled_from('ab"\\/\n\x85\u2028\u2029é😀~') | st.characters(exclude_categories=["Cs"]), max_size=12
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars | strings,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(strings, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def _json_text(draw: st.DrawFn) -> str:
    return json.dumps(
        draw(values), ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, None, 1]))
    )  # fmt: skip


json_texts = _json_text()


@st.composite
def chunked(draw: st.DrawFn, text: str) -> list[str]:
    """`text` cut anywhere, now and then into single characters."""
    if draw(st.integers(0, 3)) == 0:
        return list(text)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    text = draw(json_texts)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 3))
        text = (
            text[:at] + draw(st.text('{}[],:"\\0123456789-+.eEtrufalsn \n\x01uUdD8cNI', max_size=3)) + text[at + cut :]
        )
    return text


junk = _mutated() | st.text('{}[],:"\\01.-eEtrue u', max_size=12)

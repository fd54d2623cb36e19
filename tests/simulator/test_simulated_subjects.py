"""What a reply is about: the user's own things, in words that stand together."""

import pytest
from google.genai import types
from google.genai.client import AsyncClient

from simulator.terms import terms_in

loop = pytest.mark.asyncio(loop_scope="module")
COPY = """Write marketing copy, about 120 words, for what this brief describes:

```text
A solar lantern for campers that charges in two hours
```

Say what is better in the reader's day because of it."""


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("A solar lantern for campers that charges in two hours", ["solar lantern", "campers"]),
        ("Our API answers 502 errors after the last database deploy.", ["database deploy", "API", "errors"]),
        ("Let customers save a cart and share it by a link", ["customers", "cart", "link"]),
        ("Either party may end this agreement.", ["party", "agreement"]),
        ("I was charged twice for my order and want a refund", ["order", "refund"]),
        ("def find(db, name):\n    return db.execute(name)", ["`find`", "`execute`"]),
        ("What reaches `find` is trusted; `execute` runs it.", ["`find`", "`execute`"]),
        ("", []),
    ],
)
def test_terms_are_things_and_not_what_is_done_with_them(text: str, terms: list[str]) -> None:
    assert terms_in(text) == terms


@loop
async def test_copy_is_about_the_brief_and_not_about_its_instructions(gemini: AsyncClient) -> None:
    reply = await gemini.models.generate_content(model="gemini-3-pro", contents=COPY)
    text = (reply.text or "").lower()
    assert "solar lantern" in text
    assert not any(word in text for word in ("marketing", "copy", "brief"))


@loop
async def test_an_object_too_speaks_of_what_the_user_gave_first(gemini: AsyncClient) -> None:
    """Later fences hold what models made of it."""
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_json_schema={"type": "object", "properties": {"feedback": {"type": "string"}}},
    )
    prompt = f"{COPY}\n\nThis is the first draft:\n\n```text\nEvenings, evenings, evenings!\n```\n\nScore it."
    reply = await gemini.models.generate_content(model="gemini-3-pro", contents=prompt, config=config)
    assert "solar lantern" in (reply.text or "")
    assert "vening" not in (reply.text or "")

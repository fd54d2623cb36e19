"""Each call of a model is two lines in the log: what is asked of whom, and how long it took and what it used."""

from contextlib import aclosing

import pytest

from penstock.errors import PenstockError
from penstock.llm.client import Llm
from penstock.llm.selector import Asked
from tests.llm.asking import PROMPT, asked, chunks, text_of
from tests.support.log_records import lines_of
from tests.support.simulator import Steering

CALLS = "penstock.llm.calls"
ANSWER = "The river bends."


async def test_a_call_that_completes(llm: Llm, steering: Steering) -> None:
    """The guide's `generateWithLogging`, with figures; nothing of what is asked and answered."""
    await steering.rule(reply={"text": ANSWER})
    with lines_of(CALLS) as lines:
        received = await chunks(llm, model=Asked("gemini-3.8-flash", "low", 0.5))
    begun, ended = lines
    wanted = {"message": "model call begins", "model": "gemini-3.8-flash", "thinking": "low", "temperature": 0.5}
    assert wanted.items() <= begun.items()
    assert begun["prompt_chars"] == len(PROMPT.system) + len(PROMPT.turns[0].text)
    assert (ended["message"], ended["reply_chars"]) == ("model call completed", len(text_of(received)))
    assert ended["model"].endswith("gemini-3.8-flash")
    assert 0 <= ended["first_piece_ms"] <= ended["duration_ms"]
    assert min(ended["prompt_tokens"], ended["output_tokens"]) > 0
    assert ANSWER not in str(lines)
    assert PROMPT.system not in str(lines)


async def test_where_a_setting_allows_it_it_is_said_what_was_asked_and_answered(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": ANSWER})
    with lines_of(CALLS, contents=True) as lines:
        await chunks(llm)
    begun, ended = lines
    assert begun["prompt"] == f"system: {PROMPT.system}\n\nuser: {PROMPT.turns[0].text}"
    assert ended["reply"] == ANSWER


async def test_one_that_fails_says_why_by_its_code(llm: Llm, steering: Steering) -> None:
    await steering.rule(fault={"status": 503})
    with lines_of(CALLS) as lines, pytest.raises(PenstockError):
        await chunks(llm)
    assert [line["message"] for line in lines] == ["model call begins", "model call failed"]
    assert (lines[1]["code"], lines[1]["reply_chars"]) == ("model_unavailable", 0)


async def test_one_that_is_given_up_has_an_end_too(llm: Llm, steering: Steering) -> None:
    await steering.rule(reply={"text": ANSWER, "hold": "rest"})
    with lines_of(CALLS) as lines:
        async with aclosing(asked(llm)) as pieces:
            await anext(pieces)
    assert [line["message"] for line in lines] == ["model call begins", "model call given up"]

"""What makes two prompts the same question."""

from itertools import combinations

from penstock.contracts.prompt import Prompt
from penstock.contracts.turns import TextPiece, ToolCall, Turn
from penstock.llm.request import words_of


def called(**args: object) -> Prompt:
    return Prompt("", (Turn(role="model", parts=(ToolCall(name="add", args=args),)),))


def test_no_two_prompts_say_the_same() -> None:
    """Half a surrogate pair, which no JSON of pydantic's has, included."""
    different = [
        Prompt.user("a"),
        Prompt.user("a", system="a"),
        Prompt("", (Turn.of("model", "a"),)),
        Prompt("", (Turn.of("user", "a"), Turn.of("user", "a"))),
        Prompt("", (Turn(role="user", parts=(TextPiece(text="a"), TextPiece(text="a"))),)),
        Prompt("", (Turn(role="user", parts=(TextPiece(text="a", signature="aa"),)),)),
        Prompt.user("\ud83d"),
        Prompt.user("\ude00"),
        Prompt.user("\\ud83d"),
        called(x=1),
        called(x="1"),
        called(x=[1]),
        called(),
    ]
    for one, other in combinations(different, 2):
        assert words_of(one) != words_of(other)
    assert words_of(Prompt.user("\ud83d")) == words_of(Prompt.user("\ud83d"))

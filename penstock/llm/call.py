"""One call to a model: whom it is for, what its reply comes in, what it has cost."""

from dataclasses import dataclass
from typing import Literal

from penstock.contracts.turns import TextPiece, ToolCall
from penstock.contracts.usage import Usage
from penstock.contracts.wire import Tolerant


@dataclass(frozen=True, slots=True)
class CallLabels:
    """Job id, step key and step name: all of them tokens, so they are safe in a header."""

    job: str
    key: str
    step: str

    def headers(self) -> dict[str, str]:
        return {"X-Penstock-Job": self.job, "X-Penstock-Key": self.key, "X-Penstock-Step": self.step}


class Finished(Tolerant):
    """The reply is complete. Always the last chunk, exactly once, and only on success."""

    kind: Literal["finished"] = "finished"
    usage: Usage
    finish_reason: str
    #: The version that answered, as it says itself; the name asked for where it does not say.
    model: str


Chunk = TextPiece | ToolCall | Finished


class Meter:
    """Given to `Llm.stream`, it is up to date when the stream has ended, however it ended.

    Usage is the last that the model reported: of a call that was aborted, what had been produced until then.
    A call that was refused before it had an answer (429, 5xx, 4xx) costs nothing and is not counted.
    """

    def __init__(self) -> None:
        self.usage = Usage()
        #: The last version that answered; None before the first answer.
        self.model: str | None = None

    def add(self, usage: Usage, model: str) -> None:
        self.usage += usage
        self.model = model

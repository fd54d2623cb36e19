"""What calls have cost so far: also those that failed, and those that were cut short."""

from penstock.contracts.usage import Usage


class Meter:
    """Given to `Llm.stream`, it is read up to date when the stream has ended, however it ended.

    Usage is the last that the model reported: of a call cut short, what had been produced until then.
    A call that was refused before it had an answer (429, 5xx, 4xx) costs nothing and is not counted.
    """

    def __init__(self) -> None:
        self.usage = Usage()
        #: The last version that answered; None before the first answer.
        self.model: str | None = None

    def add(self, usage: Usage, model: str) -> None:
        self.usage += usage
        self.model = model

"""What is known of calls to a model, however they end."""

from penstock.contracts.usage import Usage


class Meter:
    """Given to `Llm.stream`, it is up to date when the stream has ended, however it ended.

    Usage is the last that the model reported: of a call that was aborted, what had been produced until then.
    A call that was refused before it had an answer (429, 5xx, 4xx) costs nothing and is not counted.
    """

    def __init__(self) -> None:
        self.usage = Usage()
        #: The last version that answered, as it says itself (else the name asked for); None before the first answer.
        self.model: str | None = None

    def add(self, usage: Usage, model: str) -> None:
        self.usage += usage
        self.model = model

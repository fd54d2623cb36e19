"""The words of a turn that a model with tools writes, as pieces of one part."""

from penstock.document.writing import Piece, TextPieces


class WordPieces(TextPieces):
    """Text without white space at either end; no part where there is nothing else."""

    def __init__(self, into: str) -> None:
        super().__init__(into)
        self._space = ""

    def feed(self, text: str) -> list[Piece]:
        text = self._space + text if self._text else text.lstrip()
        words = text.rstrip()
        self._space = text[len(words) :]
        return super().feed(words)

    def finish(self) -> list[Piece]:
        return super().finish() if self._text else []

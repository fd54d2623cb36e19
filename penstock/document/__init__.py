"""The result as a document that grows in public: written in pieces by the steps, read by everyone.

    model's text ──▶ TextPieces, JsonPieces ──▶ events ──▶ Reader ──▶ Document    one Python value, all parts at once
                                                                 └──▶ LinearJSON  one JSON text, in document order

    values by pointer ──▶ Placed ──▶ the value they make together

Pure code: no clock, no I/O, no event loop.
"""

from penstock.document.json_text.linear import LinearJSON
from penstock.document.json_text.shape import Shape
from penstock.document.placing import ABSENT, Branch, Placed, spread
from penstock.document.pointer import join
from penstock.document.reading import Document, Reader
from penstock.document.shown import shown, shown_anew
from penstock.document.words import WordPieces
from penstock.document.writing import JsonPieces, Piece, TextPieces

__all__ = [
    "ABSENT",
    "Branch",
    "Document",
    "JsonPieces",
    "LinearJSON",
    "Piece",
    "Placed",
    "Reader",
    "Shape",
    "TextPieces",
    "WordPieces",
    "join",
    "shown",
    "shown_anew",
    "spread",
]

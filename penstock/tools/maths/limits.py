"""The sizes that both ends of the sandbox know."""

from typing import Final

#: Expressions are written by hand or by a model; longer ones are attacks or mistakes, and are not even parsed.
MAX_CHARACTERS: Final = 2_000
MAX_OUTPUT: Final = 4_000

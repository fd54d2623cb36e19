"""Text to syntax tree, in a mathjs-like dialect, without evaluating anything.

Why a grammar of our own: sympy's `sympify` and `parse_expr` (and its Maxima and `ast` parsers) pass the text
to Python's `eval` (sympy issue 10805, PR 27763); its LaTeX and Mathematica parsers do not, but read other
dialects; pint reads units without `eval`, but numbers through `tokenize`. None knows `2x + 3 = 11`,
`12.7 cm to inch` or `80 + 15%`. lark builds a table-driven LALR parser from `grammar.lark` once, then only
matches regular expressions and shifts tokens: linear in the text, no recursion, no code made from it.
"""

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from penstock.tools.maths.errors import SyntaxProblem, TooLarge
from penstock.tools.maths.limits import MAX_CHARACTERS
from penstock.tools.maths.vocabulary import FUNCTION_NAMES

MAX_DEPTH: Final = 60
MAX_TOKEN: Final = 500

_SPELLINGS: Final = {
    "×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "²": "^2", "³": "^3",
    "π": " pi ", "τ": " tau ", "φ": " phi ", "∞": " Infinity ", "√": " sqrt ", "°C": " degC ", "°F": " degF ",
    "°": " deg ", "≤": "<=", "≥": ">=", "≠": "!=", "“": '"', "”": '"', "’": "'", "\u00a0": " ", "**": "^",
}  # fmt: skip
_SPELLING: Final = re.compile("|".join(re.escape(spelling) for spelling in _SPELLINGS))
_BARS: Final = re.compile(r"\|([^|]+)\|")
_THOUSANDS: Final = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?!\d)")
_SURFACE: Final = {"PERCENT_MOD": "%", "PLUS": "+", "MINUS": "-", "STAR": "*", "SLASH": "/", "EQUAL": "="}

Node = Tree[Token]


def parse(text: str) -> list[Node]:
    """The statements of a text. Raises SyntaxProblem or TooLarge; its cost is linear in the length."""
    written = _normalised(text)
    try:
        tree = _grammar().parse(written)
    except UnexpectedInput as problem:
        raise SyntaxProblem(_explanation(problem, written)) from None
    if not tree.children:
        raise SyntaxProblem("the expression is empty")
    return [child for child in tree.children if isinstance(child, Tree)]


def parse_one(text: str) -> Node:
    """The only statement of a text."""
    statements = parse(text)
    if len(statements) != 1:
        raise SyntaxProblem(f"one expression is needed, found {len(statements)}")
    return statements[0]


def names_in(nodes: Iterable[Node]) -> set[str]:
    """Every name used in the trees, functions left out."""
    return {str(name.children[0]) for node in nodes for name in node.find_data("name")}


def _normalised(text: str) -> str:
    if len(text) > MAX_CHARACTERS:
        raise TooLarge(f"the expression has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read")
    text = _BARS.sub(r"abs(\1)", text)
    text = _SPELLING.sub(lambda found: _SPELLINGS[found.group()], text)
    strange = next((character for character in text if not character.isascii()), None)
    if strange is not None:
        raise SyntaxProblem(f"the character {strange!r} (U+{ord(strange):04X}) is not part of an expression")
    longest = max((len(word) for word in re.findall(r"\w+", text)), default=0)
    if longest > MAX_TOKEN:
        raise TooLarge(f"a number or name of {longest} characters is too long; at most {MAX_TOKEN}")
    return _lines_to_statements(text)


def _lines_to_statements(text: str) -> str:
    """A line ends a statement unless a bracket is open. Outside brackets, 1,000 is no list of two numbers."""
    depth = 0
    written = []
    thousands = {found.start() for found in _THOUSANDS.finditer(text)}
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and position in thousands:
            raise SyntaxProblem("write numbers without thousands separators: 1000, not 1,000")
        if depth > MAX_DEPTH:
            raise TooLarge(f"brackets are nested more than {MAX_DEPTH} deep")
        written.append(";" if character == "\n" and depth <= 0 else character)
    return "".join(written)


def _explanation(problem: UnexpectedInput, text: str) -> str:
    if isinstance(problem, UnexpectedEOF) or (isinstance(problem, UnexpectedToken) and problem.token.type == "$END"):
        return "the expression ends too early: an operand or a closing bracket is missing"
    at = getattr(problem, "pos_in_stream", 0) or 0
    near = text[max(0, at - 15) : at + 15].strip()
    if isinstance(problem, UnexpectedCharacters):
        return f"{text[at]!r} at position {at + 1} is not part of an expression (near {near!r})"
    if isinstance(problem, UnexpectedToken):
        found = _SURFACE.get(problem.token.type, str(problem.token))
        return f"{found!r} is not expected at position {at + 1} (near {near!r})"
    return f"the expression cannot be read near {near!r}"


@cache
def _grammar() -> Lark:
    text = files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    longest_first = sorted(FUNCTION_NAMES, key=len, reverse=True)
    call = f"CALL.5: /(?:{'|'.join(longest_first)})(?=\\s*\\()/"
    return Lark(f"{text}\n{call}\n", parser="lalr", lexer="contextual", propagate_positions=False)

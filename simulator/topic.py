"""What a prompt is about: its words, its quoted material, and whether it speaks of a revised version."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from simulator.stopwords import stopwords
from simulator.terms import terms_in

_WORD = re.compile(r"[^\W\d_][\w'-]{2,}")
_READ_CHARS = 20_000
_TERM_FILL = ("everyday use", "first-time users", "the edge cases", "the open questions")
_CODE_FILL = ("the caller", "the input", "the result", "the error path")
#: Members' names in quoted JSON, and the mark that a simulated translation bears.
_NOISE = re.compile(r'"\w+":|^\[[^\]\n]{2,60}\]', re.MULTILINE)
_FILL = ("request", "reader", "goal", "detail")
_OPENING = re.compile(r"<(?P<tag>[a-zA-Z_][\w-]*)>|(?P<fence>`{3,})[\w-]*\n|(?P<triple>\"\"\")")
_LABELLED = re.compile(r"^[A-Z][\w ]{2,40}:[ \t]*\n?(.+?)(?=\n\s*\n|\Z)", re.DOTALL | re.MULTILINE)
_REVISED = re.compile(
    r"\b(?:revised|improved|rewritten|refined|reworked|second|updated)\s+(?:version|draft|text|translation|content|copy)\b"
    r"|, revised\]|\b(?:iteration|attempt|round|revision|version)\s*[:#]?\s*[2-9]\b"
    r"|\bhas (?:already )?been (?:revised|improved|rewritten)\b",
    re.IGNORECASE,
)
_REWRITE = re.compile(
    r"\bfeedback\b|\b(?:improve|revise|rewrite|rework|refine)\s+(?:the|this|that|your|it|on)\b"
    r"|\bwrite the (?:improved|revised|better)\b|\byou (?:improve|revise|rewrite)\b",
    re.IGNORECASE,
)
_TASK_ID = re.compile(r"\btask[\s_-]*id\b[\s\"'`*]*[:=]?[\s\"'`*]*([\w-]{1,64})", re.IGNORECASE)
_TASK_TITLE = re.compile(r"\btask is [\w-]{1,64}, ([^(\n]{3,120})")
_LANGUAGES = (
    re.compile(r"\btranslat\w+\b[^.:\n]{0,30}?\b(?:in)?to\s+([\w][\w -]{1,40}?)\s*(?=[.:,;(\n]|$)", re.IGNORECASE),
    re.compile(r"\blanguage\b[\s\"'`*]*[:=][\s\"'`*]*([A-Za-z][\w-]{1,19})"),
    re.compile(r"\b(?:in|into|to)\s+([A-Z][a-z]{3,14})\b"),
)


@dataclass(frozen=True)
class Topic:
    """Reads the prompt's text; every property is computed on first use and then kept."""

    system: str
    text: str

    @cached_property
    def passages(self) -> list[str]:
        """What the prompt quotes: tags, fences, triple quotes, else labelled paragraphs; empty if nothing."""
        return _quoted(self.text) or _LABELLED.findall(self.text)

    @cached_property
    def material(self) -> str:
        """What the prompt quotes, else all of it."""
        return "\n".join(self.passages or [self.text])

    @cached_property
    def longest(self) -> str:
        """The longest quoted passage: the source text of a translation, the problem of a solution."""
        return max(self.passages or [self.text.split(":", 1)[-1]], key=len).strip()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The most telling words, most frequent first, never fewer than four."""
        found = _ranked(self.material)
        return tuple([*found, *(word for word in _FILL if word not in found)][:8])

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """What it is about, in one to three words each, the most telling first; never fewer than four.

        The first passage counts: it is what the user gave, and later ones are made from it.
        """
        found = terms_in(_NOISE.sub(" ", (self.passages or [self.text])[0][:_READ_CHARS]))
        fill = _CODE_FILL if found and found[0].startswith("`") else _TERM_FILL
        return tuple([*found[:8], *fill][: max(4, len(found[:8]))])

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """All words of the quoted material, in lower case."""
        return frozenset(word.lower() for word in _WORD.findall(self.material[:_READ_CHARS]))

    @cached_property
    def length(self) -> int:
        """Words in the quoted material."""
        return len(self.material.split())

    @cached_property
    def revised(self) -> bool:
        """The prompt speaks of a revised version of something."""
        return _REVISED.search(self.text) is not None

    @cached_property
    def rewrite(self) -> bool:
        """The prompt asks to rewrite something by feedback."""
        return _REWRITE.search(self.text) is not None or _REWRITE.search(self.system) is not None

    @cached_property
    def task_id(self) -> str | None:
        """The X of `Task id: X`, if the prompt has one."""
        found = _TASK_ID.search(self.text)
        return found.group(1) if found else None

    @cached_property
    def task_title(self) -> str | None:
        """The Y of `Your task is X, Y (…)`, if the prompt has one."""
        found = _TASK_TITLE.search(self.text)
        return found.group(1).strip() if found else None

    @cached_property
    def language(self) -> str:
        """The language that is asked for."""
        places = (self.text, self.system)
        found = (pattern.search(place) for pattern in _LANGUAGES for place in places)
        return next((one.group(1) for one in found if one), "English")


def _quoted(text: str) -> list[str]:
    found: list[str] = []
    missing: set[str] = set()  # what is not closed further on is not looked for again
    place = 0
    while opening := _OPENING.search(text, place):
        tag, fence = opening["tag"], opening["fence"]
        closing = f"</{tag}>" if tag else f"\n{fence}" if fence else '"""'
        start = opening.end()
        end = -1 if closing in missing else text.find(closing, start - 1 if fence else start)
        if end < 0:
            missing.add(closing)
        place = start if end < 0 else end + len(closing)
        if end > start:
            found.append(text[start:end].strip())
    return [one for one in found if one]


def _ranked(text: str) -> list[str]:
    counts = Counter(word.lower().strip("'-_") for word in _WORD.findall(text[:_READ_CHARS]))
    return [word for word, _ in counts.most_common(60) if word not in stopwords() and len(word) > 2][:12]

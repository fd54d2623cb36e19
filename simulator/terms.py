"""The things a text is about: words that stand together, without the verbs around them."""

from __future__ import annotations

import re
from collections import Counter

from simulator.stopwords import stopwords

_TOKEN = re.compile(r"[^\W\d_][\w'’-]*|\d[\w.,%]*|[^\w\s]")
_CODE_NAME = re.compile(r"`([A-Za-z_][\w.]{1,40})`")
_IDENTIFIER = re.compile(r"\b[A-Za-z_]\w{2,}\b")
_CODE_LINE = re.compile(
    r"^\s*(?:def|class|import|from|return|function|const|let|var|public|fn|func)\b.*[(;:{]|[{};]\s*$", re.MULTILINE
)
_STRING = re.compile(r"(?s)\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
#: After one of these a word is a verb: `that charges`, `may end`, `was charged`.
_BEFORE_VERB = frozenset(
    """that which who to may can could will would shall should must not i we you they it he she
    is are was were be been am has have had""".split()  # noqa: SIM905
)
#: Before one of these a word is a verb: `save a cart`, `share it`.
_AFTER_VERB = frozenset(
    "a an the this these those our your my their its his her it them us me him".split()  # noqa: SIM905
)
_LONGEST = 3


def terms_in(text: str) -> list[str]:
    """The terms of a text, the most telling first: named code, else what is said most often and most fully."""
    named = _CODE_NAME.findall(text)
    if named:
        return [f"`{name}`" for name in dict.fromkeys(named)]
    if len(_CODE_LINE.findall(text)) >= 1:
        return _names(text)
    return _phrases(text)


def _names(code: str) -> list[str]:
    counts = Counter(name for name in _IDENTIFIER.findall(_STRING.sub(" ", code)) if name.lower() not in stopwords())
    return [f"`{name}`" for name, _ in counts.most_common(12)]


def _phrases(text: str) -> list[str]:
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for run in _runs(_TOKEN.findall(text)):
        phrase = " ".join(run)
        counts[phrase.lower()] += 1
        shown.setdefault(phrase.lower(), phrase)
    order = {phrase: place for place, phrase in enumerate(counts)}
    ranked = sorted(counts, key=lambda phrase: (-counts[phrase], " " not in phrase, order[phrase]))
    return [_in_sentence(shown[phrase]) for phrase in ranked]


def _runs(tokens: list[str]) -> list[list[str]]:
    """Telling words that stand side by side, without a verb at either end."""
    runs: list[list[str]] = []
    run: list[str] = []
    before = ""
    led_by = ""
    for token in [*tokens, "."]:
        word = token.lower().strip("'’-")
        telling = token[0].isalpha() and len(word) > 2 and word not in stopwords()
        if telling:
            led_by = before if not run else led_by
            run.append(token.strip("'’-"))
        elif run:
            if word in _AFTER_VERB:
                run.pop()
            if run and led_by in _BEFORE_VERB:
                run.pop(0)
            if run:
                runs.append(run[-_LONGEST:])
            run = []
        before = word
    return runs


def _in_sentence(phrase: str) -> str:
    """A capital that only began a sentence goes; API stays."""
    return phrase if phrase[1:].lower() != phrase[1:] or " " in phrase else phrase.lower()

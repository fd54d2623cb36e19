"""Translations that say what they are: the source's words behind the name of the language."""

from __future__ import annotations

import re

from simulator.topic import Topic

_ASKED = re.compile(r"\btranslat(?:es?|ions?|ors?|ing)\b", re.IGNORECASE)
_MARK = re.compile(r"^\[[^\]\n]{2,60}\]\s*")


def is_translation(topic: Topic) -> bool:
    """The prompt asks for a translation."""
    return _ASKED.search(topic.text) is not None or _ASKED.search(topic.system) is not None


def translated(topic: Topic) -> str:
    """`[French] <source>`; `[French, revised] <source>` if feedback is to be worked in."""
    source = _MARK.sub("", topic.longest)
    return f"[{topic.language}, revised] {source}" if topic.rewrite else f"[{topic.language}] {source}"

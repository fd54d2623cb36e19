"""Replies in plain text."""

from __future__ import annotations

import re
from random import Random

from simulator.calling import result_text
from simulator.phrases import phrase
from simulator.prompt import Prompt
from simulator.topic import Topic
from simulator.translation import is_translation, translated

_OPENINGS = (
    "{A} works best when it starts from {b}.",
    "Whoever meets {a} for the first time asks about {b} first.",
    "Good {a} rests on {b} and on {c}.",
)
_MIDDLES = (
    "With {b} in place, {c} stops being a guess: it can be seen, measured and explained.",
    "Three things count for {a}: {b}, {c} and the care that goes into {d}.",
    'People say "{c}" and mean {d}; naming the difference makes {a} easier to trust.',
    "That is why {c} belongs next to {b}, and not at the end.",
    "Where {d} is uncertain, a small trial with {a} shows more than a long plan.",
)
_CLOSINGS = (
    "Start with {a}, keep {b} in view, and the rest follows.",
    "So begin small, look at {d}, and let {a} grow from there.",
    "In short: {a} first, {c} second, and both kept simple.",
)
_EXPLANATION = re.compile(r"\b(?:explain|summari[sz]e|compare)\b", re.IGNORECASE)
_REPORT = re.compile(r"\b(?:summari[sz]e|status report|write the report)\b", re.IGNORECASE)


def prose(prompt: Prompt, topic: Topic) -> str:
    """A text of a few sentences on the prompt's subject; a revised one says that it is."""
    if prompt.results:
        return _conclusion(prompt)
    if is_translation(topic):
        return phrase("explanation", "", topic, 0, 0) if _EXPLANATION.search(topic.text) else translated(topic)
    if _REPORT.search(topic.text):
        return f"{phrase('summary', '', topic, 0, 0)} {phrase('timeline', '', topic, 1, 0)}"
    return _composed(prompt.seed, topic)


def _conclusion(prompt: Prompt) -> str:
    said = [f"{result.name} gave {result_text(result)}" for result in prompt.results]
    answers = [result_text(one) for one in prompt.results if one.name == "calculate" and "error" not in one.response]
    last = f" The answer is {answers[-1]}." if answers else ""
    return f"I used the tools: {'; '.join(said)}.{last}"


def _composed(seed: int, topic: Topic) -> str:
    random = Random(seed)
    words = topic.words
    fill = dict(zip("abcd", words, strict=False))
    fill.update({name.upper(): word.capitalize() for name, word in fill.items()})
    sentences = [random.choice(_OPENINGS), *random.sample(_MIDDLES, 3), random.choice(_CLOSINGS)]
    first = [f"This revised version puts {words[0]} first and works the feedback in."] if topic.rewrite else []
    written = [*first, *(sentence.format(**fill) for sentence in sentences)]
    return " ".join(written[:3]) + "\n\n" + " ".join(written[3:])

"""Replies in plain text."""

from __future__ import annotations

import re
from random import Random

from simulator.calling import result_text
from simulator.phrases import capitalised, phrase
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
_COPY = (
    (
        "{A}: there when it counts, and out of the way when it does not.",
        "You know the moment: you think of {b}, and everything takes longer than it should. "
        "With {a}, that time is yours again.",
    ),
    (
        "No manual, no second try, and no worry about {c} any more.",
        "It does one thing and does it well; the rest of the evening is yours.",
        "You notice it on the first day, and on the tenth you cannot think how you did without.",
    ),
    (
        "Try {a} this week, and see how soon you stop thinking about {b}.",
        "Get {a} today; the first evening will tell you why.",
    ),
)
_SPEECH = (
    (
        "Look first at {a}, because everything else hangs on it.",
        "The question is not whether {a} matters, but what it does to {b}.",
    ),
    (
        "Where {b} has to hold, the plain way wins: it is understood by the next one who has to touch it.",
        "Ask anyone who has lived with the opposite: the price is paid late, and it is paid by {c}.",
        "What looks like freedom in {b} is work put off, and {c} shows it first.",
    ),
    (
        "So weigh {a} by what happens on an ordinary day, not on the best one.",
        "That point has not been answered, and until it is, {a} speaks for my side.",
    ),
)
_KINDS = (
    (re.compile(r"\bmarketing copy\b", re.IGNORECASE), _COPY),
    (re.compile(r"\byou argue\b", re.IGNORECASE), _SPEECH),
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
    fill = dict(zip("abcd", topic.terms, strict=False))
    fill.update({name.upper(): capitalised(term) for name, term in fill.items()})
    kind = next((texts for pattern, texts in _KINDS if pattern.search(f"{topic.system}\n{topic.text}")), None)
    if kind is not None:
        openings, middles, closings = kind
        said = [random.choice(openings), *random.sample(middles, 2), random.choice(closings)]
        return " ".join(sentence.format(**fill) for sentence in said)
    sentences = [random.choice(_OPENINGS), *random.sample(_MIDDLES, 3), random.choice(_CLOSINGS)]
    first = [f"This revised version puts {fill['a']} first and works the feedback in."] if topic.rewrite else []
    written = [*first, *(sentence.format(**fill) for sentence in sentences)]
    return " ".join(written[:3]) + "\n\n" + " ".join(written[3:])

"""Sentences for text fields, chosen by the field's name and filled with the prompt's words."""

from __future__ import annotations

import re
from functools import lru_cache

from simulator.topic import Topic
from simulator.translation import is_translation

_GENERAL = (
    "The {name} concerns {a} and its effect on {b}.",
    "It ties {b} to {c}, in words a reader of {a} knows.",
    "What matters for {a} is named; {c} stays in view.",
)

_TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"^vulnerabilities\.type",
        ("Missing input validation", "Injection", "Broken access control", "Information leak"),
    ),
    (
        r"^vulnerabilities\.description",
        (
            "What reaches {a} is trusted as it comes; a caller can choose what {b} does.",
            "Nothing checks who may touch {c} before {a} is used.",
            "An error around {b} tells the caller how {c} works inside.",
        ),
    ),
    (r"^issues\.type", ("Repeated work", "Blocking call", "Unbounded growth", "Needless copy")),
    (
        r"^issues\.description",
        (
            "{A} is worked out anew for each {b}.",
            "While {c} waits, nothing else can use {a}.",
            "What is kept for {b} is never let go.",
        ),
    ),
    (
        r"^steps\.description",
        ("Work out the first quantity from the given numbers.", "Use it to get the next one.", "Check the result."),
    ),
    (
        r"feedback|assessment|critique",
        (
            "The {what} names the benefit of {a} early and keeps {b} in view. "
            'It says "{c}" without showing it: one concrete example would help.',
            "In the {what} the part on {a} reads well; the step from {b} to {c} comes too fast and wants a bridge.",
        ),
    ),
    (
        r"^issues\.suggestion",
        (
            "Keep what {a} has found, and ask only for what is new.",
            "Do it for all of {b} at once instead of one by one.",
            "Give {c} a limit, and let the oldest go.",
        ),
    ),
    (
        r"codesmell|smell",
        (
            "{A} does two things at once, so that neither can be tested alone.",
            "The name {b} does not say what comes back.",
            "{C} fails without saying why.",
        ),
    ),
    (
        r"specificissue|^issue|weakness",
        (
            'The wording around "{a}" is stiff; shorten it.',
            "{B} is named twice with different words.",
            "The handling of {c} mixes two concerns.",
            "The link between {a} and {b} is left to the reader.",
        ),
    ),
    (
        r"improvement|^changes$",
        (
            "Open with {a}, then show what it means for {b}.",
            "Replace the general claim about {c} with a figure.",
            "Close with one clear call to action for {b}.",
            "Split the part on {a} so that {c} stands alone.",
        ),
    ),
    (
        r"suggestion",
        (
            "Split {a} so that each part can be tested alone.",
            "Name {b} after what it gives back.",
            "Let {c} fail with an error that says why.",
        ),
    ),
    (
        r"optimi[sz]ation",
        (
            "Measure {a} first, then keep what {b} asks for again and again.",
            "Leave out what nobody reads of {c}.",
            "Ask {b} once for all, not once for each.",
        ),
    ),
    (
        r"recommendation|mitigation|^action",
        (
            "Validate {a} before it reaches {b}.",
            "Measure {b} first, then cache what {c} repeats.",
            "Move {c} behind one small interface and test it.",
            "Log failures of {a} with enough context to act on.",
        ),
    ),
    (r"vulnerabilit|security", ("Input to {a} is trusted too early.", "{B} can be read without a check of its owner.")),
    (
        r"nextstep|followup",
        (
            "Check {a} with the steps above.",
            "Tell us more about {b} if it persists.",
            "Schedule a review of {c} with its owner.",
            "Note the result for {a} and close the loop.",
        ),
    ),
    (
        r"expertise|skill",
        ("{a}", "{b} in practice", "experience with {c}", "customer communication"),
    ),
    (
        r"risk|concern",
        (
            "{A} may take longer than planned if {b} changes late.",
            "A team outside this plan has the say on {c}.",
            "Load on {b} is not known yet.",
        ),
    ),
    (r"resolutiontime|duration|eta$", ("1-2 business days", "about 4 hours", "within one working day")),
    (
        r"timeline|schedule",
        ("About three weeks: one for {a}, one for {b} and {c} in parallel, one to join and test them.",),
    ),
    (r"milestone", ("{A} ready for a first trial with {b}",)),
    (
        r"reason|rationale",
        (
            "The point on {a} decided it: it was tied to {b}, with an example, and was not answered. "
            "What was said of {c} stood against it, but rested on {d} alone.",
        ),
    ),
    (
        r"question",
        ("How often does it come down to {a}?", "What does {b} cost today?", "Who would notice a change in {c} first?"),
    ),
    (
        r"explanation|improvementsummary|changes",
        (
            "The later version states {a} directly, keeps the terms for {b} and {c}, and reads more naturally: "
            "each round removed what the evaluation had named.",
        ),
    ),
    (
        r"summary|overview|conclusion|abstract",
        (
            "In short: the ground is sound for {a} and {b}; the first thing to look at is {c}. "
            "Begin there, and leave {d} for later.",
        ),
    ),
    (
        r"title|headline|subject",
        ("Design {a}", "Build {b}", "Connect {c} to {a}", "Test {b} with {c}"),
    ),
    (
        r"output|deliverable",
        ("{task}: done, and tested with {a} and {b}. {C}: written down beside it; {d}: left open.",),
    ),
    (
        r"response|answer|reply|message",
        (
            "Thank you for asking about {a}. First look at {b}: most often the cause lies there. "
            "If it does not help, check {c} and send us what you see; we will take it from there.",
        ),
    ),
    (r"impact|consequence|effect", ("{A} slows down as {b} grows.", "Callers of {c} wait for each other.")),
    (r"verification|check|proof", ("Substituting the answer back into the problem of {a} gives both sides equal.",)),
    (r"method|approach", ("substitution", "recalculation")),
    (
        r"description|detail|note",
        (
            "Work out what {a} means for {b}, with {c} as the measure.",
            "Have {b} go on working while {c} cannot be reached.",
            "Bring {c} and {a} together behind one entry point.",
        ),
    ),
    (r"^type$|kind", ("{a} handling", "{b} usage", "{c} structure")),
    (
        r"improvedcontent|content|draft|text|body|copy",
        ("{A} matters when {b} has to hold. With {c} in place, {a} becomes simple: start small, look at {d}, go on.",),
    ),
    (r"name|label|topic|keyword|tag", ("{a}", "{b}", "{c}", "{d}")),
    (r"^(?:id|key|slug)$|_id$", ("{slug}-{n}",)),
    (r"url|link|uri", ("https://example.com/{slug}",)),
    (r"email", ("{slug}@example.com",)),
    (r"language|locale", ("{language}",)),
)
_OF_A_TRANSLATION: dict[str, tuple[str, ...]] = {
    "feedback": (
        'The meaning is kept throughout. "{a}" is carried over word for word, and around "{b}" the sentence still '
        "follows the original's order: a native writer of the field would put it more briefly.",
    ),
    "specificissues": (
        '"{a}": use the term that the field has for it.',
        '"{b}": put it where a native writer would, near the verb.',
        '"{c}": shorter, without the turn of the original.',
    ),
}
#: Whose answer it is, by the prompt's system text; the table's own is a technician's.
_RESPONSES = (
    (
        re.compile(r"\bmarketing\b", re.IGNORECASE),
        "Begin with {a}: say in one sentence what changes for {b}, in words they would use. Try it on a small "
        "group and count how many come back; {c} can wait until that number moves.",
    ),
    (
        re.compile(r"\bsupport specialist\b", re.IGNORECASE),
        "You can do one thing right away: send us the details of {a}. We look at {b} today and write to you as soon as "
        "it is settled; you need not do anything else.",
    ),
)
_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "duration": "P2D",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "018f6f4e-7d2a-7b3c-9a51-3f2f6f0c1d2e",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}
_CODES = {"french": "fr", "german": "de", "spanish": "es", "italian": "it", "japanese": "ja", "english": "en"}


def phrase(name: str, within: str, topic: Topic, index: int, turn: int) -> str:
    """A text for a field of that name in an object of that name; `index` is its place in a list,
    `turn` lets two lists begin differently."""
    words = topic.terms
    shift = index % len(words)
    a, b, c, d = (words[(shift + step) % len(words)] for step in range(4))
    if _is_language_code(name):
        return _CODES.get(topic.language.lower(), topic.language[:2].lower())
    slug = re.sub(r"\W+", "-", a.lower()).strip("-") or "item"
    templates = _templates(within.lower().replace("_", ""), name.lower().replace("_", ""))
    if is_translation(topic):
        templates = _OF_A_TRANSLATION.get(name.lower().replace("_", ""), templates)
    if name.lower() == "response":
        templates = next(((text,) for pattern, text in _RESPONSES if pattern.search(topic.system)), templates)
    place = index if within == "steps" else index + turn  # steps have an order
    template = templates[place % len(templates)]
    return template.format(
        a=a, b=b, c=c, d=d, A=capitalised(a), B=capitalised(b), C=capitalised(c),
        n=index + 1, slug=slug, task=topic.task_title or capitalised(a),
        name=_spoken(name), what=_what(topic), language=topic.language,
    )  # fmt: skip


def capitalised(term: str) -> str:
    """The term at the beginning of a sentence; code and what has capitals of its own stays as it is."""
    return term[:1].upper() + term[1:]


def formatted(name: str) -> str | None:
    """A text in one of JSON Schema's formats, or None for a format that is not known."""
    return _FORMATS.get(name)


@lru_cache(maxsize=1024)
def _templates(within: str, name: str) -> tuple[str, ...]:
    path = f"{within}.{name}"
    return next(
        (templates for pattern, templates in _TABLE if re.search(pattern, path if "\\." in pattern else name)), _GENERAL
    )


def _what(topic: Topic) -> str:
    if is_translation(topic):
        return "translation"
    return "revised version" if topic.revised else "draft"


def _is_language_code(name: str) -> bool:
    return name.lower().replace("_", "") in ("languagecode", "lang", "langcode")


def _spoken(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower() or "reply"

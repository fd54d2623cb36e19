"""Which of an enumeration's values fits the prompt."""

from __future__ import annotations

from typing import Any

from simulator.topic import Topic

_HINTS: dict[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "technical": "api error errors database server code bug crash timeout exception deploy sdk http latency query "
        "sql install version integration webhook stack trace log logs python javascript kubernetes docker 500 502 503",
        "marketing": "price pricing campaign brand audience social ads advertising seo launch promotion market slogan "
        "newsletter marketing conversion landing influencer position positioning",
        "support": "refund account password order login invoice subscription cancel delivery shipping billing charged "
        "reset return payment locked email",
        "frontend": "page button screen form browser css react interface dashboard ui",
        "backend": "api service endpoint server queue backend worker",
        "database": "database table schema migration query index storage",
        "testing": "test tests testing qa coverage",
        "infrastructure": "deploy deployment kubernetes cloud monitoring container",
        "documentation": "docs documentation guide readme manual",
    }.items()
}
_URGENT = frozenset(
    {
        "urgent",
        "urgently",
        "asap",
        "immediately",
        "critical",
        "outage",
        "down",
        "emergency",
        "blocked",
        "broken",
        "production",
    }
)
_CALM = frozenset({"curious", "wondering", "someday", "eventually", "whenever", "interested"})
_DONE = ("completed", "complete", "done", "success", "succeeded", "ok", "valid")
_GRADES = ("low", "minor", "medium", "moderate", "high", "major", "critical", "severe")
_SIZES = ("simple", "moderate", "complex")


def choose(name: str, values: list[Any], topic: Topic, index: int | None) -> Any:
    """One of the values (never empty); `index` is set inside a list, where neighbours should differ."""
    by_name = {str(value).lower(): value for value in values if isinstance(value, str)}
    field = name.lower()
    done = next((by_name[one] for one in _DONE if one in by_name), None)
    if done is not None and field in ("status", "state", "outcome"):
        return done
    if set(_SIZES) <= by_name.keys() or field == "complexity":
        sized = _sized(by_name, topic)
        if sized is not None:
            return sized
    grades = [one for one in _GRADES if one in by_name]
    if len(grades) >= 2:
        return by_name[_graded(grades, topic, index)]
    if index is not None:
        return values[index % len(values)]
    best = max(values, key=lambda value: _hits(value, topic))
    if _hits(best, topic) > 0:
        return best
    neutral = next((by_name[one] for one in ("general", "other", "medium") if one in by_name), None)
    return neutral if neutral is not None else values[topic.length % len(values)]


def _hits(value: Any, topic: Topic) -> int:
    word = str(value).lower()
    return len(_HINTS.get(word, frozenset()) & topic.vocabulary) + 2 * (word in topic.vocabulary)


def _sized(by_name: dict[str, Any], topic: Topic) -> Any:
    wanted = 0 if topic.length < 15 else 1 if topic.length < 60 else 2
    sizes = (("simple", "low", "easy"), ("moderate", "medium"), ("complex", "high", "hard"))[wanted]
    return next((by_name[one] for one in sizes if one in by_name), None)


def _graded(grades: list[str], topic: Topic, index: int | None) -> str:
    middle = grades[(len(grades) - 1) // 2]
    if index is not None:
        return [middle, grades[-1], grades[0]][index % 3]
    if topic.vocabulary & _URGENT:
        return "high" if "high" in grades else grades[-1]
    return grades[0] if topic.vocabulary & _CALM else middle

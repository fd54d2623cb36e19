"""Of what several reviewers found of one fault, one finding is made, by code."""

from typing import Any

import pytest

from penstock.contracts.events import JobCompleted
from penstock.document import Document
from penstock.patterns.parallel_processing.contract import (
    MaintainabilityFindings,
    PerformanceFindings,
    SecurityFindings,
)
from penstock.patterns.parallel_processing.merging import merged
from tests.patterns.code_reviews import CLEAN, PATTERN, action, request, reviewed, synthesis, vulnerability
from tests.support.pipeline import Pipeline

pytestmark = pytest.mark.asyncio(loop_scope="session")

EVAL = "def f(a):\n    x = eval(a)\n    y = load(x)\n    return y\n"


def about_eval(line: int, description: str, severity: str, **more: str) -> dict[str, Any]:
    fragment = EVAL.splitlines()[line - 1].strip()
    return {"line": line, "fragment": fragment, "description": description, "severity": severity, **more}


#: What a maintainer says beside "Code injection: `eval` runs any code that a caller passes", of line 2.
BESIDE_EVAL = {
    "the same line": (2, "Code of a caller is an injection waiting to happen, and hard to follow", True),
    "the line after it": (3, "What the caller passes was run by eval above, any code", True),
    "two lines after it": (4, "What the caller passes was run by eval above, any code", False),
    "another fault of the line": (2, "The name `x` says nothing about what it holds", False),
    "no words that tell anything": (2, "x is a", False),
}


@pytest.mark.parametrize(("line", "smell", "same"), BESIDE_EVAL.values(), ids=BESIDE_EVAL)
async def test_what_two_reviewers_found_of_one_fault_is_one_finding_and_that_the_gravest(
    pipeline: Pipeline, line: int, smell: str, same: bool
) -> None:
    """What was streamed equals the result in any case; the reviews themselves stay as they were."""
    said = "`eval` runs any code that a caller passes"
    found = {
        **CLEAN,
        "security": {
            "vulnerabilities": [about_eval(2, said, "critical", type="Code injection")],
            "recommendations": [],
        },
        "maintainability": {
            **CLEAN["maintainability"],
            "codeSmells": [about_eval(line, smell, "high"), {"description": said, "severity": "low"}],
        },
    }
    await reviewed(pipeline, found)
    addressed = ["maintainability-1", *([] if same else ["security-1"])]
    await pipeline.gemini.rule(step="synthesize", reply=synthesis(action(*addressed)))
    job = await pipeline.submit(PATTERN, request(EVAL))
    *growing, end = await pipeline.events(job)
    assert isinstance(end, JobCompleted)
    document = Document()
    for event in growing:
        document.apply(event)
    assert document.value == end.result
    worst, *others = end.result["findings"]
    by_both = {"foundBy": ["security", "maintainability"], "sameAs": ["maintainability-1"]}
    told = by_both if same else {"foundBy": ["security"]}
    assert worst == {**found["security"]["vulnerabilities"][0], "id": "security-1", **told}
    assert [one["id"] for one in others] == ["maintainability-1", "maintainability-2"][same:]
    assert len(end.result["maintainability"]["codeSmells"]) == 2
    (synthesize,) = await pipeline.gemini.calls(job=job, step="synthesize")
    assert (smell in synthesize.prompt) is not same


#: What is said of one line by a reviewer and another, and whether it is one fault.
SAID = [
    (
        "The name is put into the SQL string: SQL injection",
        "The string is hard to read and open to SQL injection",
        True,
    ),
    ("The file is opened in the loop and never closed", "The file handle is never closed: it will leak", True),
    ("Die Eingabe wird ungeprüft in die Shell gegeben", "Die Eingabe steht ungeprüft im Aufruf der Shell", True),
    ("The name is put into the SQL string: SQL injection", "SELECT * reads all columns, and name has no index", False),
    ("A regular expression is compiled for each line", "The regular expression has no name that says it", False),
    ("The token is written to the log", "The line of the log is formatted even when it is off", False),
]


@pytest.mark.parametrize(("security", "maintainability", "same"), SAID)
async def test_one_fault_is_told_by_its_words(security: str, maintainability: str, same: bool) -> None:
    hole = {**vulnerability(2, "x = eval(a)"), "type": "", "description": security}
    smell = about_eval(2, maintainability, "low")
    smells = {"codeSmells": [smell], "suggestions": [], "complexity": "low"}
    reviews = (
        SecurityFindings.model_validate({"vulnerabilities": [hole], "recommendations": []}),
        MaintainabilityFindings.model_validate(smells),
    )
    assert len(merged(reviews)) == (1 if same else 2)


#: What security and performance say of one line of code: of what it is about, and not of one fault.
TWO_FAULTS = [
    (
        "rows = db.execute(f\"SELECT * FROM users WHERE name = '{name}'\")",
        "An attacker who controls the user name can change the SQL query.",
        "The SQL query scans the whole table for the user name on each call.",
    ),
    (
        "content = open(path).read()",
        "An attacker can read any file when this is called with a path that they control.",
        "The file is read again every time when this is called with the same path.",
    ),
    (
        "stored = md5(password)",
        "Passwords that are hashed with this are cracked when they leak from there.",
        "The loop stalls with this when there are requests that wait.",
    ),
]


@pytest.mark.parametrize(("line", "hole", "cost"), TWO_FAULTS)
async def test_what_a_line_is_about_does_not_make_one_fault_of_two(line: str, hole: str, cost: str) -> None:
    """What makes a query faster would else be told as what closes an injection."""
    at = {"type": "", "line": 2, "fragment": line}
    found, slow = {**at, "description": hole, "severity": "critical"}, {**at, "description": cost, "impact": "high"}
    reviews = (
        SecurityFindings.model_validate({"vulnerabilities": [found], "recommendations": []}),
        PerformanceFindings.model_validate({"issues": [{**slow, "suggestion": "Add an index"}], "optimizations": []}),
    )
    assert [one.found_by for one in merged(reviews)] == [("security",), ("performance",)]


async def test_of_two_that_it_could_be_it_is_the_one_with_most_of_its_words() -> None:
    said = "The handler takes its target from the header unchecked"
    holes = [
        {**vulnerability(2, "x = eval(a)"), "description": text}
        for text in ("The handler has its target unchecked", f"{said}, which is traversal")
    ]
    reviews = (
        SecurityFindings.model_validate({"vulnerabilities": holes, "recommendations": []}),
        MaintainabilityFindings.model_validate(
            {"codeSmells": [about_eval(2, said, "low")], "suggestions": [], "complexity": "low"}
        ),
    )
    assert [one.same_as for one in merged(reviews)] == [None, ("maintainability-1",)]


async def test_what_all_three_found_is_one_and_keeps_how_it_is_removed() -> None:
    said = {"description": "A query for each user in the loop", "line": 2, "fragment": "x = eval(a)"}
    hole = {**said, "type": "", "severity": "low"}
    cost = {**said, "type": "", "suggestion": "Ask once", "impact": "low"}
    reviews = (
        SecurityFindings.model_validate({"vulnerabilities": [hole], "recommendations": []}),
        PerformanceFindings.model_validate({"issues": [cost], "optimizations": []}),
        MaintainabilityFindings.model_validate(
            {"codeSmells": [{**said, "severity": "high"}], "suggestions": [], "complexity": "low"}
        ),
    )
    (fault,) = merged(reviews)
    assert (fault.id, fault.same_as, fault.severity) == ("maintainability-1", ("security-1", "performance-1"), "high")
    assert fault.suggestion == "Ask once"


async def test_what_no_line_shows_is_not_taken_for_the_same() -> None:
    nowhere = {"description": "Any name is run, an injection", "severity": "low"}
    smells = MaintainabilityFindings.model_validate({"codeSmells": [nowhere], "suggestions": [], "complexity": "low"})
    holes = {"vulnerabilities": [{**nowhere, "type": "Injection"}], "recommendations": []}
    reviews = SecurityFindings.model_validate(holes), smells
    assert [one.id for one in merged(reviews)] == ["security-1", "maintainability-1"]


async def test_one_reviewer_means_two_faults_where_it_says_two() -> None:
    twice = [vulnerability(2, "db.execute(name)"), vulnerability(2, "db.execute(name)")]
    review = SecurityFindings.model_validate({"vulnerabilities": twice, "recommendations": []})
    assert [one.id for one in merged([review])] == ["security-1", "security-2"]

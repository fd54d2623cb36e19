"""Which partition a job is in: JOBS, STEPS, JOURNAL and EVENTS may each be several streams (docs/adr/0032).

    as code speaks of it             stream     as NATS has it, in partition 3 of 4    stream
    jobs.<tenant>.<pattern>.<job>    JOBS       of4.3.jobs.<tenant>.<pattern>.<job>    JOBS-3
    journal.<tenant>.<job>.<key>     JOURNAL    of4.3.journal.<tenant>.<job>.<key>     JOURNAL-3

All four of a job are in the same. What is republished has no such prefix; with one partition nothing has.

Partitions are put in and taken out where JetStream is spoken to, in this folder. Whoever reads of all jobs reads one
partition after the other: `each` gives a subject for each, which is taken as it is.

How many there are is in every subject: what a process with another number wrote would be stored nowhere.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from penstock.jetstream import subjects

#: Of PARTITIONED, by the first token of its subjects: which token is the job.
_JOB_AT = {"jobs": 3, "steps": 6, "journal": 2, "events": 2}
#: The streams that there may be several of.
PARTITIONED = tuple(map(str.upper, _JOB_AT))
#: In the metadata of streams: how many partitions they were declared with, where those are several.
DECLARED = "penstock-partitions"
_PREFIX = re.compile(r"of\d+\.(\d+)\.")


def logical(subject: str) -> str:
    """As code speaks of it."""
    return _PREFIX.sub("", subject, count=1) if subject.startswith("of") else subject


def logical_stream(name: str) -> str:
    """JOBS-3 -> JOBS."""
    stream, dash, number = name.rpartition("-")
    return stream if dash and number.isdigit() and stream in PARTITIONED else name


def stream_of(subject: str) -> str:
    """The stream that stores what is published to `subject`."""
    found = _PREFIX.match(subject)
    return f"{subjects.stream_of(subject[found.end() :])}-{found[1]}" if found else subjects.stream_of(subject)


@lru_cache(maxsize=4096)
def _hash(token: str) -> int:
    """FNV-1a, 32 bits: what NATS reckons for `{{partition(n,token)}}` in a mapping."""
    value = 2166136261
    for byte in token.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


@dataclass(frozen=True, slots=True)
class Partitions:
    """`count` of them, numbered from 0."""

    count: int = 1

    def number(self, job_id: str) -> int:
        """The partition of a job."""
        return _hash(job_id) % self.count

    def streams(self, name: str) -> list[str]:
        """Those that are called `name` where there is one partition."""
        return [name] if self.count == 1 or name not in PARTITIONED else [f"{name}-{n}" for n in range(self.count)]

    @property
    def all_streams(self) -> list[str]:
        return [one for name in subjects.STREAMS for one in self.streams(name)]

    def each(self, subject: str) -> list[str]:
        """Where NATS has it: one subject, or one for each partition where the job is a wildcard."""
        kind, *others = subject.split(".")
        if self.count == 1 or kind not in _JOB_AT:
            return [subject]
        job = others[min(_JOB_AT[kind], len(others)) - 1]
        some = range(self.count) if job in ("*", ">") else [self.number(job)]
        return [f"of{self.count}.{number}.{subject}" for number in some]

    def one(self, subject: str) -> str:
        """Where NATS has it. Raises ValueError where it is in all partitions."""
        found = self.each(subject)
        if len(found) > 1:
            raise ValueError(f"{subject} is in each of {self.count} partitions")
        return found[0]

    def by_stream(self, wanted: Iterable[str]) -> dict[str, list[str]]:
        """Where NATS has all of these."""
        found = defaultdict[str, list[str]](list)
        for subject in chain.from_iterable(map(self.each, wanted)):
            found[stream_of(subject)].append(subject)
        return found

    def wildcard(self, subject: str) -> str:
        """All that is called `subject` in whichever partition, as one subject."""
        several = self.count > 1 and subject.partition(".")[0] in _JOB_AT
        return f"of{self.count}.*.{subject}" if several else subject

    @property
    def mapping(self) -> tuple[str, str]:
        """A subject mapping of NATS by which a job that is submitted to `jobs.…` comes to its partition."""
        tokens = ".".join(f"{{{{wildcard({number})}}}}" for number in (1, 2, 3))
        return "jobs.*.*.*", f"of{self.count}.{{{{partition({self.count},3)}}}}.jobs.{tokens}"

"""All that one run of the benchmark found, as it stands in data/bench.json."""

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

from pydantic import BaseModel

from bench.ages import Ages
from bench.callers import Load
from bench.open_streams import OpenStreams
from bench.own_time import OwnTime
from bench.starting import Starting
from penstock.local import nats_server


class Machine(BaseModel):
    cores: int
    processor: str
    memory_gb: float
    system: str
    python: str
    nats_server: str
    google_genai: str
    #: Runnable processes of the machine just before the run: with more than none, figures are worse than they could be.
    load_before: float
    began: datetime

    @classmethod
    def this(cls) -> Self:
        processor = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        nats = subprocess.run([nats_server.binary(), "--version"], capture_output=True, text=True, check=True)
        return cls(
            cores=len(os.sched_getaffinity(0)),
            processor=processor[1] if processor else platform.machine(),
            memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3,
            system=f"{platform.system()} {platform.release()}",
            python=platform.python_version(),
            nats_server=nats.stdout.split()[-1],
            google_genai=version("google-genai"),
            load_before=os.getloadavg()[0],
            began=datetime.now(UTC),
        )


class Paced(BaseModel):
    """`pace`: how often faster than the simulator's natural one."""

    pace: int
    load: Load


class Grown(BaseModel):
    """Jobs of bench/fan.py: seconds each, and milliseconds of CPU each. `failed` has none of both."""

    candidate: str
    tasks: int
    bytes: int
    failed: int
    seconds: float
    cpu: float


class Scaled(BaseModel):
    """Jobs of one step of a second."""

    workers: int
    slots: int
    rate: float


class Results(BaseModel):
    command: str
    seconds: float = 0
    machine: Machine
    unpaced: list[Load] = []
    #: Of `unpaced` those of the comparison of CPU: medians of several rounds.
    compared: list[Load] = []
    rounds: int
    paced: list[Paced] = []
    own: OwnTime | None = None
    ages: list[Ages] = []
    streams: OpenStreams | None = None
    scaled: list[Scaled] = []
    starting: Starting | None = None
    grown: list[Grown] = []

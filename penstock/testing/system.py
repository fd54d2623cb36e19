"""The whole system, as `penstock up` starts it, for tests."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from penstock.client.over_http import HttpClient
from penstock.client.sync import SyncClient
from penstock.llm.access import KEYS
from penstock.local.stack import Stack
from penstock.testing.simulator import Simulator
from penstock.testing.threads import in_thread

#: What might lead to a real model.
_MODEL = (*KEYS, "PENSTOCK_MODEL_BASE_URL", "GOOGLE_GEMINI_BASE_URL")


@dataclass(frozen=True, kw_only=True)
class System:
    """`url`: the gateway's. `client`: of the same, for tests without `async`. `logs`: a folder with a file for each
    process.
    """

    url: str
    client: SyncClient
    simulator: Simulator
    logs: Path


@contextmanager
def running(patterns: Sequence[str], data: Path) -> Iterator[System]:
    """From entry to exit it runs, on free ports, with its data in the folder `data`; no real model is ever asked.

    `patterns`: as PENSTOCK_PATTERNS. They are imported as here: from sys.path.
    """
    env = {
        "PENSTOCK_PATTERNS": ",".join(patterns),
        "PENSTOCK_SHOW_ERRORS": "true",
        # what one test had the model say is no answer to the next one
        "PENSTOCK_CACHE": "false",
        "PENSTOCK_LOG_CONTENTS": "true",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        **dict.fromkeys(_MODEL, ""),
    }
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # what decides about the model while all is started
            for name in _MODEL:
                patch.delenv(name, raising=False)
            up = stack.enter_context(in_thread(Stack(data=data, port=0, pace="off", env=env)))
        url = up.gateway_urls[0]
        yield System(
            url=url,
            client=stack.enter_context(SyncClient(HttpClient(url))),
            simulator=stack.enter_context(closing(Simulator(str(up.simulator_url)))),
            logs=data / "logs",
        )

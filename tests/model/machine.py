"""What every machine has that tries orders: NATS in memory, and connections whose requests it moves one by one."""

import asyncio
from abc import abstractmethod
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from penstock.cancelling import stop
from tests.model.jetstream import Connection, Server
from tests.model.system import Loop
from tests.model.turns import turn

picks = st.integers(0, 5)


class Machine(RuleBasedStateMachine):
    """Its loop's clock is the machine's own. `ghosts`: connections of the dead, whose requests still arrive."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = Loop()
        asyncio.set_event_loop(self.loop)
        self.server = Server()
        self.ghosts: list[Connection] = []
        self.others: list[asyncio.Future[Any]] = []
        self.cancelled = False

    @abstractmethod
    def _connections(self) -> list[Connection]:
        """Those of the living."""

    @rule(pick=picks, count=st.integers(1, 4))
    @turn
    def nats_handles_what_one_has_sent(self, pick: int, count: int) -> None:
        connections = [*self._connections(), *self.ghosts]
        self._handle(connections[pick % len(connections)], count)

    @rule(pick=picks, count=st.integers(1, 4))
    @turn
    def answers_arrive(self, pick: int, count: int) -> None:
        self._arrive(self._connections()[pick % len(self._connections())], count)

    def _exchange(self) -> None:
        """One request of each is handled, and one answer to each arrives."""
        for connection in [*self._connections(), *self.ghosts]:
            self._handle(connection, 1)
        for connection in self._connections():
            self._arrive(connection, 1)

    def _handle(self, connection: Connection, count: int) -> None:
        for _ in range(min(count, len(connection.sent))):
            connection.sent.popleft()()

    def _arrive(self, connection: Connection, count: int) -> None:
        for _ in range(min(count, len(connection.arriving))):
            connection.arriving.popleft()()

    async def _stop(self, *tasks: asyncio.Future[Any]) -> None:
        """These tasks, and whatever is left."""
        await stop(*tasks, *self.others)
        await stop(*[task for task in asyncio.all_tasks() if task is not asyncio.current_task()])


def run(machine: Any) -> None:
    """Try orders, the same ones each time."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=100,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

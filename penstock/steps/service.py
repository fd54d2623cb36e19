"""A service that executes steps: the classifier and the workers differ only in which."""

from collections.abc import Iterable, Mapping

from penstock.hosting.service import Service
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.llm.client import Llm
from penstock.patterns.loading import load, steps_by_service
from penstock.settings import Settings
from penstock.steps.executor import MakeExecutor, table
from penstock.steps.handler import StepHandler


def build_step_service(
    name: str,
    settings: Settings,
    *,
    special: Mapping[str, MakeExecutor] | None = None,
    only: Iterable[str] | None = None,
) -> Service:
    """The service called `name`, executing its steps (or `only` some). See `penstock.steps.executor.table`."""
    executables = table(steps_by_service(load(settings.patterns)).get(name, {}), special or {}, only)
    llm = Llm(settings.models())

    async def start(service: Service, bus: Bus) -> None:
        handler = StepHandler(
            bus=bus,
            llm=llm,
            executables=executables,
            service=name,
            settings=settings,
        )
        for step in executables:
            durable, subject = subjects.step_consumer(name, step), subjects.step(name, step, "*", "*")
            service.consume(subjects.STEPS, durable, subject, handler.handle)

    service = Service(name, settings, start, slots=settings.slots)
    service.app.on_shutdown(llm.aclose)
    return service

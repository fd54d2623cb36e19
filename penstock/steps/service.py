"""A service that executes steps: the classifier and the workers differ only in which."""

from collections.abc import Iterable, Mapping

from penstock.errors import Misconfigured
from penstock.hosting.service import Service
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.llm.client import Llm
from penstock.patterns.loading import load, steps_by_service
from penstock.settings import Settings
from penstock.steps.executor import MakeExecutor, from_prompt
from penstock.steps.handler import StepHandler
from penstock.steps.spending import Spending


def build_step_service(
    name: str,
    settings: Settings,
    *,
    special: Mapping[str, MakeExecutor] | None = None,
    only: Iterable[str] | None = None,
) -> Service:
    """The service called `name`, executing its steps, or `only` some of them, by name.

    `special` holds the steps that a prompt alone does not do. Raises Misconfigured for a name in `only` that is no step
    of the service.
    """
    steps = steps_by_service(load(settings.patterns)).get(name, {})
    chosen = set(steps if only is None else only)
    if unknown := chosen - steps.keys():
        raise Misconfigured(f"no such step here: {', '.join(sorted(unknown))}. There are: {', '.join(sorted(steps))}")
    executables = {step: (special or {}).get(step, from_prompt)(*steps[step]) for step in sorted(chosen)}
    llm = Llm(settings)

    async def start(service: Service, bus: Bus) -> None:
        handler = StepHandler(
            bus=bus,
            llm=llm,
            executables=executables,
            service=name,
            settings=settings,
            spending=Spending(service.registry),
        )
        for step, executable in executables.items():
            durable, subject = subjects.step_consumer(name, step), subjects.step(name, step, "*", "*")
            service.consume(subjects.STEPS, durable, subject, handler.handle, slots=executable.slots)

    service = Service(name, settings, start, slots=settings.slots)
    service.app.on_shutdown(llm.aclose)
    return service

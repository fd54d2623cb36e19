"""A service that executes steps: classifier, workers, and those of an author's own differ only in which."""

from collections.abc import Iterable

from penstock.contracts.fleet import ModelLimits, ModelUse
from penstock.errors import Misconfigured
from penstock.hosting import server
from penstock.hosting.service import Service
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus
from penstock.llm.client import Llm
from penstock.llm.limits.turns import Turns
from penstock.llm.metrics import ModelMetrics
from penstock.patterns.loading import called, load, steps_by_service
from penstock.settings import Settings
from penstock.steps.executor import executable_of
from penstock.steps.handler import StepHandler
from penstock.steps.metrics import StepMetrics
from penstock.steps.resources import Resources
from penstock.steps.spending import Spending


def build(name: str, settings: Settings, only: Iterable[str] | None = None) -> Service:
    """The service called `name`, executing its steps, or `only` some: `pattern/step`, or `step` of any pattern.

    Raises Misconfigured for a name in `only` that is no step of the service, and for one in `step_models` that is none.
    """
    all_steps = steps_by_service(load(settings.patterns))
    steps = all_steps.get(name, {})
    wanted = {name: called(steps, name) for name in (steps if only is None else only)}
    if unknown := [name for name, kinds in wanted.items() if not kinds]:
        raise Misconfigured(f"no such step here: {', '.join(sorted(unknown))}. There are: {', '.join(sorted(steps))}")
    chosen = {kind: steps[kind] for kind in sorted({kind for kinds in wanted.values() for kind in kinds})}
    for named in settings.step_models:
        if not any(called(kinds, named) for kinds in all_steps.values()):
            raise Misconfigured(f"PENSTOCK_STEP_MODELS names {named}, and no pattern has such a step")
    resources = Resources({Settings: settings})
    executables = {kind: executable_of(*of, resources) for kind, of in chosen.items()}
    llm = Llm(settings) if any(step.asks for _, step in chosen.values()) else None

    async def start(service: Service, bus: Bus) -> None:
        limits = {model: ModelLimits(**dict(limit)) for model, limit in settings.model_limits.items()}
        service.app.on_shutdown(resources.aclose)
        await resources.open()
        turns = Turns(bus, settings.model_limits, ack_wait=settings.ack_wait, metrics=of_models)
        service.app.on_shutdown(turns.aclose)
        if llm is not None:
            await turns.open()
        service.about = lambda: {
            "steps": tuple(chosen),
            "model_limits": limits if llm else {},
            "models": {model: ModelUse(lent=lent, waiting=n) for model, (lent, n) in turns.in_use().items()},
        }
        handler = StepHandler(
            bus=bus,
            llm=llm,
            executables=executables,
            service=name,
            settings=settings,
            spending=Spending(bus, of_steps, of_models),
            turns=turns,
        )
        for pattern, step in chosen.values():
            kind = name, pattern.name, step.name
            own = service.pool(step.slots, f"{pattern.name}/{step.name}") if step.slots else None
            lanes = {subjects.step_consumer(*kind, lane): weight for lane, weight in subjects.LANES.items()}
            subject = subjects.step(*kind, subjects.EVERY, "*", lane="*")
            service.consume(subjects.STEPS, lanes, subject, handler.handle, pool=own)

    service = Service(name, settings, start, slots=settings.slots)
    of_steps, of_models = StepMetrics(service.registry), ModelMetrics(service.registry)
    if llm is not None:
        service.app.on_shutdown(llm.aclose)
    return service


def serve(name: str, settings: Settings, steps: Iterable[str] | None = None) -> None:
    """`penstock serve <name>`."""
    server.serve(lambda: build(name, settings, steps).app, settings, name)

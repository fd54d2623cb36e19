"""Every setting, with its default: environment variables with the prefix `PENSTOCK_`. An empty one is not set.

The model's key and address may also come from the SDK's own variables, see penstock.llm.access.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, get_origin

from pydantic import ModelWrapValidatorHandler, ValidationError, model_validator

from penstock.contracts.options import LONGEST_DEADLINE
from penstock.errors import Misconfigured
from penstock.settings.budgets import Budgets
from penstock.settings.cache import Cache
from penstock.settings.group import PREFIX
from penstock.settings.http import Http
from penstock.settings.limits import Limits
from penstock.settings.logs import Logs
from penstock.settings.models import ATTEMPTS_PER_MODEL, Models
from penstock.settings.nats import Nats
from penstock.settings.webhooks import Webhooks
from penstock.settings.work import Work

__all__ = [
    "ATTEMPTS_PER_MODEL",
    "PREFIX",
    "Budgets",
    "Cache",
    "Http",
    "Limits",
    "Logs",
    "Models",
    "Nats",
    "Settings",
    "Webhooks",
    "Work",
    "unknown_variables",
]

#: Variables with the prefix that are no settings: those of the command line, of `up` for its own, of the tests.
_OTHERS = ("URL", "API_KEY", "DATA", "SIMULATOR_TOKEN")
_OF_TESTS = ("FAULTS_", "FUZZ_", "LOAD_")
#: What pydantic says less plainly, by the type of its error.
_IN_PLAIN_WORDS = {
    "int_parsing": "it should be a whole number",
    "too_short": "at least one is needed",
    "extra_forbidden": "there is no such member",
    "path_not_file": "there is no such file",
    "string_pattern_mismatch": "it should begin with http:// or https://",
}


class Settings(Nats, Work, Models, Cache, Http, Limits, Budgets, Webhooks, Logs):
    """All of them; docs/settings.md is made from these classes. Raises Misconfigured, naming the variable."""

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_sentence(cls, data: Any, handler: ModelWrapValidatorHandler["Settings"]) -> "Settings":
        try:
            return handler(data)
        except ValidationError as error:
            wrong = error.errors(include_url=False)[0]
        said = wrong["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        reason = _IN_PLAIN_WORDS.get(wrong["type"], said)
        if not wrong["loc"]:
            raise Misconfigured(reason)
        name, value = str(wrong["loc"][0]), wrong["input"]
        secret = "Secret" in str(cls.model_fields[name].annotation) or "@" in str(value)  # user:password@host
        shown = f"={value}" if isinstance(value, str | int | float) and not secret else ""
        within = wrong["loc"][1:] if get_origin(cls.model_fields[name].annotation) is dict else ()
        place = f" {'/'.join(map(str, within))}" if within else ""
        raise Misconfigured(f"{PREFIX}{name.upper()}{place}{shown}: {reason}")

    @model_validator(mode="after")
    def _enough_deliveries(self) -> "Settings":
        """Every model of a tier gets its attempts before a step's message is taken for poisoned."""
        needed = max(len(self.complex_models), len(self.fast_models)) * ATTEMPTS_PER_MODEL
        if needed > self.max_deliveries:
            raise Misconfigured(
                f"PENSTOCK_MAX_DELIVERIES={self.max_deliveries} is too few: a step has up to {needed} "
                f"attempts, {ATTEMPTS_PER_MODEL} with each model of its tier"
            )
        return self

    @model_validator(mode="after")
    def _kept_long_enough(self) -> "Settings":
        """What a job that runs may need is there: its events till its deadline, its journal as long, its webhook."""
        events, jobs, day = self.events_max_age_hours * 3_600, self.jobs_max_age_days * 86_400, 86_400
        hours = f"PENSTOCK_EVENTS_MAX_AGE_HOURS={self.events_max_age_hours:g}"
        if events < (longest := max(self.deadline, LONGEST_DEADLINE)):
            may = f"a job may run for {longest / 3_600:g} hours (PENSTOCK_DEADLINE, options.deadlineSeconds)"
            raise Misconfigured(f"{hours} is too few: {may}")
        kept = f"PENSTOCK_JOBS_MAX_AGE_DAYS={self.jobs_max_age_days:g} is too few:"
        if jobs < events:
            raise Misconfigured(f"{kept} a job is kept at least as long as its events, {hours}")
        if jobs < (tried := sum(self.webhook_retry_delays)):
            raise Misconfigured(f"{kept} a webhook is tried for {tried / day:.1f} days, PENSTOCK_WEBHOOK_RETRY_DELAYS")
        return self


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none, with the setting that may be meant."""
    known = [*map(str.upper, Settings.model_fields), *_OTHERS]
    found = []
    for variable in sorted(environment):
        name = variable.removeprefix(PREFIX)
        if variable != name and name not in known and not name.startswith(_OF_TESTS):
            nearest = get_close_matches(name, known, n=1)
            found.append(f"{variable} is no setting" + (f"; {PREFIX}{nearest[0]} is" if nearest else ""))
    return found

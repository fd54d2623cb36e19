"""Every setting, with its default: environment variables with the prefix `PENSTOCK_`. An empty one is not set.

The model's key and address may also come from the SDK's own variables, see penstock.llm.access.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    IPvAnyNetwork,
    ModelWrapValidatorHandler,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from penstock.contracts.options import LONGEST_DEADLINE, Priority
from penstock.contracts.step import Complexity
from penstock.contracts.webhook import secrets
from penstock.errors import Misconfigured

PREFIX = "PENSTOCK_"
#: Variables with the prefix that are no settings: those of the command line, of `up` for its own, of the tests.
_OTHERS = ("URL", "API_KEY", "DATA", "SIMULATOR_TOKEN")
_OF_TESTS = ("FAULTS_", "FUZZ_", "LOAD_")
#: Deliveries of a step that each model of its tier gets.
_ATTEMPTS_PER_MODEL = 3
#: What pydantic says less plainly, by the type of its error.
_IN_PLAIN_WORDS = {
    "int_parsing": "it should be a whole number",
    "too_short": "at least one is needed",
    "path_not_file": "there is no such file",
    "string_pattern_mismatch": "it should begin with http:// or https://",
}


def _separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _well_formed(secret: SecretStr) -> SecretStr:
    secrets(secret.get_secret_value())
    return secret


def _served(host: str) -> str:
    """As the host of a request is compared: without brackets and a last dot, an address in its short form."""
    with suppress(ValueError):
        return str(ip_address(host.strip("[]")))
    if host != "*" and not re.fullmatch(r"[^\s:/@\[\]*]+", host):
        raise ValueError(f"names and addresses without a port are needed, or *, not {host[:100]!r}")
    return host.lower().rstrip(".")


Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(str.upper)]
BaseUrl = Annotated[str, Field(pattern="^https?://")]
_Separated = BeforeValidator(_separated)
Names = Annotated[tuple[str, ...], NoDecode, _Separated]
ModelNames = Annotated[Names, Field(min_length=1)]
#: A name or address, and perhaps a port or `*`; an IPv6 address in brackets.
_HOST = r"^(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+)(:([0-9]{1,5}|\*))?$"
Host = Annotated[str, StringConstraints(to_lower=True, pattern=_HOST)]
Hosts = Annotated[tuple[Host, ...], NoDecode, _Separated]
ServedHosts = Annotated[tuple[Annotated[str, AfterValidator(_served)], ...], NoDecode, _Separated]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, _Separated]
Delays = Annotated[tuple[Seconds, ...], NoDecode, _Separated]
WebhookSecret = Annotated[SecretStr, AfterValidator(_well_formed)]


class _Group(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )


class Nats(_Group):
    """NATS"""

    nats_url: str = Field("nats://127.0.0.1:4222", description="Servers, separated by commas.")
    nats_credentials: FilePath | None = Field(None, description="Path of a NATS .creds file.")
    nats_token: SecretStr | None = Field(None, description="NATS token, where the server requires one.")
    nats_timeout: Seconds = Field(30, description="Seconds after which a publish or read gives up.")
    nats_ping_interval: Seconds = Field(3, description="Seconds between pings; a connection silent for three is lost.")
    stream_replicas: int = Field(1, ge=1, le=5, description="Copies of each stream that is declared; 3 on a cluster.")
    store_bytes: int = Field(
        4 * 1024**3, ge=64 * 1024**2, description="Bytes that the streams hold together: reserved at the NATS server."
    )
    jobs_max_age_days: Seconds = Field(7, description="Days that a job is kept: in all streams but EVENTS and DEAD.")
    events_max_age_hours: Seconds = Field(24, description="Hours that EVENTS keeps an event.")

    @field_validator("nats_url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        """Each with its scheme, by which its password is found where the URL is shown."""
        servers = [one.strip() if "://" in one else f"nats://{one.strip()}" for one in value.split(",")]
        try:
            urls = [urlsplit(server) for server in servers]
            fit = all(url.scheme in ("nats", "tls", "ws", "wss") and url.hostname and url.port != 0 for url in urls)
        except ValueError:  # its own words may hold a piece of the password
            fit = False
        if not fit:
            raise ValueError("nats://host:port is needed (or tls, ws, wss), several separated by commas")
        return ",".join(servers)


class Work(_Group):
    """Work"""

    patterns: Names = Field((), description="More patterns: module:ATTRIBUTE, or a folder of them such as ./patterns.")
    slots: Count = Field(32, description="Steps that one worker or classifier executes at once, tools apart.")
    runs: Count = Field(256, description="Jobs that one aggregator runs at once.")
    mcp: FilePath | None = Field(None, description="A JSON file whose mcpServers workers take tools from.")
    fan_out: Count = Field(8, description="Tasks of one job in flight at once, where it fans out.")
    max_steps: Count = Field(1000, description="Steps and waits of one job; with more it fails as too_many_steps.")
    ack_wait: float = Field(6, ge=1, description="Seconds without a heartbeat after which another replica takes over.")
    grace: Seconds = Field(20, description="Seconds that running work may take to finish at SIGTERM.")
    deadline: Seconds = Field(900, description="Seconds a job may take, unless its request says otherwise.")
    max_deliveries: int = Field(8, ge=2, description="Beginnings that poison a step; of a job, four times as many.")
    handover: Seconds = Field(30, description="Seconds for which a job waits for an aggregator that has its version.")
    show_errors: bool = Field(False, description="Tell callers what an author's code raised, and where; on in `up`.")
    flush_interval: float = Field(0.02, ge=0, description="Seconds in which pieces of text are joined into one delta.")


class Models(_Group):
    """Models"""

    # The stable ones of November 2026: gemini-2.5-pro and gemini-2.5-flash, which the guide's models became, are shut
    # down on 2026-12-01. One fallback a tier: with two, a step would have more attempts than `max_deliveries`.
    complex_models: ModelNames = Field(
        ("gemini-4-argon", "gemini-3.8-flash"), description="The complex tier's model, then fallbacks."
    )
    fast_models: ModelNames = Field(
        ("gemini-3.8-flash", "gemini-3.5-flash-lite"), description="The fast tier's model, then fallbacks."
    )
    model_api_key: SecretStr | None = Field(None, description="Gemini API key; else GEMINI_API_KEY.")
    model_api_key_file: Path | None = Field(None, description="A file with the key in it; else GEMINI_API_KEY_FILE.")
    model_base_url: BaseUrl | None = Field(None, description="Base URL; else GOOGLE_GEMINI_BASE_URL.")
    simulator_url: BaseUrl | None = Field(None, description="Base URL for when there is neither a key nor a base URL.")
    model_timeout: Seconds = Field(600, description="Seconds that one model call may take.")
    model_first_token_timeout: Seconds = Field(120, description="Seconds until its first piece, thinking done.")
    model_idle_timeout: Seconds = Field(60, description="Seconds between two pieces of a reply.")
    model_max_output_tokens: Count = Field(65_536, description="Output tokens of one model call, thinking included.")
    model_retry_delay: Seconds = Field(0.5, description="Seconds before a model call's second try; doubles, up to 30.")

    def model_for(self, attempt: int, complexity: Complexity, priority: Priority | None = None) -> str:
        """The model of a step's attempt, counted from 1: the tier's first for three, then each fallback for as many.

        Past the last model's attempts it stays the last model.
        """
        models = self._tier(complexity, priority)
        return models[min((attempt - 1) // _ATTEMPTS_PER_MODEL, len(models) - 1)]

    def attempts(self, complexity: Complexity, priority: Priority | None = None) -> int:
        """How many attempts the models of a step have: a failure of the last is final."""
        return len(self._tier(complexity, priority)) * _ATTEMPTS_PER_MODEL

    def model_above(self, complexity: Complexity, priority: Priority | None = None) -> str | None:
        """The model to ask last where the step's own tier does not get it right; None for the highest tier."""
        return None if self._tier(complexity, priority) is self.complex_models else self.complex_models[0]

    def _tier(self, complexity: Complexity, priority: Priority | None) -> tuple[str, ...]:
        is_complex = complexity == "complex" if priority is None else priority == "quality"
        return self.complex_models if is_complex else self.fast_models


class Http(_Group):
    """HTTP"""

    host: str = Field("127.0.0.1", description="Address that a service's HTTP server listens on.")
    port: Port | None = Field(
        None,
        description="Port of a service's HTTP server; 0 takes a free one. Default: 8080 for the gateway, 0 for others.",
    )
    allowed_hosts: ServedHosts = Field(
        (),
        description="Names that the gateway serves by the header Host, without ports; * is any. Not set: localhost and "
        "addresses of loopback where it listens on such an address, elsewhere any.",
    )
    max_connections: Count = Field(
        4096,
        description="Connections at once, or fewer where there are fewer descriptors; then the longest idle is closed.",
    )
    header_timeout: Seconds = Field(10, description="Seconds within which the headers of a request have to come.")
    body_timeout: Seconds = Field(60, description="Seconds within which the body of a request has to come.")
    idle_timeout: Seconds = Field(60, description="Seconds that a connection may be idle between two requests.")
    write_timeout: Seconds = Field(60, description="Seconds in which a reader has to take some of its answer.")
    max_body: Count = Field(4 * 1024**2, description="Bytes of a request body.")
    max_values: Count = Field(20_000, description="Values in a request body: members of objects and items of arrays.")
    stream_buffer: Count = Field(
        64 * 1024**2, description="Bytes that a gateway buffers for all slow readers; beyond, they read from NATS."
    )
    heartbeat: Seconds = Field(15, description="Seconds between heartbeats on a quiet event stream.")
    max_backlog: Count = Field(10_000, description="Waiting jobs above which the gateway answers 503.")


class Webhooks(_Group):
    """Webhooks"""

    webhook_secret: WebhookSecret | None = Field(
        None,
        description="Signs webhooks: whsec_ and 24 to 64 bytes in base64. Several, separated by blanks, all sign. "
        "Not set: requests with a webhook are refused.",
    )
    webhook_allowed_hosts: Hosts = Field(
        (), description="Hosts that may be private, or plain http: `host` (ports 443 and 80), `host:port` or `host:*`."
    )
    webhook_allowed_networks: Networks = Field((), description="Networks that webhooks may reach although not public.")
    webhook_timeout: Seconds = Field(15, description="Seconds that one delivery of a webhook may take.")
    webhook_max_body: int = Field(
        256 * 1024, ge=1024, description="Bytes of a webhook; one that would be larger goes without the job's result."
    )
    webhook_slots: Count = Field(256, description="Webhooks that one aggregator delivers at once.")
    webhook_slots_per_host: Count = Field(16, description="Webhooks that one aggregator delivers at once to one host.")
    webhook_retry_delays: Delays = Field(
        (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="Seconds between the tries of a webhook; the default is the example of Standard Webhooks, 3 days.",
    )


class Logs(_Group):
    """Logs"""

    log_level: Level = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    log_json: bool = Field(True, description="One JSON object a line; else plain text.")


class Settings(Nats, Work, Models, Http, Webhooks, Logs):
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
        raise Misconfigured(f"{PREFIX}{name.upper()}{shown}: {reason}")

    @model_validator(mode="after")
    def _enough_deliveries(self) -> "Settings":
        """Every model of a tier gets its attempts before a step's message is taken for poisoned."""
        needed = max(self.attempts("complex"), self.attempts("simple"))
        if needed > self.max_deliveries:
            raise Misconfigured(
                f"PENSTOCK_MAX_DELIVERIES={self.max_deliveries} is too few: a step has up to {needed} "
                f"attempts, {_ATTEMPTS_PER_MODEL} with each model of its tier"
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

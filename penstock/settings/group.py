"""What the groups of settings are made of: their base, and the types of their values."""

import re
from contextlib import suppress
from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyNetwork, SecretStr, StringConstraints
from pydantic_core import from_json
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from penstock.contracts.step import Thinking
from penstock.contracts.webhook import secrets

PREFIX = "PENSTOCK_"


def _separated(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _from_json(value: object) -> object:
    try:
        return from_json(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"it should be JSON ({error})") from None


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


def _rate(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour|day)|none", text):
        raise ValueError("10/minute is a rate (or second, hour, day); none is no limit")
    return text


def _origin(text: str) -> str:
    if not re.fullmatch(r"\*|[a-z][a-z0-9+.-]*://[^\s/@,*]+", text.lower()):
        raise ValueError("an origin such as https://app.example.com is needed, without a path, or *")
    return text.lower()


#: Bounded by what the server and an event loop can count: thirty years are for ever.
Seconds = Annotated[float, Field(gt=0, le=1e9)]
Count = Annotated[int, Field(ge=1)]
#: Read by penstock.callers.rate.
Rate = Annotated[str, AfterValidator(_rate)]
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
#: A page's scheme, name and perhaps port, as browsers write it.
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, _Separated]
Networks = Annotated[tuple[IPvAnyNetwork, ...], NoDecode, _Separated]
Delays = Annotated[tuple[Seconds, ...], NoDecode, _Separated]
WebhookSecret = Annotated[SecretStr, AfterValidator(_well_formed)]


JsonObject = BeforeValidator(_from_json)
TierThinking = Thinking | Annotated[int, Field(ge=-1)]
Temperature = Annotated[float, Field(ge=0, le=2)]
StepName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9_-]{1,64}$")]
StepModels = Annotated[dict[StepName, Annotated[str, Field(min_length=1)]], NoDecode, JsonObject]
#: As the Gemini API calls them.
Harm = Literal[
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
]
Threshold = Literal["BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"]
SafetySettings = Annotated[dict[Harm, Threshold], NoDecode, JsonObject]


class Group(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

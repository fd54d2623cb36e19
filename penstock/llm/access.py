"""Where model calls go, and with which key."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from penstock.errors import Misconfigured
from penstock.loopback import is_loopback
from penstock.settings import Models

#: Variables that a key may come from, in the order of their precedence: ours, then those of the SDK.
KEYS = (
    "PENSTOCK_MODEL_API_KEY",
    "PENSTOCK_MODEL_API_KEY_FILE",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GEMINI_API_KEY_FILE",
)
#: Sent where there is no key: the SDK insists on one.
NO_KEY = "none"


@dataclass(frozen=True)
class Access:
    """`base_url`: None is Google's. `plain`: by http. `google`: it is Google that is asked, whatever the URL.

    `file`: where `key` is from, if it is from a file.
    """

    base_url: str | None
    key: str = field(repr=False)
    file: Path | None
    plain: bool
    google: bool


def access_of(settings: Models) -> Access | None:
    """What the settings and the SDK's variables say; None where they have neither a key nor an address.

    Without either it is the simulator, if `simulator_url` is set: so no key ever goes there. Raises Misconfigured where
    a key is missing, holds what no header can hold, or would leave this machine unencrypted.
    """
    key, file = next(_found(settings), ("", None))
    base_url = settings.model_base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL") or None
    if not (base_url or key):
        base_url = settings.simulator_url
        if base_url is None:
            return None
    url = urlsplit(base_url or "https://generativelanguage.googleapis.com")
    host, plain = url.hostname or "", url.scheme == "http"
    google = host.endswith(".googleapis.com")
    if google and not key:
        raise Misconfigured("no API key: set GEMINI_API_KEY, or a base URL that needs none")
    if not (key.isascii() and key.isprintable()):
        raise Misconfigured("the API key holds characters that no key has (a line break, perhaps)")
    if plain and key not in ("", NO_KEY) and not is_loopback(host):
        raise Misconfigured(
            f"the API key would be sent to http://{host} unencrypted: set PENSTOCK_MODEL_BASE_URL (or "
            f"GOOGLE_GEMINI_BASE_URL) to https://…, or PENSTOCK_MODEL_API_KEY={NO_KEY} if none is needed there"
        )
    return Access(base_url, key or NO_KEY, file, plain, google)


def keys(settings: Models) -> Iterator[str]:
    """Those that are given, first of all the one that counts. Raises Misconfigured for a file that cannot be read."""
    return (key for key, _ in _found(settings))


def _found(settings: Models) -> Iterator[tuple[str, Path | None]]:
    """Each with the file that it is from."""
    given: dict[str, str | Path | None] = {
        **{name: os.environ.get(name) for name in KEYS},
        "PENSTOCK_MODEL_API_KEY": settings.model_api_key.get_secret_value() if settings.model_api_key else None,
        "PENSTOCK_MODEL_API_KEY_FILE": settings.model_api_key_file,
    }
    for name, value in given.items():
        file = Path(value) if value and name.endswith("_FILE") else None
        try:
            key = file.read_bytes().decode(errors="replace") if file else value
        except OSError as error:
            raise Misconfigured(f"{name}={value}: {error.strerror}") from error
        if stripped := str(key or "").strip():
            yield stripped, file

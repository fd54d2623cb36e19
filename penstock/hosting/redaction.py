"""What no log may hold, taken out of its lines: the second line of defence, behind not logging it.

Secrets of this process's settings, wherever they stand; keys of callers and of Google, by their form.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from penstock.errors import Misconfigured
from penstock.llm.access import NO_KEY, keys
from penstock.settings import Settings

_BY_FORM = (r"(?<=Bearer )[^\s\"',]+", r"\bpsk_\w+", r"\bAIza[\w-]{20,}")
#: Shorter ones are words like others.
_SHORTEST = 4


def secret_texts(settings: Settings) -> re.Pattern[str]:
    """Matches each of them, as it is and as JSON writes it."""
    found = {one for one in _secrets(settings) if len(one) >= _SHORTEST and one != NO_KEY}
    spelled = {re.escape(text) for one in found for text in (one, json.dumps(one)[1:-1], repr(one)[1:-1])}
    return re.compile("|".join((*sorted(spelled, key=len, reverse=True), *_BY_FORM)))


def _secrets(settings: Settings) -> Iterator[str]:
    for name in type(settings).model_fields:
        if isinstance(value := getattr(settings, name), SecretStr):
            whole = value.get_secret_value()
            yield from (whole, *whole.split(), *(part.partition("_")[2] for part in whole.split()))
    for url in settings.nats_url.split(","):
        parts = urlsplit(url)
        yield from filter(None, (parts.password, unquote(parts.password or "")))
        if parts.password is None:
            yield parts.username or ""  # a token
    with suppress(Misconfigured):
        yield from keys(settings)

"""TLS by files that may change while a process runs."""

import ssl
from collections.abc import Callable
from typing import Any, Self


class Renewed(ssl.SSLContext):
    """Made anew for each connection: what asyncio and uvloop ask of a context is `wrap_bio`, once for each."""

    _make: Callable[[], ssl.SSLContext]

    @classmethod
    def by(cls, make: Callable[[], ssl.SSLContext]) -> Self:
        """Raises what `make` raises, now and at each connection."""
        make()
        renewed = cls(ssl.PROTOCOL_TLS_CLIENT)
        renewed._make = make
        return renewed

    def wrap_bio(self, *given: Any, **named: Any) -> ssl.SSLObject:
        return self._make().wrap_bio(*given, **named)

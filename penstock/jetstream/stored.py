"""A message as a stream holds it."""

from dataclasses import dataclass

from nats.aio.msg import Msg


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as a stream holds it. `time` is what the server stamped (RFC 3339, UTC)."""

    subject: str
    sequence: int
    data: bytes
    time: str
    headers: dict[str, str]

    @classmethod
    def of(cls, message: Msg) -> "Stored":
        """From a direct get or a republished message; both name their origin in headers."""
        headers = message.headers or {}
        return cls(
            subject=headers["Nats-Subject"],
            sequence=int(headers["Nats-Sequence"]),
            data=message.data,
            time=headers.get("Nats-Time-Stamp", ""),
            headers=headers,
        )

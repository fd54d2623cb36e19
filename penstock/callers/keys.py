"""Keys: `psk_<id>_<secret>`, who each belongs to, and where that is kept.

The id is public and names a key in lists and logs. Its secret is shown once, and only its hash is kept: plain SHA-256,
since nothing of 256 random bits can be guessed. A slow hash is for what people choose, and would cost every request.
"""

import hashlib
import re
import secrets
import string
from datetime import UTC, datetime
from typing import Annotated, NamedTuple
from zlib import crc32

from pydantic import StringConstraints, ValidationError

from penstock.callers.caller import Caller, Limits
from penstock.contracts.wire import Tenant, Time, Tolerant, is_token, omitted
from penstock.errors import PenstockError
from penstock.jetstream import subjects
from penstock.jetstream.bus import Bus

_ID_ALPHABET = string.ascii_lowercase + string.digits
_ALPHABET = string.digits + string.ascii_letters
#: 43 of 62 characters are 256 bits; the last six are a checksum, by which scanners tell keys from what looks like one.
_ID_LENGTH, _SECRET_LENGTH, _CHECKSUM_LENGTH = 10, 43, 6
_FORM = re.compile(rf"psk_([a-z0-9]{{{_ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")

KeyName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class UnknownKey(PenstockError):
    """There is no key with this id."""


class Key(Tolerant):
    """What is kept of a key. A revoked one is kept, too: that there was one matters (docs/keys.md)."""

    id: str
    #: Of the whole key, in hexadecimal.
    sha256: str
    name: KeyName
    tenant: Tenant
    admin: bool = False
    limits: Limits = Limits()
    created: Time
    expires: Time | None = omitted()
    revoked: Time | None = omitted()

    def serves(self, now: float) -> bool:
        """Whether it is neither revoked nor, at `now` in Unix seconds, expired."""
        return self.revoked is None and (self.expires is None or now < self.expires.timestamp())

    def caller(self) -> Caller:
        return Caller(self.tenant, self.id, self.name, self.admin, self.limits)


class NewKey(NamedTuple):
    """`text` is the whole key; nobody can be told it again."""

    text: str
    key: Key


def make(
    name: str,
    tenant: str,
    *,
    created: datetime,
    admin: bool = False,
    limits: Limits | None = None,
    expires: datetime | None = None,
) -> NewKey:
    """A key that nobody has. Raises ValidationError."""
    key_id = _random(_ID_ALPHABET, _ID_LENGTH)
    text = f"psk_{key_id}_{_random(_ALPHABET, _SECRET_LENGTH)}"
    text += _checksum(text)
    about = {"name": name, "tenant": tenant, "admin": admin, "limits": limits or Limits()}
    return NewKey(text, Key(id=key_id, sha256=digest(text), created=created, expires=expires, **about))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def id_of(text: str) -> str | None:
    """The id in a key; None for what is none, or has a wrong letter. Whether there is such a key is not asked."""
    match = _FORM.fullmatch(text)
    return match[1] if match and _checksum(text[:-_CHECKSUM_LENGTH]) == text[-_CHECKSUM_LENGTH:] else None


def read(data: bytes) -> Key | None:
    """What the bucket holds under an id; None for what is no key: deleted, or of a version that nobody knows here."""
    try:
        return Key.model_validate_json(data)
    except ValidationError:
        return None


class Keys:
    """The keys that NATS holds, to be managed."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def add(self, key: Key) -> None:
        await self._bus.append(subjects.key(key.id), key.model_dump_json().encode())

    async def all(self) -> list[Key]:
        """Oldest first, revoked and expired ones included."""
        history = self._bus.history(subjects.key(">"))
        found = [key async for stored in history if (key := read(stored.data))]
        return sorted(found, key=lambda key: (key.created, key.id))

    async def revoke(self, key_id: str) -> Key:
        """The key as it is after that: the first revocation counts. Raises UnknownKey."""
        known = await self._bus.last_from_leader(subjects.key(key_id)) if is_token(key_id) else None
        if known is None or (key := read(known.data)) is None:
            raise UnknownKey(f"there is no key {key_id[:100]!r}; `penstock keys list` shows the ids")
        if key.revoked is None:
            now = datetime.fromtimestamp(self._bus.time.now(), UTC)
            key = key.model_copy(update={"revoked": now})
            await self.add(key)
        return key


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))


def _checksum(text: str) -> str:
    number, digits = crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits

"""A .creds file as `nsc` writes it: a server that trusts an operator, and a user of one of its accounts."""

import base64
import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

import nkeys

from penstock.jetstream.connection import connect
from penstock.settings import Settings
from tests.support.servers import NatsServer


def pair(prefix: int) -> nkeys.KeyPair:
    return nkeys.from_seed(nkeys.encode_seed(os.urandom(32), prefix))


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(by: nkeys.KeyPair, about: nkeys.KeyPair, kind: str, **more: Any) -> str:
    """A claim as nats.io's JWT libraries write it (version 2)."""
    claim = {
        "iat": 0,
        "iss": by.public_key.decode(),
        "sub": about.public_key.decode(),
        "name": kind,
        "nats": {"type": kind, "version": 2, **more},
    }
    claim["jti"] = base64.b32encode(sha256(json.dumps(claim).encode()).digest()).decode().rstrip("=")
    head = {"typ": "JWT", "alg": "ed25519-nkey"}
    said = ".".join(encoded(json.dumps(part).encode()) for part in (head, claim))
    return f"{said}.{encoded(by.sign(said.encode()))}"


async def test_a_file_of_credentials_is_what_a_process_connects_with(tmp_path: Path) -> None:
    operator, account, user = (
        pair(prefix) for prefix in (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER)
    )
    unlimited = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    told = {account.public_key.decode(): jwt(operator, account, "account", limits={**unlimited, "wildcards": True})}
    config = tmp_path / "operator.conf"
    server = NatsServer(tmp_path / "nats", "--config", str(config))
    trusting = {"operator": jwt(operator, operator, "operator"), "resolver": "MEMORY", "resolver_preload": told}
    config.write_text(json.dumps({"listen": server.url.removeprefix("nats://"), **trusting}))
    limits = dict.fromkeys(("subs", "data", "payload"), -1)
    creds = tmp_path / "user.creds"
    creds.write_text(
        f"-----BEGIN NATS USER JWT-----\n{jwt(account, user, 'user', **limits)}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    async with server:
        bus = await connect(Settings(nats_url=server.url, nats_credentials=creds), "test")
        assert bus.connection.is_connected
        await bus.connection.close()

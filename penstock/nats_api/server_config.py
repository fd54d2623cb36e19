"""The configuration of a nats-server that lets each service do what it must, and no more.

The gateway, the aggregator and the operator are users of the fleet's account, where the streams are, with permissions.
Each service that executes steps has an account of its own, into and out of which goes only what it imports, as a
tenant's callers do (penstock.nats_api.credentials): it runs authors' code, and permissions alone would not hold it. A
server looks at the subject that is published to and not at the reply subject that is named, so within one account an
answer of JetStream could be led to any subject, such as `journal.<tenant>.<job>.end`.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from penstock.jetstream import subjects
from penstock.jetstream.connection import inbox
from penstock.jetstream.partitions import Partitions, stream_of
from penstock.nats_api import permissions
from penstock.nats_api.credentials import FLEET
from penstock.nats_api.permissions import OPERATOR, Rights
from penstock.pattern import Pattern
from penstock.settings import Settings

#: How long a place is kept for further answers of those that have several: messages pulled, batches read.
_SEVERAL = 'response_type: stream, response_threshold: "10s"'
_HAVE_SEVERAL = (".CONSUMER.MSG.NEXT.", ".DIRECT.GET.")
#: An account answers requests about streams itself, also where it has none: executors' go by another name.
_ITS_OWN = {f"$JS.API.{about}": f"fleet.{about}" for about in ("STREAM.", "CONSUMER.INFO.")}
_INBOXES = inbox("")
#: As penstock.local.nats_server has it.
_MAX_PAYLOAD, _MAX_PENDING = "8MB", "64MB"


class Tls(NamedTuple):
    """Paths, as the server finds them. `verify`: whether clients have to show a certificate of `ca`."""

    cert: str
    key: str
    ca: str | None = None
    verify: bool = False


def passwords(patterns: Mapping[str, Pattern[Any, Any]]) -> dict[str, str]:
    """By user: 256 random bits each."""
    return {user: secrets.token_hex(32) for user in (*permissions.services(patterns), OPERATOR)}


def fleet(
    patterns: Mapping[str, Pattern[Any, Any]],
    settings: Settings,
    secret: Mapping[str, str],
    included: Iterable[str] = (),
) -> str:
    """`accounts`: the fleet's and its executors'; `included` are files with others, such as tenants'."""
    executors = permissions.executors(patterns)
    may = {user: permissions.rights(user, patterns, settings) for user in secret}
    users = [_user(user, secret[user], may[user]) for user in secret if user not in executors]
    partitions = Partitions(settings.partitions)
    exports = _of_tenants(partitions)
    for subject, ones in _by_subject({one: _services_of(may[one], one) for one in executors}).items():
        several = f"{_SEVERAL}, " if any(kind in subject for kind in _HAVE_SEVERAL) else ""
        exports.append(f'{{ service: "{subject}", {several}accounts: [{_names(ones)}] }}')
    for subject, ones in _by_subject({one: _heard(may[one]) for one in executors}).items():
        exports.append(f'{{ stream: "{subject}", accounts: [{_names(ones)}] }}')
    imports = [_import("service", _account(one), subjects.FLEET) for one in executors]
    return "\n".join(
        (
            "accounts {",
            f"  {FLEET}: {{",
            "    jetstream: enabled",
            *(_mappings(dict([partitions.mapping])) if partitions.count > 1 else ()),
            *_list("users", users),
            *_list("exports", exports),
            *_list("imports", imports),
            "  }",
            *(line for one in executors for line in _executor(one, secret[one], may[one])),
            *(f"  include {file}" for file in included),
            "}",
            "",
        )
    )


def server(fleet_file: str, tls: Tls | None) -> str:
    """The whole of a configuration: what a server on one machine has, and the file with the accounts."""
    lines = [
        "# Made by `penstock nats-config`; what is secret is in the file that is included.",
        'listen: "0.0.0.0:4222"',
        # health checks of docker-compose.yml ask there
        'http: "127.0.0.1:8222"',
        f"max_payload: {_MAX_PAYLOAD}",
        f"max_pending: {_MAX_PENDING}",
        'jetstream { store_dir: "/data", sync_interval: "1s" }',
    ]
    if tls is not None:
        files = [("cert_file", tls.cert), ("key_file", tls.key), *([("ca_file", tls.ca)] if tls.ca else [])]
        lines += ["tls {", *(f"  {name}: {_text(path)}" for name, path in files)]
        lines += [f"  verify: {str(tls.verify).lower()}", "}"]
    return "\n".join((*lines, f"include {fleet_file}", ""))


def _executor(name: str, password: str, may: Rights) -> list[str]:
    imports = [_import("service", FLEET, subject) for subject in _services_of(may, name)]
    imports += [_import("stream", FLEET, subject) for subject in _heard(may)]
    answers = f'{{ service: "{subjects.FLEET}", {_SEVERAL}, accounts: [{FLEET}] }}'
    # the server looks at permissions after that
    led = replace(may, publish=tuple(map(_led, may.publish)))
    return [
        f"  {_account(name)}: {{",
        *_mappings({f"{own}>": f"{led}>" for own, led in _ITS_OWN.items()}),
        *_list("users", [_user(name, password, led)]),
        *_list("exports", [answers]),
        *_list("imports", imports),
        "  }",
    ]


def _of_tenants(partitions: Partitions) -> list[str]:
    """What tenants' accounts import; the most of it. What a tenant has of it is in its own account."""
    facts = (f"$JS.API.DIRECT.GET.{stream_of(fact)}.{fact}" for fact in partitions.each("journal.>"))
    services = ["jobs.>", "penstock.>", *facts]
    return [*(f'{{ service: "{subject}" }}' for subject in services), '{ stream: "live.>" }']


def _mappings(some: Mapping[str, str]) -> list[str]:
    return ["    mappings: {", *(f'      "{source}": "{to}",' for source, to in some.items()), "    }"]


def _led(subject: str) -> str:
    """What a request of an executor is called in its account."""
    for own, led in _ITS_OWN.items():
        if subject.startswith(own):
            return led + subject.removeprefix(own)
    return subject


def _services_of(may: Rights, name: str) -> list[str]:
    """What it publishes outside of its own account. Answers find their way back by themselves."""
    own = (f"{inbox(name)}.>", permissions.ANSWERS)
    return [subject for subject in may.publish if subject not in own]


def _heard(may: Rights) -> list[str]:
    """What comes from the fleet's account."""
    return [subject for subject in may.subscribe if subject != subjects.FLEET and not subject.startswith(_INBOXES)]


def _by_subject(subjects_of: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Which services have each."""
    found: dict[str, list[str]] = {}
    for service, some in subjects_of.items():
        for subject in some:
            found.setdefault(subject, []).append(service)
    return found


def _user(name: str, password: str, may: Rights) -> str:
    allowed = f"allow: [{_quoted(may.publish)}], deny: [{_quoted(may.deny)}]"
    heard = f"subscribe: {{ allow: [{_quoted(may.subscribe)}] }}"
    return f'{{ user: {name}, password: "{password}", permissions: {{ publish: {{ {allowed} }}, {heard} }} }}'


def _import(kind: str, account: str, subject: str) -> str:
    other = f', to: "{led}"' if (led := _led(subject)) != subject else ""
    return f'{{ {kind}: {{ account: {account}, subject: "{subject}" }}{other} }}'


def _account(service: str) -> str:
    return f'"{FLEET}-{service}"'


def _names(executors: Iterable[str]) -> str:
    return ", ".join(map(_account, executors))


def _list(name: str, some: Iterable[str]) -> list[str]:
    return [f"    {name}: [", *(f"      {one}," for one in some), "    ]"]


def _quoted(some: Iterable[str]) -> str:
    return ", ".join(f'"{one}"' for one in some)


def _text(path: str) -> str:
    """Raises ValueError for what the server's parser would read as something else."""
    if any(sign in path for sign in '"\\\n'):
        raise ValueError(f"{path!r} cannot be written into nats-server's configuration")
    return f'"{path}"'

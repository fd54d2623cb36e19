"""`penstock nats-config`: the configuration of a NATS server that has a user for each service."""

import os
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.errors import BadInput
from penstock.cli.keys import A_TENANT
from penstock.cli.own_settings import settings_with
from penstock.cli.printing import echo, say
from penstock.jetstream.partitions import Partitions
from penstock.local.processes import make_private, write_private
from penstock.nats_api import credentials, server_config
from penstock.patterns.loading import load

_CONFIG, _ACCOUNTS = "nats.conf", "accounts.conf"


def nats_config(
    folder: Annotated[
        Path,
        typer.Argument(file_okay=False, help="Where the files are written; made for its user alone.", metavar="DIR"),
    ],
    tenant: Annotated[
        list[str] | None,
        typer.Option(help="With an account for its callers; may be given again.", metavar="TENANT", parser=A_TENANT),
    ] = None,
    tls_cert: Annotated[str | None, typer.Option(help="The server's certificate, as the server finds it.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="Its private key.")] = None,
    tls_ca: Annotated[str | None, typer.Option(help="The CAs of clients, which then need a certificate.")] = None,
    update: Annotated[
        bool, typer.Option("--update", metavar="", help="Write anew what users may do; passwords and nats.conf stay.")
    ] = False,
) -> None:
    """Write a nats-server configuration with one user for each service, and what each service needs to be it.

    The patterns that PENSTOCK_PATTERNS names say which services there are: run it again where they change, with
    --update; no file is replaced without. A user whose file was removed gets a new password. Nothing secret is printed.
    """
    if (tls_cert is None) != (tls_key is None) or (tls_ca is not None and tls_cert is None):
        raise BadInput("--tls-cert and --tls-key need each other, and --tls-ca both")
    settings = settings_with(None)
    patterns = load(settings.patterns)
    tls = server_config.Tls(tls_cert, tls_key, tls_ca, verify=tls_ca is not None) if tls_cert and tls_key else None
    try:
        whole = server_config.server(_ACCOUNTS, tls)
    except ValueError as error:
        raise BadInput(str(error)) from None
    passwords = server_config.passwords(patterns)
    if update:
        passwords |= {user: known for user in passwords if (known := _password(folder / f"{user}.env"))}
    files = {f"{user}.env": _environment(user, password) for user, password in passwords.items()}
    partitions = Partitions(settings.partitions)
    tenants = {
        f"tenant-{name}.conf": credentials.account(credentials.make(name), partitions) + "\n" for name in tenant or ()
    }
    there = {file.name for file in folder.glob("tenant-*.conf")}
    files[_ACCOUNTS] = server_config.fleet(patterns, settings, passwords, sorted(there.union(tenants)))
    # they have passwords, or what an operator has written: they stay as they are
    for name, text in (*tenants.items(), (_CONFIG, whole)):
        if not (update and (folder / name).exists()):
            files[name] = text
    if not update and (there_already := sorted(name for name in files if (folder / name).exists())):
        raise BadInput(f"in {folder} there are {', '.join(there_already)}: --update keeps the passwords in them")
    if not folder.exists():  # one that is there is its owner's; the files are private all the same
        make_private(folder)
    for file, text in files.items():
        write_private(folder / file, text)
        echo(str(folder / file))
    say(f"start `nats-server -c {folder / _CONFIG}`, or have it read the file again", prefix="", colour=None)


def _environment(user: str, password: str) -> str:
    """What docker's --env-file, systemd's EnvironmentFile and kubectl's --from-env-file read."""
    return f"PENSTOCK_NATS_USER={user}\nPENSTOCK_NATS_PASSWORD={password}\n"


def _password(file: Path) -> str | None:
    """Of one that was written before. Raises BadInput for one that is no such file: it is not replaced."""
    try:
        lines = dict(line.split("=", 1) for line in file.read_text().splitlines())
        return lines["PENSTOCK_NATS_PASSWORD"]
    except FileNotFoundError:
        return None
    except (KeyError, ValueError, OSError):
        raise BadInput(f"{os.fspath(file)} was not written by this command") from None

import re
from urllib.parse import urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from penstock.settings.group import Count, Group, Seconds


class Nats(Group):
    """NATS"""

    nats_url: str = Field("nats://127.0.0.1:4222", description="Servers, separated by commas.")
    nats_credentials: FilePath | None = Field(None, description="Path of a NATS .creds file.")
    nats_token: SecretStr | None = Field(None, description="NATS token, where the server requires one.")
    nats_user: str | None = Field(None, description="User, where the server has one for each service.")
    nats_password: SecretStr | None = Field(None, description="Its password.")
    nats_ca: FilePath | None = Field(None, description="PEM file of the CAs that the server's certificate may be of.")
    nats_cert: FilePath | None = Field(None, description="PEM file of a client's certificate, where one is asked for.")
    nats_key: FilePath | None = Field(None, description="PEM file of that certificate's private key.")
    nats_timeout: Seconds = Field(30, description="Seconds after which a publish or read gives up.")
    nats_ping_interval: Seconds = Field(3, description="Seconds between pings; a connection silent for three is lost.")
    partitions: int = Field(
        1,
        ge=1,
        le=64,
        description="Streams that each of JOBS, STEPS, JOURNAL and EVENTS is; the same for all services.",
    )
    stream_replicas: int = Field(1, ge=1, le=5, description="Copies of each stream that is declared; 3 on a cluster.")
    store_bytes: int = Field(
        4 * 1024**3, ge=64 * 1024**2, description="Bytes that the streams hold together: reserved at the NATS server."
    )
    jobs_max_age_days: Seconds = Field(7, description="Days that a job is kept: in all streams but EVENTS and DEAD.")
    events_max_age_hours: Seconds = Field(24, description="Hours that EVENTS keeps an event.")
    usage_days: Count = Field(400, description="Days that the sums of usage are kept.")

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

    @model_validator(mode="after")
    def _whole(self) -> "Nats":
        """What is of use only together, is there together."""
        if (self.nats_user is None) != (self.nats_password is None):
            raise ValueError("PENSTOCK_NATS_USER and PENSTOCK_NATS_PASSWORD need each other")
        if (self.nats_cert is None) != (self.nats_key is None):
            raise ValueError("PENSTOCK_NATS_CERT and PENSTOCK_NATS_KEY need each other")
        if self.nats_user is not None and not re.fullmatch(r"[\w-]+", self.nats_user, re.ASCII):
            raise ValueError("PENSTOCK_NATS_USER may have letters, digits, - and _: it is a token of subjects, too")
        if self.nats_user is not None and "@" in self.nats_url:
            raise ValueError("PENSTOCK_NATS_USER is instead of a user or token in PENSTOCK_NATS_URL")
        if self.nats_user is not None and (self.nats_token is not None or self.nats_credentials is not None):
            raise ValueError("PENSTOCK_NATS_USER is instead of PENSTOCK_NATS_TOKEN and PENSTOCK_NATS_CREDENTIALS")
        return self

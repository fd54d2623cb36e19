import re
from urllib.parse import urlsplit

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from penstock.settings.group import Count, Group, Seconds
from penstock.settings.secret_file import SecretFile


class Nats(Group):
    """NATS"""

    nats_url: str = Field("nats://127.0.0.1:4222", description="Servers, separated by commas.")
    nats_credentials: FilePath | None = Field(None, description="Path of a NATS .creds file.")
    nats_token: SecretStr | None = Field(None, description="NATS token, where the server requires one.")
    nats_token_file: FilePath | None = Field(None, description="A file with it in, read anew at each connection.")
    nats_user: str | None = Field(None, description="User, where the server has one for each service.")
    nats_password: SecretStr | None = Field(None, description="Its password.")
    nats_password_file: FilePath | None = Field(None, description="A file with it in, read anew at each connection.")
    nats_ca: FilePath | None = Field(None, description="PEM file of the CAs that the server's certificate may be of.")
    nats_cert: FilePath | None = Field(None, description="PEM file of a client's certificate, where one is asked for.")
    nats_key: FilePath | None = Field(None, description="PEM file of that certificate's private key.")
    nats_timeout: Seconds = Field(30, description="Seconds after which a publish or read gives up.")
    nats_ping_interval: Seconds = Field(3, description="Seconds between pings; a connection silent for three is lost.")
    stream_replicas: int = Field(1, ge=1, le=5, description="Copies of each stream that is declared; 3 on a cluster.")
    store_bytes: int = Field(
        4 * 1024**3,
        ge=64 * 1024**2,
        le=2**60,
        description="Bytes that the streams hold together: reserved at the NATS server.",
    )
    jobs_max_age_days: float = Field(
        7, gt=0, le=36_500, description="Days that a job is kept: in all streams but EVENTS and DEAD."
    )
    events_max_age_hours: float = Field(24, gt=0, le=876_000, description="Hours that EVENTS keeps an event.")
    usage_days: Count = Field(400, le=36_500, description="Days that the sums of usage are kept.")

    def token(self) -> str | None:
        """As it is now. Raises Misconfigured for a file that cannot be read."""
        if self.nats_token_file is not None:
            return SecretFile(self.nats_token_file, "PENSTOCK_NATS_TOKEN_FILE")()
        return self.nats_token.get_secret_value() if self.nats_token else None

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
        for name in ("token", "password"):
            if getattr(self, f"nats_{name}") is not None and getattr(self, f"nats_{name}_file") is not None:
                raise ValueError(f"PENSTOCK_NATS_{name.upper()}_FILE is instead of PENSTOCK_NATS_{name.upper()}")
        if (self.nats_user is None) != (self.nats_password is None and self.nats_password_file is None):
            raise ValueError("PENSTOCK_NATS_USER and PENSTOCK_NATS_PASSWORD (or _FILE) need each other")
        if (self.nats_cert is None) != (self.nats_key is None):
            raise ValueError("PENSTOCK_NATS_CERT and PENSTOCK_NATS_KEY need each other")
        if self.nats_user is not None and not re.fullmatch(r"[\w-]+", self.nats_user, re.ASCII):
            raise ValueError("PENSTOCK_NATS_USER may have letters, digits, - and _: it is a token of subjects, too")
        if self.nats_user is not None and "@" in self.nats_url:
            raise ValueError("PENSTOCK_NATS_USER is instead of a user or token in PENSTOCK_NATS_URL")
        others = self.nats_token, self.nats_token_file, self.nats_credentials
        if self.nats_user is not None and any(one is not None for one in others):
            raise ValueError("PENSTOCK_NATS_USER is instead of PENSTOCK_NATS_TOKEN and PENSTOCK_NATS_CREDENTIALS")
        return self

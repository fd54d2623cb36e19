from pydantic import Field, FilePath, model_validator

from penstock.contracts.webhook import secrets
from penstock.settings.group import Count, Delays, Group, Hosts, Networks, Seconds, WebhookSecret
from penstock.settings.secret_file import SecretFile


class Webhooks(Group):
    """Webhooks"""

    webhook_secret: WebhookSecret | None = Field(
        None,
        description="Signs webhooks: whsec_ and 24 to 64 bytes in base64. Several, separated by blanks, all sign. "
        "Not set: requests with a webhook are refused.",
    )
    webhook_secret_file: FilePath | None = Field(
        None, description="A file with the same in it, read anew for each delivery; instead of PENSTOCK_WEBHOOK_SECRET."
    )
    webhook_allowed_hosts: Hosts = Field(
        (), description="Hosts that may be private, or plain http: `host` (ports 443 and 80), `host:port` or `host:*`."
    )
    webhook_allowed_networks: Networks = Field((), description="Networks that webhooks may reach although not public.")
    webhook_timeout: Seconds = Field(15, description="Seconds that one delivery of a webhook may take.")
    webhook_max_body: int = Field(
        256 * 1024, ge=1024, description="Bytes of a webhook; one that would be larger goes without the job's result."
    )
    webhook_slots: Count = Field(256, description="Webhooks that one aggregator delivers at once.")
    webhook_slots_per_host: Count = Field(16, description="Webhooks that one aggregator delivers at once to one host.")
    webhook_retry_delays: Delays = Field(
        (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="Seconds between the tries of a webhook; the default is the example of Standard Webhooks, 3 days.",
    )

    def signed_with(self) -> str | None:
        """The secrets, separated by blanks. Raises Misconfigured for a file that cannot be read, or has none."""
        if self.webhook_secret_file is not None:
            return SecretFile(self.webhook_secret_file, "PENSTOCK_WEBHOOK_SECRET_FILE")()
        return self.webhook_secret.get_secret_value() if self.webhook_secret else None

    @model_validator(mode="after")
    def _one_secret(self) -> "Webhooks":
        if self.webhook_secret_file is not None:
            if self.webhook_secret is not None:
                raise ValueError("PENSTOCK_WEBHOOK_SECRET_FILE is instead of PENSTOCK_WEBHOOK_SECRET")
            secrets(self.signed_with() or "")
        return self

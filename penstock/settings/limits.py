from pydantic import Field

from penstock.settings.group import Group, Networks, Rate


class Limits(Group):
    """Limits of callers"""

    rate_limit: Rate = Field(
        "10/minute",
        description="Requests that begin or move on a job: of a key without a rate of its own, and of an address "
        "without a key, but not of this machine's own. Such as 10/minute (or second, hour, day); none is no limit.",
    )
    tenant_jobs: int | None = Field(
        None, ge=1, le=1_000, description="Jobs of one tenant at once, where its key has no limit of its own."
    )
    limits_open: bool = Field(False, description="Whether a rate that cannot be known for trouble with NATS is none.")
    trusted_proxies: Networks = Field(
        (), description="Networks of the proxies whose header X-Forwarded-For tells a caller's address."
    )

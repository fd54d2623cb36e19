from pydantic import Field

from penstock.settings.group import Count, Group, Origins, Port, Seconds, ServedHosts


class Http(Group):
    """HTTP"""

    host: str = Field("127.0.0.1", description="Address that a service's HTTP server listens on.")
    port: Port | None = Field(
        None,
        description="Port of a service's HTTP server; 0 takes a free one. Default: 8080 for the gateway, 0 for others.",
    )
    publish: str | None = Field(
        None,
        description="Address that the gateway is reached at, where that is not PENSTOCK_HOST: of a container, say.",
    )
    open: bool | None = Field(
        None,
        description="Whether the gateway serves callers without a key. Not set: on loopback, while there never was "
        "any. Where it does not, it starts only if there is a valid one.",
    )
    allowed_hosts: ServedHosts = Field(
        (),
        description="Names that the gateway serves by the header Host, without ports; * is any. Not set: localhost and "
        "addresses of loopback where it listens on such an address, elsewhere any.",
    )
    cors_origins: Origins = Field(
        (), description="Origins whose pages may use the gateway, such as https://app.example.com; * is any."
    )
    console: bool = Field(True, description="Whether the gateway shows browsers its console at `/`.")
    max_connections: Count = Field(
        4096,
        description="Connections at once, or fewer where there are fewer descriptors; then the longest idle is closed.",
    )
    header_timeout: Seconds = Field(10, description="Seconds within which the headers of a request have to come.")
    body_timeout: Seconds = Field(60, description="Seconds within which the body of a request has to come.")
    idle_timeout: Seconds = Field(60, description="Seconds that a connection may be idle between two requests.")
    write_timeout: Seconds = Field(60, description="Seconds in which a reader has to take some of its answer.")
    max_body: Count = Field(4 * 1024**2, description="Bytes of a request body.")
    max_values: Count = Field(20_000, description="Values in a request body: members of objects and items of arrays.")
    stream_buffer: Count = Field(
        64 * 1024**2, description="Bytes that a gateway buffers for all slow readers; beyond, they read from NATS."
    )
    heartbeat: Seconds = Field(15, description="Seconds between heartbeats on a quiet event stream.")
    max_backlog: Count = Field(10_000, description="Waiting jobs above which the gateway answers 503.")

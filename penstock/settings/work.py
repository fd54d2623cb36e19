from pydantic import Field, FilePath

from penstock.settings.group import Count, Group, Names, Seconds


class Work(Group):
    """Work"""

    patterns: Names = Field((), description="More patterns: module:ATTRIBUTE, or a folder of them such as ./patterns.")
    slots: Count = Field(32, description="Steps that one worker or classifier executes at once, tools apart.")
    runs: Count = Field(256, description="Jobs that one aggregator runs at once.")
    mcp: FilePath | None = Field(None, description="A JSON file whose mcpServers workers take tools from.")
    share: Count = Field(8, description="Jobs, and steps, of a tenant; more of them let others go first.")
    fan_out: Count = Field(8, description="Tasks of one job in flight at once, where it fans out.")
    max_steps: Count = Field(1000, description="Steps and waits of one job; with more it fails as too_many_steps.")
    ack_wait: float = Field(6, ge=1, description="Seconds without a heartbeat after which another replica takes over.")
    grace: Seconds = Field(20, description="Seconds that running work may take to finish at SIGTERM.")
    deadline: Seconds = Field(900, description="Seconds a job may take, unless its request says otherwise.")
    max_deliveries: int = Field(8, ge=2, description="Beginnings that poison a step; of a job, four times as many.")
    handover: Seconds = Field(30, description="Seconds for which a job waits for an aggregator that has its version.")
    show_errors: bool = Field(False, description="Tell callers what an author's code raised, and where; on in `up`.")
    flush_interval: float = Field(0.02, ge=0, description="Seconds of text that are one delta; under load up to 5 x.")

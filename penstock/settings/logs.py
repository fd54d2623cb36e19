from pydantic import Field

from penstock.settings.group import Group, Level


class Logs(Group):
    """Logs and traces"""

    log_level: Level = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    log_contents: bool = Field(
        False,
        description="Log also prompts and answers, and what exceptions and warnings say, which may quote them; on in "
        "`up`.",
    )
    log_json: bool | None = Field(
        None,
        description="One JSON object a line, or else text for people; not set, it is text where standard error is a "
        "terminal.",
    )
    trace_contents: bool = Field(
        False, description="Show prompts and answers in spans; whether there are any OpenTelemetry's variables say."
    )

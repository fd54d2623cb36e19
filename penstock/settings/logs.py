from pydantic import Field

from penstock.settings.group import Group, Level


class Logs(Group):
    """Logs"""

    log_level: Level = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    log_contents: bool = Field(
        False, description="Log also what exceptions and warnings say, which may quote prompts and answers; on in `up`."
    )
    log_json: bool = Field(True, description="One JSON object a line; else plain text.")

from pydantic import Field

from penstock.settings.group import Group, Level


class Logs(Group):
    """Logs"""

    log_level: Level = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    log_json: bool = Field(True, description="One JSON object a line; else plain text.")

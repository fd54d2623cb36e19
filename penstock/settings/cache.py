from pydantic import Field

from penstock.settings.group import Group


class Cache(Group):
    """Cache"""

    cache: bool = Field(True, description="Keep model replies, and answer equal questions with them.")
    cache_ttl: float = Field(3600, ge=1, le=1e9, description="Seconds that a reply is kept.")
    cache_shared: bool = Field(False, description="Answer one tenant's questions with replies to another's.")

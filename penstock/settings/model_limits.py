"""What may be asked of a model, by all replicas together."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_settings import NoDecode

from penstock.settings.group import Count, JsonObject


class ModelLimit(BaseModel):
    """None: no limit. Tokens are those of prompts and replies, thinking included."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)

    concurrent: Annotated[int, Field(ge=1, le=1_000)] | None = None
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None


#: By the model's name; `*` stands for each that is not named.
ModelLimits = Annotated[dict[str, ModelLimit], NoDecode, JsonObject]

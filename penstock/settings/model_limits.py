"""What may be asked of a model, by all replicas together."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import from_json
from pydantic_settings import NoDecode

from penstock.settings.group import Count


class ModelLimit(BaseModel):
    """None: no limit. Tokens are those of prompts and replies, thinking included."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True)

    concurrent: Annotated[int, Field(ge=1, le=1_000)] | None = None
    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None


def _from_json(value: object) -> object:
    return from_json(value) if isinstance(value, str) else value


#: By the model's name; `*` stands for each that is not named.
ModelLimits = Annotated[dict[str, ModelLimit], NoDecode, BeforeValidator(_from_json)]

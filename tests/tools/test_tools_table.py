"""The table of tools, and what a model is told about each."""

import pytest
from pydantic import ValidationError

from penstock.llm.schema import schema_of
from penstock.tools import TOOLS
from penstock.tools.validate_answer import ValidateAnswerInput


def test_the_table_names_every_tool_with_its_queue() -> None:
    assert {name: tool.step.name for name, tool in TOOLS.items()} == {
        "calculate": "calculate",
        "validateAnswer": "validate-answer",
    }
    assert all(name == tool.name for name, tool in TOOLS.items())


def test_the_model_is_told_the_names_on_the_wire() -> None:
    schema = schema_of(ValidateAnswerInput)
    assert TOOLS["validateAnswer"].step.input is ValidateAnswerInput
    names = {"originalProblem", "proposedAnswer", "validationMethod", "expression", "equations", "variables"}
    assert schema["properties"].keys() == names
    assert schema["required"] == ["originalProblem", "proposedAnswer"]
    assert schema["additionalProperties"] is False
    assert all("description" in field for field in schema["properties"].values())


def test_an_input_is_frozen_and_refuses_what_it_does_not_know() -> None:
    request = ValidateAnswerInput.model_validate({"originalProblem": "3x = 9", "proposedAnswer": "3"})
    with pytest.raises(ValidationError):
        request.proposed_answer = "4"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        ValidateAnswerInput.model_validate({"originalProblem": "", "proposedAnswer": "", "isValid": True})

"""The table of tools, and what a model is told about each."""

import pytest
from pydantic import ValidationError

from penstock.tools import TOOLS
from penstock.tools.validate_answer import ValidateAnswerInput


def test_the_table_names_every_tool_with_its_queue():
    assert {name: tool.step.name for name, tool in TOOLS.items()} == {
        "calculate": "calculate",
        "validateAnswer": "validate-answer",
    }
    assert all(name == tool.name for name, tool in TOOLS.items())


def test_the_model_is_told_the_names_on_the_wire():
    schema = TOOLS["validateAnswer"].parameters_json_schema
    assert schema["properties"].keys() == {"originalProblem", "proposedAnswer", "validationMethod"}
    assert schema["additionalProperties"] is False
    assert all("description" in field for field in schema["properties"].values())


def test_an_input_is_frozen_and_refuses_what_it_does_not_know():
    request = ValidateAnswerInput.model_validate({"originalProblem": "3x = 9", "proposedAnswer": "3"})
    with pytest.raises(ValidationError):
        request.proposed_answer = "4"
    with pytest.raises(ValidationError):
        ValidateAnswerInput.model_validate({"originalProblem": "", "proposedAnswer": "", "isValid": True})

"""Calendar: an agent that counts days instead of guessing."""

from datetime import date

from pydantic import Field

from penstock import Wire, tool, tool_agent


class Span(Wire):
    first: date = Field(description="The earlier date, such as 2026-02-27.")
    second: date = Field(description="The later date.")


@tool(description="Counts the days from one date to another; negative if the second is earlier.")
async def days_between(span: Span) -> str:
    return str((span.second - span.first).days)


PATTERN = tool_agent(
    name="calendar",
    summary="Answer a question about dates.",
    tools=[days_between],
    instructions="You answer questions about dates in one sentence. You count no days in your head.",
    example="How many days are there from 27 February to 1 March 2028?",
)

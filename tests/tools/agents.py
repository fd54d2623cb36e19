"""Agents with tools of an author's own and of MCP servers."""

import asyncio
from datetime import date

from pydantic import Field

from penstock import Pattern, PatternRequest, Run, Step, StepContext, Tool, Wire, mcp_tools, tool, tool_agent


class Days(Wire):
    first: date = Field(description="The earlier date, such as 2026-02-27.")
    second: date = Field(description="The later date.")


class Shelf(Wire):
    number: int


class Books(Wire):
    titles: tuple[str, ...]


class Gate:
    """How many calls are under way, and whether they may go on."""

    def __init__(self) -> None:
        self.begun = self.inside = self.most = 0
        self.open = asyncio.Event()
        #: As many are under way as may be by default.
        self.full = asyncio.Event()


#: One of a test's own.
gate = Gate()


@tool(description="Counts the days from one date to another; negative if the second is earlier.")
async def days_between(given: Days) -> str:
    return str((given.second - given.first).days)


@tool()
async def look_at_shelf(given: Shelf, context: StepContext) -> Books:
    """What stands on a shelf."""
    gate.begun += 1
    gate.inside += 1
    gate.most = max(gate.most, gate.inside)
    if gate.inside == 8:
        gate.full.set()
    try:
        await gate.open.wait()
    finally:
        gate.inside -= 1
    return Books(titles=(f"Volume {given.number} for {context.key}",))


async def _forget(given: Shelf) -> Books:
    return Books(titles=())


FORGET = Tool(
    name="forget", description="Nothing.", step=Step(name="forget", input=Shelf, output=Books, do=_forget, service="x")
)
LIBRARY = tool_agent(
    name="library", tools=(days_between, look_at_shelf), instructions="You are a librarian.", example="What is there?"
)
CLERK = tool_agent(name="clerk", tools=(days_between, mcp_tools("time"), mcp_tools("things")), instructions="Be brief.")


class BranchRequest(PatternRequest):
    question: str


class Branch(Wire):
    """What the agent said, as a part of more."""

    answer: str


async def _branch(run: Run, request: BranchRequest) -> Branch:
    told = await run.sub(LIBRARY, {"problem": request.question}, key="desk")
    run.put("/answer", told.answer)
    return Branch(answer=told.answer)


BRANCH = Pattern(
    name="branch",
    summary="Ask at the desk.",
    run=_branch,
    request=BranchRequest,
    result=Branch,
    steps=(),
    subs=(LIBRARY,),
    example=BranchRequest(question="What is there?"),
)

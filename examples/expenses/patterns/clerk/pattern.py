"""Clerk: a model that answers questions about expenses, with a tool of our own and those of an MCP server.

question ──▶ THINK ──▶ exchange, policy ──▶ THINK ──▶ … ──▶ answer
"""

import sys
from pathlib import Path
from typing import Annotated

from patterns.exchange.pattern import Conversion, Rates, convert, rates
from patterns.receipt.pattern import Money
from penstock import Depends, McpServer, mcp_tools, tool, tool_agent


@tool(description="Converts an amount to another currency.")
async def exchange(given: Conversion, rates: Annotated[Rates, Depends(rates)]) -> Money:
    return await convert(given, rates)


#: A program beside this file; `McpServer(url="https://…")` is one that runs elsewhere.
POLICY = McpServer(command=sys.executable, args=(str(Path(__file__).with_name("policy.py")),))

PATTERN = tool_agent(
    name="clerk",
    summary="Answer a question about expenses.",
    tools=[exchange, mcp_tools("policy", POLICY)],
    instructions="You answer questions about travel expenses in a sentence or two. What is allowed you ask the policy.",
    example="I paid 90 Swiss francs for a night in Zurich. Is that paid back in full?",
)

"""Tools of MCP servers: real ones, over stdio and streamable HTTP, that die, hang and answer too much."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from penstock import McpServer, mcp_tools
from penstock.errors import Misconfigured
from penstock.hosting.ports import free_port
from penstock.mcp.answer import MAX_CHARACTERS, bounded
from penstock.mcp.server import servers_in
from penstock.settings import Settings
from penstock.simulator.wire import Call, PlannedCall, Reply
from tests.gateway import ui_chunks
from tests.support.gateway_process import GatewayServer
from tests.support.pipeline import Pipeline
from tests.support.reading import chunks

THINGS = str(Path(__file__).with_name("mcp_things.py"))


@asynccontextmanager
async def serving(port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The server over streamable HTTP. It ends with its standard input."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, THINGS, str(port), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                assert process.returncode is None
                await asyncio.sleep(0.02)
            else:
                writer.close()
                break
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
def things() -> dict[str, Any]:
    """How the server `things` is reached."""
    return {"command": sys.executable, "args": [THINGS]}


@pytest.fixture
def settings(settings: Settings, things: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("THINGS_TOKEN", "hidden")
    monkeypatch.setenv("GEMINI_API_KEY", "secret")
    time = {"command": str(Path(sys.executable).with_name("mcp-server-time")), "args": ["--local-timezone", "UTC"]}
    things = {"timeoutSeconds": 30, "env": {"TOKEN": "${THINGS_TOKEN}", "MODE": "${NOT_SET:-plain}"}} | things
    if "url" in things:
        del things["env"]
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": {"time": time, "things": things}}))
    return settings.model_copy(update={"patterns": ("tests.tools.agents:CLERK",), "mcp": file})


def calling(name: str, **args: Any) -> Reply:
    return Reply(text="I ask.", function_calls=(PlannedCall(name=name, args=args),))


async def solved(pipeline: Pipeline, *replies: Reply) -> tuple[str, list[Any], list[Call]]:
    """The job, what the model was told by each call, and what it was asked."""
    for reply in replies:
        await pipeline.gemini.rule(step="think", times=1, reply=reply)
    await pipeline.gemini.rule(step="think", reply={"text": "So it is."})
    job = await pipeline.submit("clerk", {"problem": "What time is it?"})
    assert (await pipeline.result(job))["complete"] is True
    asked = await pipeline.gemini.calls(job=job, step="think")
    return job, [one.response for one in asked[-1].results], asked


async def test_the_tools_of_two_servers_are_called_by_names_that_do_not_clash(pipeline: Pipeline) -> None:
    """One is from PyPI; the model is told their schemas, and each call is a step of the server's queue."""
    job, told, asked = await solved(
        pipeline,
        calling("time__convert_time", source_timezone="Asia/Tokyo", time="12:00", target_timezone="Asia/Kolkata"),
        calling("things__add", first=2, second=3),
    )
    assert {"daysBetween", "time__get_current_time", "time__convert_time", "things__add"} <= set(asked[0].tools)
    assert told[1] == {"output": {"result": 5}}
    assert "+05:30" in json.dumps(told[0])
    outcomes = await pipeline.outcomes(job)
    assert {key: (one.step, one.attempt) for key, one in outcomes.items() if key.startswith("call-")} == {
        "call-1-1": ("mcp-time", 1),
        "call-2-1": ("mcp-things", 1),
    }
    steps = (await pipeline.result(job))["steps"]
    assert (steps[1]["asked"], steps[1]["result"]) == ('add {"first":2,"second":3}', '{"result":5}')


async def test_a_server_is_given_its_own_environment_only(pipeline: Pipeline) -> None:
    _, told, _ = await solved(pipeline, calling("things__environment"))
    given = told[0]["output"]["result"]
    assert {"TOKEN=hidden", "MODE=plain"} <= set(given)
    assert not [one for one in given if "secret" in one or "PENSTOCK" in one or one.startswith("THINGS_TOKEN")]


async def test_what_a_call_goes_wrong_with_is_told_to_the_model(pipeline: Pipeline, gateway: GatewayServer) -> None:
    """An error of the tool, arguments that do not fit, a tool that is not there, more than can be read, an image."""
    replies = [
        calling("things__fail"),
        calling("things__add", first="x"),
        calling("things__guess"),
        calling("things__write_much", characters=MAX_CHARACTERS + 1),
        calling("things__draw_it"),
    ]
    job, told, _ = await solved(pipeline, *replies)
    failed, unfit, unknown, long, image = told
    assert "Error executing tool fail" in failed["error"]
    assert "second" in unfit["error"]
    assert unknown["error"].startswith("there is no tool 'guess'; there are add, pid,")
    assert long["output"] == bounded("x" * (MAX_CHARACTERS + 1))
    assert image["output"] == "(image image/png: not shown)"
    assert {one.attempt for one in (await pipeline.outcomes(job)).values()} == {1}
    shown = await chunks(gateway.http, "GET", f"/jobs/{job}/stream?protocol=ui-message")
    ui_chunks.check(shown)
    ended = [chunk["type"] for chunk in shown if chunk["type"].startswith("tool-output")]
    assert ended == ["tool-output-error"] * 3 + ["tool-output-available"] * 2


async def test_a_server_that_is_killed_is_started_again(pipeline: Pipeline) -> None:
    """In the middle of each attempt at a call, which is an error then; or between two, which nobody notices."""
    job, told, _ = await solved(pipeline, calling("things__die"), calling("things__pid"))
    assert told[0]["error"].startswith("the MCP server things does not answer")
    assert (await pipeline.outcomes(job))["call-1-1"].attempt == 3
    first = told[1]["output"]["result"]
    os.kill(first, signal.SIGKILL)
    await pipeline.gemini.clear()
    _, told, asked = await solved(pipeline, calling("things__pid"))
    assert told[0]["output"]["result"] != first
    assert "things__pid" in asked[0].tools


class TestHanging:
    @pytest.fixture
    def things(self) -> dict[str, Any]:
        return {"command": sys.executable, "args": [THINGS], "timeoutSeconds": 2}

    @pytest.mark.long
    @pytest.mark.long
    async def test_a_server_that_answers_nothing_any_more_is_started_again(self, pipeline: Pipeline) -> None:
        job, told, _ = await solved(pipeline, calling("things__freeze"), calling("things__add", first=1, second=1))
        assert told[0]["error"].startswith("the MCP server things does not answer")
        assert told[1] == {"output": {"result": 2}}
        assert (await pipeline.outcomes(job))["call-1-1"].attempt == 3

    async def test_a_call_that_takes_too_long_is_an_error_and_is_not_made_again(self, pipeline: Pipeline) -> None:
        """The server lives, and goes on answering others."""
        job, told, _ = await solved(pipeline, calling("things__take_for_ever"), calling("things__pid"))
        assert told[0] == {"error": "no answer within 2 s"}
        assert (await pipeline.outcomes(job))["call-1-1"].attempt == 1


class TestOverHttp:
    @pytest.fixture
    def port(self) -> int:
        return free_port()

    @pytest.fixture
    def things(self, port: int) -> dict[str, Any]:
        return {"type": "http", "url": f"http://127.0.0.1:{port}/mcp", "tools": ["add", "take_for_ever"]}

    async def test_a_server_may_be_away_for_a_while(self, pipeline: Pipeline, port: int) -> None:
        """Before its tools were ever listed the model is told that it has none of them; later its calls fail."""
        _, _, asked = await solved(pipeline)
        assert "you do not have these tools now: things__*." in asked[0].prompt
        assert "things__add" not in asked[0].tools
        await pipeline.gemini.clear()
        async with serving(port):
            _, told, asked = await solved(pipeline, calling("things__add", first=1, second=1))
            assert told == [{"output": {"result": 2}}]
            assert [name for name in asked[0].tools if name.startswith("things")] == [
                "things__add",
                "things__take_for_ever",
            ]
        await pipeline.gemini.clear()
        _, told, asked = await solved(pipeline, calling("things__add", first=1, second=1))
        assert told[0]["error"].startswith("the MCP server things does not answer")
        assert "things__add" in asked[0].tools
        await pipeline.gemini.clear()
        async with serving(port):
            _, told, _ = await solved(pipeline, calling("things__add", first=1, second=1))
            assert told == [{"output": {"result": 2}}]

    async def test_a_server_killed_during_a_call_fails_the_call_alone(self, pipeline: Pipeline, port: int) -> None:
        await pipeline.gemini.rule(step="think", times=1, reply=calling("things__take_for_ever"))
        await pipeline.gemini.rule(step="think", reply={"text": "So it is."})
        async with serving(port) as server:
            job = await pipeline.submit("clerk", {"problem": "What time is it?"})
            async for event in pipeline.following(job):
                if event.type == "step.started" and event.k == "call-1-1":
                    server.kill()
                    await server.wait()
                    break
            (step,) = (await pipeline.result(job))["steps"]
        assert step["result"].startswith("error: the MCP server things does not answer")

    async def test_a_tool_that_is_not_allowed_is_none(self, pipeline: Pipeline, port: int) -> None:
        async with serving(port):
            _, told, asked = await solved(pipeline, calling("things__pid"))
        assert "things__pid" not in asked[0].tools
        assert told == [{"error": "there is no tool 'pid'; there are add, take_for_ever"}]


@pytest.mark.parametrize(
    ("servers", "why"),
    [
        ({"a": {"command": "x", "url": "http://x"}}, "mcpServers.a: .*a command or a url"),
        ({"a": {"command": "x", "agrs": []}}, "mcpServers.a.agrs: "),
        ({"a__b": {"command": "x"}}, "MCP server 'a__b': a name is"),
        ({"a": {"type": "sse", "url": "http://x"}}, "mcpServers.a.type: "),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_the_place_and_no_value(
    tmp_path: Path, servers: dict[str, Any], why: str
) -> None:
    file = tmp_path / "mcp.json"
    with pytest.raises(Misconfigured, match=r"PENSTOCK_MCP=.*mcp\.json: No such file"):
        servers_in(file)
    file.write_text(json.dumps({"mcpServers": servers, "others": 1}))
    with pytest.raises(Misconfigured, match=why):
        servers_in(file)


async def test_a_server_that_nobody_has_set_up_stops_the_worker_at_its_start(settings: Settings) -> None:
    from penstock.mcp.connections import McpConnections

    connections = McpConnections(settings.mcp)
    with pytest.raises(Misconfigured, match=r"MCP server maps: .*mcp\.json has no such server"):
        connections.of(mcp_tools("maps"))
    unset = McpServer(command="maps", env={"KEY": "${SURELY_NOT_SET}"})
    with pytest.raises(Misconfigured, match="MCP server maps: the variable SURELY_NOT_SET is not set"):
        connections.of(mcp_tools("maps", unset))
    assert "KEY" not in repr(unset)
    assert connections.of(mcp_tools("things")) is connections.of(mcp_tools("things", unset)), "the file comes first"
    await connections.aclose()

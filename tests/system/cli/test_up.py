"""`penstock up`: what dies is replaced, and nothing is left when it ends."""

import json
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from penstock.installed import __version__
from tests.support.patience import PATIENCE
from tests.system.cli.system import System, penstock, until


def test_each_process_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """NATS and the simulator too; processes.json always has the pids of now, and the system works afterwards."""
    with System(tmp_path / "data") as system:
        before = system.processes()
        assert set(before) == {"nats", "simulator", "aggregator-1", "classifier-1", "workers-1", "gateway-1"}
        assert set(before.values()) == system.alive()
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)

        def replaced() -> bool:
            now = system.processes()
            return set(now) == set(before) and not set(now.values()) & set(before.values())

        until(replaced, system.output)
        until(lambda: penstock("jobs", "list", "--url", system.url("gateway")).returncode == 0, system.output)
        ended = system.run("run", "routing", "--query", "Does it work again?")
        assert ended.returncode == 0, ended.stderr
        assert set(system.processes().values()) == system.alive()


def test_a_signal_ends_everything(tmp_path: Path) -> None:
    with System(tmp_path / "data") as system:
        assert len(system.alive()) == 6
        system.process.send_signal(signal.SIGINT)
        assert system.process.wait(PATIENCE) == 0
        assert (system.alive(), system.processes()) == (set(), {})
        assert system.output().endswith("stopped\n")
        assert "warning" not in system.output()


@pytest.mark.long
def test_sigint_ends_it_where_the_shell_ignores_it(tmp_path: Path) -> None:
    """As `sh -c 'penstock up &'` does."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        system = System(tmp_path / "data")
        system.start()
    finally:
        signal.signal(signal.SIGINT, handler)
    with system:
        system.process.send_signal(signal.SIGINT)
        assert system.process.wait(30) == 0
        assert system.alive() == set()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pace", "warp"), "'--pace'"),
        (("--data", "/proc/nowhere"), "the folder /proc/nowhere cannot be used"),
        (("--port", "99999"), "'--port'"),
    ],
)
def test_what_is_wrong_with_its_options_is_named(arguments: tuple[str, ...], said: str) -> None:
    ended = penstock("up", "--port", "0", *arguments)
    assert ended.returncode
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("running", [1, 4])
def test_a_signal_in_the_middle_of_the_start_leaves_nothing(tmp_path: Path, running: int) -> None:
    with System(tmp_path / "data", at_once=True) as system:
        until(lambda: len(system.processes()) >= running, system.output)
        system.process.terminate()
        assert system.process.wait(PATIENCE) == 0, system.output()
        assert system.alive() == set()


@pytest.mark.long
def test_a_signal_while_processes_are_replaced_leaves_nothing(tmp_path: Path) -> None:
    with System(tmp_path / "data") as system:
        for name in ("nats", "workers-1", "gateway-1"):
            os.kill(system.processes()[name], signal.SIGKILL)
            system.until_said(f"{name} died")
        system.process.terminate()
        assert system.process.wait(PATIENCE) == 0
        assert system.alive() == set()


@pytest.mark.long
@pytest.mark.long
def test_a_second_ctrl_c_kills_what_does_not_end(tmp_path: Path) -> None:
    """A process that hangs is waited for, until the user has had enough."""
    with System(tmp_path / "data") as system:
        os.kill(system.processes()["gateway-1"], signal.SIGSTOP)
        system.process.send_signal(signal.SIGINT)
        system.until_said("stopping")
        system.process.send_signal(signal.SIGINT)
        system.process.wait(PATIENCE)
        assert "killing" in system.output()
        assert "did not end in time" not in system.output()
        assert system.alive() == set()


@pytest.mark.parametrize(
    ("command", "other"),
    [
        (
            "up --data {data} --port {port}",
            "penstock: cannot {why}: set --port (0 takes a free one)",
        ),
        ("up --data {data}", "penstock: cannot {why}: set --port (0 takes a free one)"),
        ("serve gateway", "gateway: cannot {why}: set PENSTOCK_PORT"),
    ],
)
def test_a_port_that_is_taken_is_said_in_one_line(tmp_path: Path, command: str, other: str) -> None:
    """PENSTOCK_PORT is the default of --port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        variable = {} if "{port}" in command else {"PENSTOCK_PORT": str(port)}
        ended = penstock(*command.format(data=tmp_path, port=port).split(), **variable)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == other.format(why=f"listen on 127.0.0.1:{port} (Address already in use)") + "\n"


@pytest.mark.parametrize(
    ("command", "other"),
    [("up --data {data} --port 0", "set --host"), ("serve gateway", "set PENSTOCK_HOST")],
)
def test_an_address_of_another_machine_is_said_in_one_line(tmp_path: Path, command: str, other: str) -> None:
    """192.0.2.0/24 is nobody's; PENSTOCK_HOST is the default of --host."""
    ended = penstock(*command.format(data=tmp_path).split(), PENSTOCK_HOST="192.0.2.1")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "cannot listen on 192.0.2.1:" in ended.stderr
    assert ended.stderr.endswith(f"): {other}\n")
    assert ended.stderr.count("\n") == 1


@pytest.mark.long
def test_the_metrics_of_each_service_are_where_it_says(system: System) -> None:
    """In what it prints, in processes.json, and in what Prometheus reads."""
    entries = json.loads((system.data / "processes.json").read_text())
    addresses = {one["name"]: one["metrics"] for one in entries if one["metrics"]}
    assert addresses.keys() == {"gateway-1", "aggregator-1", "classifier-1", "workers-1"}
    for name, url in addresses.items():
        assert f"{url} ({name})" in system.output()
        shown = httpx.get(url, trust_env=False).text
        assert f'penstock_build_info{{service="{name.removesuffix("-1")}",version="{__version__}"}} 1.0' in shown
    targets = json.loads((system.data / "prometheus.json").read_text())
    listed = {target["labels"]["instance"]: f"http://{target['targets'][0]}/metrics" for target in targets}
    assert listed == addresses
    assert "prometheus.json" in penstock("up", "--help").stdout


def test_the_last_line_says_where_to_see_it_in_a_browser(system: System) -> None:
    system.until_said("\nconsole ")
    last = system.output().splitlines()[-1]
    assert last == f"console {system.url('gateway')}/ (open it in a browser)"


def test_a_folder_is_used_by_one_at_a_time(system: System) -> None:
    """Two NATS servers on the same data would ruin it."""
    ended = penstock("up", "--data", str(system.data), "--port", "0")
    assert ended.returncode == 1
    assert "another `penstock up` runs in" in ended.stderr
    assert len(system.alive()) == 6


def test_whoever_calls_it_is_shown_what_is_wrong_with_a_pattern(system: System) -> None:
    environment = Path(f"/proc/{system.processes()['aggregator-1']}/environ").read_bytes()
    assert b"PENSTOCK_SHOW_ERRORS=true" in environment.split(b"\0")

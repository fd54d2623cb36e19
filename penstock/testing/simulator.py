"""The simulator of a system under test: what it is to answer, and what it was asked."""

from collections.abc import Sequence
from typing import Any

import httpx
from pydantic import BaseModel
from pydantic_core import to_json

from penstock.simulator.wire import Call


class Simulator:
    """Steers the simulator at `url`. Without a rule it makes up an answer that fits."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=700)

    def answer(self, step: str, *answers: str | BaseModel | dict[str, Any], **more: Any) -> None:
        """Have calls of `step` answered so, in turn; the last goes on for ever. `more`: as for `rule`, say `key`."""
        for number, answer in enumerate(answers, 1):
            reply = {"text": answer} if isinstance(answer, str) else {"json": answer}
            self.rule(step=step, reply=reply, **({} if number == len(answers) else {"times": 1}), **more)

    def rule(self, **members: Any) -> None:
        """Add a rule behind the others, by the members of `penstock.simulator.wire.Rule`; the first that fits counts.

        `rule(step="judge", times=1, fault={"status": 503})` fails one call, `reply={"hold": "name"}` holds an answer
        back until `release("name")`. Raises ValueError, with what is wrong, for a rule that there is not.
        """
        self._ask("POST", "/rules", content=to_json(members, by_alias=True))

    def release(self, name: str) -> None:
        """Let go what is held under that name."""
        self._ask("POST", f"/release/{name}")

    def calls(self, **wanted: str | float) -> Sequence[Call]:
        """The calls so far, in their order: `wanted` as for `penstock.simulator.wire.CallQuery`, say `step`, `job`.

        With `count` as soon as so many match, or after `timeout` seconds.
        """
        return [Call.model_validate(one) for one in self._ask("GET", "/calls", params=wanted)]

    def clear(self) -> None:
        """Forget rules and calls, and let go what is held."""
        self._ask("DELETE", "")

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        answer = self._http.request(method, f"/simulator{path}", **options)
        if answer.is_error:
            raise ValueError(f"the simulator refuses it: {answer.status_code} {answer.text}")
        return answer.json()

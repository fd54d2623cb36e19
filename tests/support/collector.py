"""A collector of traces: an OTLP receiver of this process, over real HTTP."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.patience import PATIENCE


@dataclass(frozen=True)
class Seen:
    """A span. Ids are hex, times nanoseconds; `error` is its `error.type`."""

    trace: str
    id: str
    parent: str
    name: str
    kind: int
    begin: int
    end: int
    service: str
    attributes: dict[str, Any] = field(compare=False)

    @property
    def error(self) -> str | None:
        return self.attributes.get("error.type")


class Collector:
    """Use as `with`. While it is `away` it answers 503."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.away = False
        self.refused = 0
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        of = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not of.away:
                    of._take(ExportTraceServiceRequest.FromString(body))
                else:
                    with of._changed:
                        of.refused += 1
                        of._changed.notify_all()
                self.send_response(503 if of.away else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._serving = threading.Thread(target=self._server.serve_forever)
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """Of a process that is to send its traces here, and soon."""
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def until(self, there: Callable[[], bool]) -> None:
        """Wait until that is so, which is asked whenever spans have come, or were refused."""
        with self._changed:
            assert self._changed.wait_for(there, PATIENCE), [span.name for span in self.spans]

    def of_job(self, job: str, *, steps: int) -> "Tree":
        """All spans of a job, once it has its own, and those of so many steps: they come from several processes."""

        def found() -> Tree | None:
            own = next((span for span in self.spans if _is_job(span, job)), None)
            return Tree(own, self.spans) if own else None

        self.until(lambda: (tree := found()) is not None and len(tree.steps()) >= steps and not tree.open)
        tree = found()
        assert tree is not None
        return tree

    def _take(self, request: ExportTraceServiceRequest) -> None:
        with self._changed:
            for of_resource in request.resource_spans:
                resource = _plain(of_resource.resource.attributes)
                for span in (span for scope in of_resource.scope_spans for span in scope.spans):
                    ids = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
                    times = span.start_time_unix_nano, span.end_time_unix_nano
                    service, attributes = resource["service.name"], _plain(span.attributes)
                    self.spans.append(Seen(*ids, span.name, span.kind, *times, service, attributes))
            self._changed.notify_all()


class Tree:
    """The spans of one trace, below that of a job."""

    def __init__(self, job: Seen, spans: list[Seen]) -> None:
        self.job = job
        self.spans = [span for span in spans if span.trace == job.trace]

    @property
    def open(self) -> set[str]:
        """Parents that there are not, but for the caller's."""
        known = {span.id for span in self.spans}
        return {span.parent for span in self.spans if span.parent and span.parent not in known} - {CALLER}

    def below(self, span: Seen) -> list[Seen]:
        return sorted((one for one in self.spans if one.parent == span.id), key=lambda one: one.begin)

    def steps(self) -> list[Seen]:
        """In the order of their dispatch."""
        return [span for span in self.below(self.job) if "penstock.key" in span.attributes]

    @property
    def repeated(self) -> list[str]:
        return [id for id, count in Counter(span.id for span in self.spans).items() if count > 1]


#: The span that a test calls from.
CALLER = "00f067aa0ba902b7"


def _is_job(span: Seen, job: str) -> bool:
    return span.attributes.get("penstock.job.id") == job and "gen_ai.workflow.name" in span.attributes


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}

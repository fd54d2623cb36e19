"""OpenTelemetry's SDK as this process uses it: spans by its sampler, in its queue, through its OTLP exporter.

None of it holds up the event loop: another thread exports. A full queue (2,048 spans, OTEL_BSP_MAX_QUEUE_SIZE) drops
the oldest. The provider is not OpenTelemetry's global one: that belongs to the author's code.
"""

import os
import threading
from hashlib import sha256

from opentelemetry.context import Context, attach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from penstock.contracts.wire import JobName
from penstock.installed import __version__
from penstock.tracing.span import Attributes, Kind

_KINDS = {"internal": SpanKind.INTERNAL, "server": SpanKind.SERVER, "client": SpanKind.CLIENT}
#: Seconds that the last export may take at the end of a process.
_PARTING = 3.0


class _Ids(RandomIdGenerator):
    """Random ones, but where the next is given."""

    trace: int | None = None
    span: int | None = None

    def generate_trace_id(self) -> int:
        given, self.trace = self.trace, None
        return given or super().generate_trace_id()

    def generate_span_id(self) -> int:
        given, self.span = self.span, None
        return given or super().generate_span_id()


class Exporting:
    """Of one process, until `shutdown`."""

    def __init__(self, service: str, *, contents: bool) -> None:
        self.contents = contents
        name = os.environ.get("OTEL_SERVICE_NAME") or f"penstock-{service}"
        about = {"service.name": name, "service.namespace": "penstock", "service.version": __version__}
        self._ids, self._exporter = _Ids(), OTLPSpanExporter()
        resource = Resource.create({**about, "service.instance.id": os.urandom(8).hex()})
        self._provider = TracerProvider(resource=resource, id_generator=self._ids, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("penstock", __version__)

    def begin(
        self,
        name: str,
        attributes: Attributes,
        *,
        kind: Kind,
        job: JobName | None,
        id: str | None,
        parent: str | None,
        at: float | None,
    ) -> Span:
        """As penstock.tracing.span.begin. A job that came without a trace has one that follows from its name."""
        context = Context()
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(_context_of(parent)), context)
        if job is not None:
            self._ids.trace = _number(f"{job}", 16)
            self._ids.span = _number(f"{job} {id}", 8) if id is not None else None
        span = self._tracer.start_span(name, context, _KINDS[kind], _known(attributes), start_time=_nanoseconds(at))
        self._ids.trace = self._ids.span = None
        return span

    def end(self, span: Span, attributes: Attributes, name: str | None, error: str | None, at: float | None) -> None:
        """As penstock.tracing.span.Span.end."""
        span.set_attributes(_known(attributes))
        if name is not None:
            span.update_name(name)
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR, error))
        span.end(_nanoseconds(at))

    def enter(self, span: Span) -> str:
        """What this task begins from here on belongs to the span, an author's own spans as well. Its traceparent."""
        attach(set_span_in_context(span))
        of = span.get_span_context()
        return f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}"

    def shutdown(self) -> None:
        """Exports what is left. A receiver that does not answer by then is not waited for."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(_PARTING)
        if ending.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _known(attributes: Attributes) -> dict[str, str | int | float | bool]:
    return {name: value for name, value in attributes.items() if value is not None}


def _context_of(traceparent: str) -> SpanContext:
    _, trace, span, flags = traceparent.split("-")[:4]
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))


def _number(text: str, length: int) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:length]) or 1


def _nanoseconds(at: float | None) -> int | None:
    return None if at is None else round(at * 1e9)

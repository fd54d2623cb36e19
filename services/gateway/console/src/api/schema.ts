// Made by npm/api_types.py from the gateway's OpenAPI.

export type AskedPrompt = {
  "system": string;
  "turns": (Turn)[];
  "byCode": boolean;
  "changed": boolean;
};

export type AskedStep = {
  "key": string;
  "step": string;
  "pattern": string;
  "service"?: string | null;
  "attempt"?: number | null;
  "input"?: Record<string, unknown> | null;
  "prompt"?: AskedPrompt | null;
  "changed": boolean;
  "why"?: string | null;
  "tools": (ToolUse)[];
  "output"?: unknown;
  "failure"?: Problem | null;
};

export type AttemptTimes = {
  "attempt": number;
  "id": string;
  "model"?: string | null;
  "startedAt": string;
  "firstTokenAt"?: string | null;
  "resets": (string)[];
  "endedAt"?: string | null;
  "end"?: "completed" | "failed" | "retried" | "taken_over" | "cut_off" | null;
  "code"?: string | null;
  "delaySeconds"?: number | null;
  "usage"?: Usage | null;
};

export type Counts = {
  "jobsCompleted": number;
  "jobsFailed": number;
  "jobsCancelled": number;
  "stepsCompleted": number;
  "stepsFailed": number;
  "stepsRetried": number;
  "requests": number;
  "requestErrors": number;
};

export type DeadLetter = {
  "number": number;
  "time": string;
  "reason": string;
  "detail": string;
  "subject": string;
  "stream": string;
  "sequence": number;
  "length": number;
  "job": string | null;
};

export type DeadLetterPage = {
  "letters": (DeadLetter)[];
  "next"?: string | null;
};

export type Delta = {
  "k": string;
  "a": number;
  "i": string;
  "n": number;
  "type": "delta";
  "p": string;
  "t": string;
};

export type Event = JobAccepted | StepQueued | StepStarted | PartStart | Delta | PartEnd | PartReset | StepRetrying | PartValue | PartClose | PartRetract | StepCompleted | StepFailedEvent | JobWaiting | JobResumed | JobCompleted | JobFailed | JobCancelled | Snapshot;

export type FieldError = {
  "pointer": string;
  "detail": string;
};

export type Fleet = {
  "at": string;
  "replicas": (Replica)[];
  "truncated": boolean;
  "jobs": Queue;
  "steps": (StepQueue)[];
  "models": (ModelStanding)[];
  "deadLetters": number;
};

export type JobAccepted = {
  "id": string;
  "type": "job.accepted";
  "job": string;
  "pattern": string;
  "deadline": string;
};

export type JobCancelled = {
  "id": string;
  "type": "job.cancelled";
  "usage": Usage;
};

export type JobCompleted = {
  "id": string;
  "type": "job.completed";
  "result": Record<string, unknown>;
  "usage": Usage;
  "missing": (string)[];
};

export type JobFailed = {
  "id": string;
  "type": "job.failed";
  "problem": Problem;
  "usage": Usage;
};

export type JobPage = {
  "jobs": (JobSummary)[];
  "next"?: string | null;
};

export type JobResumed = {
  "id": string;
  "type": "job.resumed";
  "key": string;
  "signal"?: string | null;
  "timedOut": boolean;
};

export type JobState = {
  "id": string;
  "pattern": string;
  "status": "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled";
  "acceptedAt"?: string | null;
  "deadline"?: string | null;
  "endedAt"?: string | null;
  "retryOf"?: string | null;
  "retriedAs"?: string | null;
  "steps": (StepState)[];
  "waiting": (Waiting)[];
  "queued": (QueuedStep)[];
  "result"?: Record<string, unknown> | null;
  "problem"?: Problem | null;
  "missing": (string)[];
  "usage": Usage;
};

export type JobSummary = {
  "id": string;
  "tenant"?: string | null;
  "pattern": string;
  "status": "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled";
  "acceptedAt": string;
  "endedAt"?: string | null;
  "problem"?: Problem | null;
};

export type JobTimeline = {
  "id": string;
  "pattern": string;
  "status": "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled";
  "submittedAt"?: string | null;
  "runs": (string)[];
  "endedAt"?: string | null;
  "steps": (StepTimes)[];
  "waits": (WaitTimes)[];
  "truncated": boolean;
};

export type JobWaiting = {
  "id": string;
  "type": "job.waiting";
  "key": string;
  "signal"?: string | null;
  "bodySchema"?: Record<string, unknown> | null;
  "until": string;
};

export type JsonValue = unknown;

export type Lane = {
  "depth": number;
  "inFlight": number;
  "oldestSeconds"?: number | null;
  "lane": string;
};

export type ModelLimits = {
  "concurrent"?: number | null;
  "requestsPerMinute"?: number | null;
  "tokensPerMinute"?: number | null;
};

export type ModelStanding = {
  "lent": number;
  "waiting": number;
  "model": string;
  "limits": ModelLimits;
  "calls": number;
  "tokens": number;
  "bookedSeconds": number;
  "pausedUntil"?: string | null;
};

export type ModelUse = {
  "lent": number;
  "waiting": number;
};

export type PartClose = {
  "id": string;
  "type": "part.close";
  "p": string;
};

export type PartEnd = {
  "k": string;
  "a": number;
  "i": string;
  "n": number;
  "type": "part.end";
  "p": string;
  "length": number;
};

export type PartReset = {
  "k": string;
  "a": number;
  "i": string;
  "n": number;
  "type": "part.reset";
  "p": string;
};

export type PartRetract = {
  "id": string;
  "type": "part.retract";
  "p": string;
};

export type PartStart = {
  "k": string;
  "a": number;
  "i": string;
  "n": number;
  "type": "part.start";
  "p": string;
};

export type PartValue = {
  "id": string;
  "type": "part.value";
  "p": string;
  "t": string;
};

export type PatternContract = {
  "name": string;
  "summary": string;
  "drawing"?: string | null;
  "request": Record<string, unknown>;
  "result": Record<string, unknown>;
  "signals": Record<string, Record<string, unknown>>;
  "example": Record<string, unknown>;
};

export type Problem = {
  "type": string;
  "title": string;
  "status": number;
  "code": string;
  "detail": string;
  "step"?: string | null;
  "errors"?: (FieldError)[] | null;
  "instance"?: string | null;
  "timestamp"?: string | null;
  "job"?: string | null;
  "requestId"?: string | null;
};

export type Purged = {
  "purged": number;
};

export type Queue = {
  "depth": number;
  "inFlight": number;
  "oldestSeconds"?: number | null;
  "served": boolean;
  "lanes": (Lane)[];
};

export type QueuedAt = {
  "at": string;
  "depth": number;
  "served": boolean;
  "model"?: string | null;
};

export type QueuedStep = {
  "key": string;
  "step": string;
  "service": string;
  "depth": number;
  "served": boolean;
};

export type Replayed = {
  "number": number;
  "job": string;
  "new": boolean;
};

export type Replica = {
  "id": string;
  "service": string;
  "version": string;
  "host": string;
  "pid": number;
  "startedAt": string;
  "trouble"?: string | null;
  "slots": number;
  "inUse": number;
  "inFlight": number;
  "steps": (string)[];
  "patterns": (string)[];
  "modelLimits": Record<string, ModelLimits>;
  "models": Record<string, ModelUse>;
  "counts": Counts;
};

export type ShownDeadLetter = {
  "number": number;
  "time": string;
  "reason": string;
  "detail": string;
  "subject": string;
  "stream": string;
  "sequence": number;
  "length": number;
  "content": string;
  "job": string | null;
};

export type Signal = {
  "job": string;
  "name": string;
  "body": JsonValue;
  "receivedAt": string;
};

export type Snapshot = {
  "type": "snapshot";
  "job": string;
  "pattern": string;
  "status": "queued" | "running" | "waiting" | "completed" | "failed" | "cancelled";
  "result": Record<string, unknown>;
  "steps": (string)[];
  "waiting": (Waiting)[];
  "usage": Usage;
};

export type StepCompleted = {
  "id": string;
  "type": "step.completed";
  "step": string;
  "key": string;
  "attempt": number;
  "model"?: string | null;
  "thinking"?: string | number | null;
  "temperature"?: number | null;
  "prompt"?: string | null;
  "cached"?: boolean;
  "usage": Usage;
  "durationMs": number;
  "i": string;
  "n"?: number | null;
};

export type StepFailedEvent = {
  "id": string;
  "type": "step.failed";
  "step": string;
  "key": string;
  "attempt": number;
  "model"?: string | null;
  "thinking"?: string | number | null;
  "temperature"?: number | null;
  "prompt"?: string | null;
  "cached"?: boolean;
  "usage": Usage;
  "durationMs": number;
  "i": string;
  "n"?: number | null;
  "problem": Problem;
};

export type StepQueue = {
  "depth": number;
  "inFlight": number;
  "oldestSeconds"?: number | null;
  "served": boolean;
  "lanes": (Lane)[];
  "service": string;
  "pattern": string;
  "step": string;
};

export type StepQueued = {
  "id": string;
  "type": "step.queued";
  "key": string;
  "step": string;
  "service": string;
  "depth": number;
  "served": boolean;
  "model"?: string | null;
};

export type StepRetrying = {
  "k": string;
  "a": number;
  "i": string;
  "n": number;
  "type": "step.retrying";
  "code": string;
  "delaySeconds": number;
  "usage": Usage;
};

export type StepStarted = {
  "k": string;
  "a": number;
  "i": string;
  "n": number;
  "type": "step.started";
  "step": string;
  "service": string;
  "model"?: string | null;
  "thinking"?: string | number | null;
  "temperature"?: number | null;
};

export type StepState = {
  "step": string;
  "key": string;
  "attempt": number;
  "model"?: string | null;
  "thinking"?: string | number | null;
  "temperature"?: number | null;
  "prompt"?: string | null;
  "cached"?: boolean;
  "usage": Usage;
  "durationMs": number;
  "service": string;
  "problem"?: Problem | null;
};

export type StepTimes = {
  "key": string;
  "step": string;
  "service": string;
  "dispatchedAt"?: string | null;
  "queued": (QueuedAt)[];
  "attempts": (AttemptTimes)[];
  "endedAt"?: string | null;
  "inherited": boolean;
};

export type Sum = {
  "calls": number;
  "promptTokens": number;
  "outputTokens": number;
  "thinkingTokens": number;
  "cachedTokens": number;
  "unmetered"?: number;
  "costUsd"?: number | null;
  "unpricedCalls": number;
};

export type TextPiece = {
  "kind": "text";
  "text": string;
  "signature"?: string | null;
};

export type ToolCall = {
  "kind": "call";
  "id"?: string | null;
  "name": string;
  "args"?: Record<string, JsonValue>;
  "signature"?: string | null;
};

export type ToolResult = {
  "kind": "result";
  "id"?: string | null;
  "name": string;
  "output": Record<string, JsonValue>;
};

export type ToolUse = {
  "key": string;
  "name": string;
  "args": Record<string, JsonValue>;
  "output"?: unknown;
  "failure"?: Problem | null;
};

export type Turn = {
  "role": "user" | "model";
  "parts": (TextPiece | ToolCall | ToolResult)[];
};

export type Usage = {
  "calls": number;
  "promptTokens": number;
  "outputTokens": number;
  "thinkingTokens": number;
  "cachedTokens": number;
  "unmetered"?: number;
  "costUsd"?: number | null;
};

export type UsageReport = {
  "from": string;
  "to": string;
  "rows": (UsageRow)[];
  "total": UsageRow;
  "prices": (string)[];
};

export type UsageRow = {
  "calls": number;
  "promptTokens": number;
  "outputTokens": number;
  "thinkingTokens": number;
  "cachedTokens": number;
  "unmetered"?: number;
  "costUsd"?: number | null;
  "unpricedCalls": number;
  "day"?: string | null;
  "tenant"?: string | null;
  "pattern"?: string | null;
  "step"?: string | null;
  "model"?: string | null;
  "wasted": Sum;
};

export type WaitTimes = {
  "key": string;
  "signal"?: string | null;
  "beganAt": string;
  "endedAt"?: string | null;
  "timedOut": boolean;
};

export type Waiting = {
  "key": string;
  "signal"?: string | null;
  "bodySchema"?: Record<string, unknown> | null;
  "until": string;
};

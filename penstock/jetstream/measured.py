"""What a job leaves in the streams, in bytes, as streams count it: measured on 2026-11-26.

By `python -m bench.stream_bytes --jobs 20`: the system of `penstock up`, the simulator at its natural pace, the example
of each pattern with 20 different questions. STEPS, TURNS, TIMERS and HOOKS are empty again when jobs have ended; USAGE
grows by day, tenant and model, not by job. CACHE again later that day, with 10 of each. A test
(tests/jetstream/test_sizes.py) sees that they are of this order.
"""

from penstock.jetstream import subjects

JOBS, JOURNAL, EVENTS, CACHE = subjects.JOBS, subjects.JOURNAL, subjects.EVENTS, subjects.CACHE

BYTES_A_JOB: dict[str, dict[str, int]] = {
    "sequential-processing": {JOBS: 173, JOURNAL: 7_154, EVENTS: 30_349, CACHE: 953},
    "routing": {JOBS: 186, JOURNAL: 3_795, EVENTS: 13_923, CACHE: 477},
    "parallel-processing": {JOBS: 220, JOURNAL: 11_077, EVENTS: 53_289, CACHE: 991},
    "orchestrator-worker": {JOBS: 179, JOURNAL: 14_068, EVENTS: 65_721, CACHE: 1_652},
    "evaluator-optimizer": {JOBS: 236, JOURNAL: 8_267, EVENTS: 29_687, CACHE: 1_230},
    "multi-step-tool-usage": {JOBS: 182, JOURNAL: 6_060, EVENTS: 9_386, CACHE: 1_320},
}

"""An offline HTTP server that speaks the Gemini REST API, so that the real google-genai client runs
in demos, tests and benchmarks. Not a part of the system: nothing in Penstock imports it.

    python -m penstock.simulator --port 8089 --pace natural
"""

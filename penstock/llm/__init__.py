"""The one door to a model.

    StepModel (ask)  ──▶ Llm.stream (client) ──▶ stream, or stream_sdk ──▶ Gemini, a proxy, the simulator
      repairs replies     pieces, typed errors    requests of google-genai, retries off

Nothing is re-exported: `prompt` and `schema` need pydantic only, `client` loads the SDK (0.6 s).
"""

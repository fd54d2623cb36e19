"""The one door to a model.

    StepModel (ask)  ──▶ Llm.stream (client) ──▶ google-genai ──▶ Gemini, a proxy, the simulator
      repairs replies     chunks, typed errors    retries off

Nothing is re-exported: `prompt` and `schema` need pydantic only, `client` loads the SDK (0.6 s).
"""

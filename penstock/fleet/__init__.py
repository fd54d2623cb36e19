"""Who is there, and what waits: asked of all processes and of NATS when somebody wants to know. Nothing is stored."""

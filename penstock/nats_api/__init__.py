"""The interface of NATS callers: request-reply endpoints, and the AsyncAPI document of all channels."""

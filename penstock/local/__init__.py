"""Everything on this machine: an embedded nats-server, the simulator, and the services as processes."""

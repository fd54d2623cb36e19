"""NATS JetStream as Penstock uses it: subjects, streams, write-once publishing, pull consumers, a job's events."""

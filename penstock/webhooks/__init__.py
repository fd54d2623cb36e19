"""Webhooks: a job's end is POSTed to the URL that its request named (docs/webhooks.md).

request ──▶ admitted? ──▶ … the job runs … ──▶ journal.….end ──▶ hooks.<tenant>.<job> ──▶ POST, again until 2xx
"""

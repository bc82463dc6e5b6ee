"""What Google's services do between a write and a function: Pub/Sub push, Eventarc, BigQuery
subscriptions, the signatures of Cloud Tasks, Cloud Scheduler.

One asyncio process; `python -m emulators.eventing --help` starts it. It may be killed at any
time: Pub/Sub redelivers what was not acknowledged, Eventarc's events are journalled before they
are accepted.
"""

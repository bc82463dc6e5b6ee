"""Where a rollout lives: what is remembered of it in Firestore (`rollouts`), its traffic in the
Cloud Run Admin API (`revisions`), and what was measured in Cloud Monitoring (`measurements`).

Both sides are written on the condition that they are still as they were read. Whoever reads both
reads the rollout first: a service that differs from it was then changed later, not before.
"""

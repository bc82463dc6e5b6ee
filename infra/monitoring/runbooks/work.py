"""Alerts on work behind the scenes: messages, jobs, queues."""

from __future__ import annotations

from infra.monitoring.runbooks import ERRORS, TAKE_BACK, Runbook

DEAD_LETTERS = Runbook(
    happened=(
        "Messages could not be handled, and wait on a dead-letter subscription. Nothing is lost: "
        "they stay there for the topic's retention."
    ),
    look=(
        "The attribute `reason`, or without one (Pub/Sub gave up) the function's errors: `gcloud "
        "pubsub subscriptions pull SUBSCRIPTION --limit 5 --project $PROJECT --format json`.",
        ERRORS,
    ),
    first=(
        "Mend what the reason says and deploy.",
        "Publish the messages again on the topic whose name has no `-dead`; handlers are safe "
        "under duplicates.",
        "Acknowledge them: `gcloud pubsub subscriptions ack SUBSCRIPTION --ack-ids ID`.",
    ),
)
BACKLOG = Runbook(
    happened=(
        "The oldest message of a subscription has waited for fifteen minutes: its function is "
        "down, too slow, or refuses the message again and again."
    ),
    look=(
        "Dashboard *Pipeline*: push results and backlog of the subscription.",
        "Dashboard *Functions*: instances of the function (its name follows the dot).",
        ERRORS,
    ),
    first=(
        "The region of events is lost? Name another: `pulumi config set segue:eventsRegion "
        "REGION` and `pulumi up`; what was not acknowledged is delivered there.",
        TAKE_BACK,
    ),
)
EVENTS_FAILING = Runbook(
    happened=(
        "A function that only our own services call answers with server errors. Its callers "
        "try again, and give up into the dead letters after some attempts."
    ),
    look=(ERRORS, "Dashboard *Pipeline*: which subscription or queue stands behind it."),
    first=(TAKE_BACK, "What the function needs is on the dashboard *Runbooks*."),
)
JOB_LATE = Runbook(
    happened=(
        "A scheduled job has not succeeded for three times its interval. Either it is not "
        "started, or every execution fails or runs too long."
    ),
    look=(
        "`gcloud run jobs executions list --job JOB --region REGION --project $PROJECT`",
        "`gcloud scheduler jobs describe JOB --location REGION --project $PROJECT`: last attempt "
        "and its status.",
    ),
    first=(
        "Run it by hand: `gcloud run jobs execute JOB --region REGION --project $PROJECT --wait`.",
        "The region of events is lost? Name another: `pulumi config set segue:eventsRegion "
        "REGION` and `pulumi up`.",
    ),
)
JOB_FAILED = Runbook(
    happened="An execution of a job that runs seldom or by hand has failed.",
    look=(
        "`gcloud run jobs executions list --job JOB --region REGION --project $PROJECT`",
        "`gcloud logging read 'resource.type=\"cloud_run_job\" severity>=ERROR' "
        "--project $PROJECT --freshness 1d --limit 20`",
    ),
    first=("Jobs may be repeated: mend the cause and run it again.",),
)
QUEUE = Runbook(
    happened=(
        "A task queue holds more than it can hand out in ten minutes at the rate that it has."
    ),
    look=(
        "Dashboard *Pipeline*: attempts of the queue by result.",
        "`gcloud tasks queues describe QUEUE --location REGION --project $PROJECT`: is it paused?",
    ),
    first=(
        "Attempts fail: see the errors of the function that the queue calls.",
        "They succeed: raise `max_dispatches_per_second` in shared/topology.py, or wait.",
    ),
)

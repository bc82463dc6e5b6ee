"""The metric types that dashboards, objectives and alerts read, each spelled once.

Google's are documented at https://cloud.google.com/monitoring/api/metrics_gcp with their labels and
units; ours are the log-based ones of `infra.monitoring.log_metrics`.
"""

from __future__ import annotations

from infra.monitoring.promql import Series

_RUN = "run.googleapis.com"
_SERVICE = "cloud_run_revision"  # labels: service_name, revision_name, location

# Requests that reach an instance, with `response_code` and `response_code_class` (2xx …).
REQUESTS = Series(f"{_RUN}/request_count", _SERVICE)
LATENCIES = Series(f"{_RUN}/request_latencies", _SERVICE)  # ms
INSTANCES = Series(f"{_RUN}/container/instance_count", _SERVICE)  # `state`: active, idle
COLD_STARTS = Series(f"{_RUN}/container/startup_latencies", _SERVICE)  # ms
CPU = Series(f"{_RUN}/container/cpu/utilizations", _SERVICE)  # 0..1
MEMORY = Series(f"{_RUN}/container/memory/utilizations", _SERVICE)  # 0..1
SERVER_ERRORS = REQUESTS.where(response_code_class="5xx")
CLIENT_ERRORS = REQUESTS.where(response_code_class="4xx")

# What people get, also where no instance was reached: that Cloud Run's own count leaves out.
# `response_code_class` is a number here: 200, 300, 400, 500.
_BALANCED = Series("loadbalancing.googleapis.com/https/request_count", "https_lb_rule")
API_REQUESTS = _BALANCED.of(backend_target_type="BACKEND_SERVICE")
API_ERRORS = API_REQUESTS.where(response_code_class=500)
CDN_REQUESTS = _BALANCED.of(backend_target_type="BACKEND_BUCKET")  # `cache_result`: HIT, MISS, …
CDN_BYTES = Series("loadbalancing.googleapis.com/https/response_bytes_count", "https_lb_rule").of(
    backend_target_type="BACKEND_BUCKET"
)

EXECUTIONS = Series(f"{_RUN}/job/completed_execution_count", "cloud_run_job")  # `result`, job_name
FAILED_EXECUTIONS = EXECUTIONS.where(result="failed")
SUCCEEDED_EXECUTIONS = EXECUTIONS.where(result="succeeded")

_SUBSCRIPTION = "pubsub_subscription"  # label: subscription_id
UNACKED_AGE = Series("pubsub.googleapis.com/subscription/oldest_unacked_message_age", _SUBSCRIPTION)
UNDELIVERED = Series("pubsub.googleapis.com/subscription/num_undelivered_messages", _SUBSCRIPTION)
GIVEN_UP = Series("pubsub.googleapis.com/subscription/dead_letter_message_count", _SUBSCRIPTION)
PUSHES = Series("pubsub.googleapis.com/subscription/push_request_count", _SUBSCRIPTION)

QUEUE_DEPTH = Series("cloudtasks.googleapis.com/queue/depth", "cloud_tasks_queue")  # queue_id
TASK_ATTEMPTS = Series("cloudtasks.googleapis.com/queue/task_attempt_count", "cloud_tasks_queue")

# `api_method`, `response_code` (OK, ABORTED, …); latencies in seconds.
_DATABASE = "firestore.googleapis.com/Database"
FIRESTORE_CALLS = Series("firestore.googleapis.com/api/request_count", _DATABASE)
FIRESTORE_LATENCIES = Series("firestore.googleapis.com/api/request_latencies", _DATABASE)

BIGTABLE_CPU = Series("bigtable.googleapis.com/cluster/cpu_load", "bigtable_cluster")  # 0..1
BIGTABLE_HOTTEST = Series(
    "bigtable.googleapis.com/cluster/cpu_load_hottest_node", "bigtable_cluster"
)
BIGTABLE_STORAGE = Series("bigtable.googleapis.com/cluster/storage_utilization", "bigtable_cluster")
BIGTABLE_NODES = Series("bigtable.googleapis.com/cluster/node_count", "bigtable_cluster")
BIGTABLE_ERRORS = Series("bigtable.googleapis.com/server/error_count", "bigtable_table")
BIGTABLE_LATENCIES = Series("bigtable.googleapis.com/server/latencies", "bigtable_table")  # ms

"""google.cloud.video.transcoder.v1.TranscoderService over gRPC."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf import empty_pb2

from emulators.wire import service

from .config import plan_job
from .errors import InvalidConfig, Unsupported
from .jobs import MAX_TTL_DAYS, Jobs
from .messages import resources, services

SERVICE = "google.cloud.video.transcoder.v1.TranscoderService"
DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
MAX_MESSAGE_BYTES = 32 << 20

_PARENT = re.compile(r"projects/[^/]+/locations/[a-z0-9-]+")
_TEMPLATE_ID = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{3,62}")
_FILTER = re.compile(r'(state|labels\.[a-z0-9_-]+|name)\s*[=:]\s*"?([^"\s]*)"?')

_Item = TypeVar("_Item", resources.Job, resources.JobTemplate)
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class TranscoderService:
    """The service's methods; each takes a request message and returns the answer's."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._templates: dict[str, resources.JobTemplate] = {}

    async def create_job(
        self, request: services.CreateJobRequest, context: Context
    ) -> resources.Job:
        """Checks and queues a job."""
        await _check_parent(request.parent, context)
        job = resources.Job(
            labels=request.job.labels,
            ttl_after_completion_days=request.job.ttl_after_completion_days,
            mode=request.job.mode or resources.Job.ProcessingMode.PROCESSING_MODE_INTERACTIVE,
            batch_mode_priority=request.job.batch_mode_priority,
            optimization=request.job.optimization,
        )
        try:
            job.config = self._config(request)
            _check_job(job)
            plan = plan_job(job.config)
        except InvalidConfig as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Unsupported as error:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"Transcoder emulator: {error}")
        except LookupError as error:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(error.args[0]))
        return self._jobs.add(request.parent, job, plan)

    def _config(self, request: services.CreateJobRequest) -> resources.JobConfig:
        """The job's own configuration or its template's, with the blanks filled in."""
        given = request.job
        if "template_id" in given:
            if given.template_id.startswith("preset/"):
                raise Unsupported(f"job.template_id: {given.template_id} encodes video")
            name = f"{request.parent}/jobTemplates/{given.template_id}"
            if name not in self._templates:
                raise LookupError(f"job.template_id: {name} was not found")
            config = _copy(self._templates[name].config)
        elif "config" in given:
            config = _copy(given.config)
        else:
            raise InvalidConfig("job.job_config: config or template_id is required")
        if given.input_uri and not config.inputs:
            config.inputs = [resources.Input(key="input0", uri=given.input_uri)]
        for item in config.inputs:
            item.uri = item.uri or given.input_uri
        if not config.output.uri:
            config.output = resources.Output(uri=given.output_uri)
        if not config.edit_list and config.inputs:
            config.edit_list = [resources.EditAtom(key="atom0", inputs=[config.inputs[0].key])]
        return config

    async def get_job(self, request: services.GetJobRequest, context: Context) -> resources.Job:
        """A job as it is now."""
        job = self._jobs.get(request.name)
        if job is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} was not found")
        return job

    async def list_jobs(
        self, request: services.ListJobsRequest, context: Context
    ) -> services.ListJobsResponse:
        """A page of jobs. `filter` takes `state=…` and `labels.x=…` joined by AND."""
        await _check_parent(request.parent, context)
        found = self._jobs.all(request.parent)
        try:
            found = _select(found, request.filter, request.order_by)
            page, token = _page(found, request.page_size, request.page_token)
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return services.ListJobsResponse(jobs=page, next_page_token=token)

    async def delete_job(
        self, request: services.DeleteJobRequest, context: Context
    ) -> empty_pb2.Empty:
        """Deletes a job; a running one is ended."""
        if not await self._jobs.delete(request.name) and not request.allow_missing:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} was not found")
        return empty_pb2.Empty()

    async def create_job_template(
        self, request: services.CreateJobTemplateRequest, context: Context
    ) -> resources.JobTemplate:
        """Stores a template; it is checked when a job uses it."""
        await _check_parent(request.parent, context)
        if not _TEMPLATE_ID.fullmatch(request.job_template_id):
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"job_template_id: must match {_TEMPLATE_ID.pattern}",
            )
        name = f"{request.parent}/jobTemplates/{request.job_template_id}"
        if name in self._templates:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{name} already exists")
        template = request.job_template
        template.name = name
        self._templates[name] = template
        return template

    async def get_job_template(
        self, request: services.GetJobTemplateRequest, context: Context
    ) -> resources.JobTemplate:
        """A template."""
        if request.name not in self._templates:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} was not found")
        return self._templates[request.name]

    async def list_job_templates(
        self, request: services.ListJobTemplatesRequest, context: Context
    ) -> services.ListJobTemplatesResponse:
        """A page of templates."""
        await _check_parent(request.parent, context)
        prefix = f"{request.parent}/jobTemplates/"
        found = [t for name, t in self._templates.items() if name.startswith(prefix)]
        try:
            page, token = _page(found, request.page_size, request.page_token)
        except ValueError as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return services.ListJobTemplatesResponse(job_templates=page, next_page_token=token)

    async def delete_job_template(
        self, request: services.DeleteJobTemplateRequest, context: Context
    ) -> empty_pb2.Empty:
        """Deletes a template."""
        if self._templates.pop(request.name, None) is None and not request.allow_missing:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"{request.name} was not found")
        return empty_pb2.Empty()

    def handler(self) -> grpc.GenericRpcHandler:
        """Binds the methods to their names on the wire."""
        methods: dict[str, tuple[Any, Any, Any]] = {
            "CreateJob": (self.create_job, services.CreateJobRequest, resources.Job),
            "GetJob": (self.get_job, services.GetJobRequest, resources.Job),
            "ListJobs": (self.list_jobs, services.ListJobsRequest, services.ListJobsResponse),
            "DeleteJob": (self.delete_job, services.DeleteJobRequest, empty_pb2.Empty),
            "CreateJobTemplate": (
                self.create_job_template,
                services.CreateJobTemplateRequest,
                resources.JobTemplate,
            ),
            "GetJobTemplate": (
                self.get_job_template,
                services.GetJobTemplateRequest,
                resources.JobTemplate,
            ),
            "ListJobTemplates": (
                self.list_job_templates,
                services.ListJobTemplatesRequest,
                services.ListJobTemplatesResponse,
            ),
            "DeleteJobTemplate": (
                self.delete_job_template,
                services.DeleteJobTemplateRequest,
                empty_pb2.Empty,
            ),
        }
        return service(SERVICE, methods)


async def start(jobs: Jobs, host: str, port: int) -> grpc.aio.Server:
    """Listens on `host:port` without TLS. Raises RuntimeError when the port is taken."""
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),  # a second server on the port must fail, not share it
        ]
    )
    server.add_generic_rpc_handlers((TranscoderService(jobs).handler(),))
    server.add_insecure_port(f"{host}:{port}")
    await server.start()
    return server


async def stop(server: grpc.aio.Server, jobs: Jobs) -> None:
    """Ends everything at once: calls, jobs, child processes."""
    await asyncio.gather(server.stop(grace=0), jobs.close())


async def _check_parent(parent: str, context: Context) -> None:
    if not _PARENT.fullmatch(parent):
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"parent: must look like projects/{{project}}/locations/{{location}}, not {parent!r}",
        )


def _check_job(job: resources.Job) -> None:
    if not 0 <= job.ttl_after_completion_days <= MAX_TTL_DAYS:
        raise InvalidConfig(
            f"job.ttl_after_completion_days: must be between 1 and {MAX_TTL_DAYS}, "
            f"not {job.ttl_after_completion_days}"
        )
    batch = job.mode == resources.Job.ProcessingMode.PROCESSING_MODE_BATCH
    if job.batch_mode_priority < 0 or (job.batch_mode_priority and not batch):
        raise InvalidConfig(
            "job.batch_mode_priority: must not be negative, and is for batch mode only"
        )


def _copy(config: resources.JobConfig) -> resources.JobConfig:
    copied: resources.JobConfig = resources.JobConfig.deserialize(
        resources.JobConfig.serialize(config)
    )
    return copied


def _select(jobs: Sequence[resources.Job], expression: str, order_by: str) -> list[resources.Job]:
    found = list(jobs)
    for term in filter(None, re.split(r"\s+AND\s+", expression.strip())):
        match = _FILTER.fullmatch(term)
        if match is None:
            raise ValueError(f"filter: cannot read {term!r}")
        field, value = match.groups()
        if field.startswith("labels."):
            label = field.removeprefix("labels.")
            found = [job for job in found if job.labels.get(label) == value]
        elif field == "state":
            found = [job for job in found if job.state.name == value]
        else:
            found = [job for job in found if job.name == value]
    if order_by:
        name, _, direction = order_by.strip().partition(" ")
        if name not in ("create_time", "createTime") or direction not in ("", "asc", "desc"):
            raise ValueError(f"order_by: only create_time is emulated, not {order_by!r}")
        found.sort(key=lambda job: job.create_time, reverse=direction == "desc")
    return found


def _page(items: Sequence[_Item], size: int, token: str) -> tuple[list[_Item], str]:
    if size < 0:
        raise ValueError("page_size: must not be negative")
    if token and not token.isdecimal():
        raise ValueError("page_token: not one of ours")
    start = int(token or 0)
    end = start + min(size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    return list(items[start:end]), str(end) if end < len(items) else ""

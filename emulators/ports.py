"""Where the parts of a local cloud listen."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulators.processes import free_port, port_is_free

HOST = "127.0.0.1"
# name -> provider, US dollars per GB as list prices stand to one another, key name
CDNS: dict[str, tuple[str, float, str]] = {
    "google": ("cloud_cdn", 0.08, "segue-1"),
    "cloudfront": ("cloudfront", 0.085, "KSEGUE1"),
    "akamai": ("akamai", 0.10, "segue-1"),
}


class AlreadyRunning(RuntimeError):
    """Another local cloud uses this state folder or this port."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens on the loopback address."""

    gateway: int
    edges: dict[str, int]
    firestore: int = field(default_factory=free_port)
    pubsub: int = field(default_factory=free_port)
    bigtable: int = field(default_factory=free_port)
    storage: int = field(default_factory=free_port)
    bigquery: int = field(default_factory=free_port)
    bigquery_grpc: int = field(default_factory=free_port)
    tasks: int = field(default_factory=free_port)
    transcoder: int = field(default_factory=free_port)
    secret_manager: int = field(default_factory=free_port)
    kms: int = field(default_factory=free_port)
    eventing: int = field(default_factory=free_port)
    cloud_run: int = field(default_factory=free_port)

    @classmethod
    def choose(cls, gateway: int) -> Ports:
        """Ports for a gateway at `gateway` (0: any free one); the edges follow it if they can."""
        if gateway == 0:
            return cls(free_port(), {name: free_port() for name in CDNS})
        if not port_is_free(gateway):
            raise AlreadyRunning(f"Port {gateway} is in use. Choose another one with --port.")
        edges = {}
        for offset, name in enumerate(CDNS, start=1):
            wanted = gateway + offset
            edges[name] = wanted if port_is_free(wanted) else free_port()
        return cls(gateway, edges)

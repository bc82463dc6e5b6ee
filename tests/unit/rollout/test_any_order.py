"""Deployments, runs, incidents, people and crashes in any order: what always holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from shared.rollout.health import Health, Verdict
from shared.rollout.models import Rollout, Service, Target
from shared.rollout.steps import STEPS, Action, Decision, decide, halt

crashes = st.sampled_from((None, 1, 2))  # killed after so many writes


class Release(RuleBasedStateMachine):
    """Cloud Run and what is remembered of it, with each write applied for itself, in the order
    that shared/rollout/service.py makes them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = datetime(2026, 11, 3, tzinfo=UTC)
        self.made = ["f-1"]
        self.service = Service("r", "f", "1", "f-1", (Target(None, 100),))
        self.memory = Rollout(region="r", service="f")

    def _shift(self, shares: dict[str, int]) -> None:
        assert sum(shares.values()) == 100
        assert all(0 < share <= 100 for share in shares.values())
        before, latest = self.service.shares, self.service.latest_ready
        for revision, share in shares.items():
            if share > before.get(revision, 0) and self.memory.refusal_of(revision):
                raise AssertionError(f"{revision} is refused and gets more")
        grown = shares.get(latest, 0)
        if grown > before.get(latest, 0):
            assert grown == next(step for step in STEPS if step > before.get(latest, 0))
        targets = tuple(Target(revision, share) for revision, share in shares.items())
        self.service = replace(self.service, targets=targets)

    def _carry_out(self, decision: Decision, crash: int | None) -> None:
        writes = []
        if decision.action is Action.GO_BACK:
            settled = decision.rollout.running(decision.rollout.stable, decision.rollout.reason)
            writes = [decision.rollout, decision.shares, settled]
        else:
            writes = [decision.shares, decision.rollout]
        for number, write in enumerate(writes):
            if crash is not None and number >= crash:
                return
            if isinstance(write, Rollout):
                self.memory = write
            elif write is not None:
                self._shift(write)

    @rule()
    def deploy(self) -> None:
        name = f"f-{len(self.made) + 1}"
        self.made.append(name)
        self.service = replace(self.service, latest_ready=name)

    @rule(minutes=st.sampled_from((1, 5, 20, 90)))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(verdict=st.sampled_from(Verdict), crash=crashes)
    def run(self, verdict: Verdict, crash: int | None) -> None:
        self._carry_out(decide(self.service, self.memory, self.now, Health(verdict, "")), crash)

    @rule(crash=crashes)
    def burn(self, crash: int | None) -> None:
        burning = {"made_at": None, "burning_since": self.now}
        self._carry_out(halt(self.service, self.memory, self.now, "", **burning), crash)

    @precondition(lambda self: not self.service.follows_latest)
    @rule(data=st.data())
    def by_hand(self, data: st.DataObject) -> None:
        revision = data.draw(st.sampled_from(self.made))
        self.service = replace(self.service, targets=(Target(revision, 100),))

    @invariant()
    def no_requests_are_lost(self) -> None:
        assert sum(self.service.shares.values()) == 100

    def teardown(self) -> None:
        """Left in peace, and well, the newest revision has all requests in the end or is
        refused; and the job has nothing more to do."""
        for _ in range(20):
            self.now += timedelta(hours=2)
            self.run(verdict=Verdict.HEALTHY, crash=None)
        latest = self.service.latest_ready
        if self.memory.refusal_of(latest):
            assert latest not in self.service.shares
        else:
            assert self.service.shares == {latest: 100}
            assert self.memory.stable == latest
        assert decide(self.service, self.memory, self.now).action is Action.LEAVE


TestRelease = Release.TestCase
TestRelease.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)

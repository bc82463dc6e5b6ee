"""Lets people who do not exist use a Segue, through its public API alone.

They sign up, listen to what they like, skip what they do not, save, follow, search, make playlists,
and play from the shelves of their home page. So a new catalogue has listeners to learn from, and a
recommender has people whose true tastes are known (shared/simulation/README.md).

    simulate_listeners                                      the local cloud of `nox -s up`
    simulate_listeners --url https://music.example.org --people 200 --days 28
    simulate_listeners --home                               now that there are recommendations
    simulate_listeners --join demo:segue-demo --people 1    also for an account that is there

The same seed, catalogue and days come out the same, so another run adds only what is missing: a
run that was killed is simply started again, and one on a later day adds the days since. People
whose names are taken by others are left out and told at the end, with exit status 1.

Accounts are made on the sign-up page, which lets 20 through at once and then slows down: for many
people on a deployed Segue make them with the job `seed_accounts` first, by the names
`listener-<seed>-<number of five digits>`. An app of one's own wants --client-id, --redirect-uri and
the scopes that stand in shared/simulation/signing_in.py.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime

import httpx

from shared.platform import telemetry
from shared.simulation.api import ApiFailed
from shared.simulation.running import MOST_DAYS, Plan, run
from shared.simulation.signing_in import Account, App, SignInFailed

PASSWORD = "listeners of this simulation"
_log = logging.getLogger(__name__)


def main() -> None:
    """Runs the job."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--url", default="http://127.0.0.1:8080", help="where Segue is (default: %(default)s)")
    add("--accounts-url", help="its accounts server (default: URL/accounts)")
    add("--client-id", default="segue-web-player", help="the app that people use")
    add("--client-secret", help="for an app that has one")
    add("--redirect-uri", help="one of the app's own (default: URL/callback)")
    add("--people", type=_whole(1, 100_000), default=40, help="how many (default: %(default)s)")
    add("--days", type=_whole(1, MOST_DAYS), default=14, help="of the past (default: %(default)s)")
    add("--until", type=_day, help="the day (UTC) before which they end (default: today)")
    add("--seed", type=_whole(0, 99_999), default=1, help="of everything (default: %(default)s)")
    add("--tracks", type=_whole(1, 100_000), default=2_000, help="at most (default: %(default)s)")
    add("--concurrency", type=_whole(1, 64), default=4, help="people at a time")
    add("--password", default=PASSWORD, help="of all of them")
    add("--home", action="store_true",
        help="only look at their home pages, once an hour: when shelves are made")  # fmt: skip
    add("--join", type=_account, action="append", default=[], metavar="USER:PASSWORD",
        help="an account that is there, as one of the people; repeatable")  # fmt: skip
    options = parser.parse_args()
    telemetry.configure()
    url = options.url.rstrip("/")
    app = App(
        (options.accounts_url or f"{url}/accounts").rstrip("/"),
        options.client_id,
        options.redirect_uri or f"{url}/callback",
        options.client_secret,
    )
    plan = Plan(
        url=url,
        app=app,
        people=max(options.people, len(options.join)),
        days=options.days,
        seed=options.seed,
        until=options.until or datetime.now(UTC).date(),
        password=options.password,
        concurrency=options.concurrency,
        most_tracks=options.tracks,
        joined=tuple(options.join),
        home_only=options.home,
    )
    try:
        outcome = asyncio.run(run(plan))
    except (SignInFailed, ApiFailed, ValueError, httpx.HTTPError) as error:
        _log.error("%s: %s", url, str(error) or type(error).__name__)
        sys.exit(1)
    print(json.dumps({**asdict(outcome.did), "failed": list(outcome.failed)}))
    sys.exit(1 if outcome.failed else 0)


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"give a whole number from {low} to {high}")
        return int(text)

    return read


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("give a day as YYYY-MM-DD") from None
    if day > datetime.now(UTC).date():
        raise argparse.ArgumentTypeError("give today or a day before it: nobody reports the future")
    return day


def _account(text: str) -> Account:
    name, colon, password = text.partition(":")
    if not (name and colon and password):
        raise argparse.ArgumentTypeError("give USER:PASSWORD")
    return Account(name, password)


if __name__ == "__main__":
    main()

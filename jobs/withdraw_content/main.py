"""Takes something out of the catalogue, or puts it back; for operators.

    withdraw_content track ID --note "court order 4711"                     everywhere
    withdraw_content album ID --market DE --market AT --note "licence ended"
    withdraw_content artist ID --with-tracks --note "..."
    withdraw_content track ID --restore --note "..."                        all of its blocks
    withdraw_content track ID --restore --market DE --note "..."
    withdraw_content track ID --show

An album goes with its tracks, an artist alone unless `--with-tracks`. The same command again
changes nothing more, and finishes what broke off.
"""

from __future__ import annotations

import argparse
import asyncio

from shared.platform import telemetry
from shared.platform.errors import DomainError
from shared.withdrawals import service
from shared.withdrawals.service import Standing


def main() -> None:
    """Does what an operator asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=("track", "album", "artist"))
    parser.add_argument("id", help="22 base62 characters")
    parser.add_argument(
        "--market",
        action="append",
        default=[],
        metavar="COUNTRY",
        help="ISO 3166-1 alpha-2; may be given again; without one: everywhere",
    )
    parser.add_argument(
        "--with-tracks", action="store_true", help="of an artist: every track that they are on too"
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--restore", action="store_true", help="lift the item's own blocks")
    asked.add_argument("--show", action="store_true", help="print where it is blocked")
    parser.add_argument("--note", default="", help="who says so and why; goes into the ledger")
    options = parser.parse_args()
    telemetry.configure()
    if not options.show and not options.note:
        parser.error("--note is required: say who decided this, and why")
    if options.with_tracks and options.kind != "artist":
        parser.error("--with-tracks is for an artist: an album goes with its tracks anyway")
    try:
        print(_told(asyncio.run(_act(options))))
    except DomainError as error:
        parser.exit(1, f"{error.message}\n")


async def _act(options: argparse.Namespace) -> Standing:
    if options.show:
        return await service.standing(options.kind, options.id)
    act = service.restore if options.restore else service.withdraw
    return await act(
        options.kind, options.id, options.market, options.note, with_tracks=options.with_tracks
    )


def _told(now: Standing) -> str:
    blocked = ", ".join(now.withheld_in) or "nowhere"
    inherited = set(now.withheld_in) - set(now.blocked_in)
    with_album = f" ({', '.join(sorted(inherited))} with its album)" if inherited else ""
    return f"{now.kind} {now.id} ({now.name}) is blocked in: {blocked}{with_album}"


if __name__ == "__main__":
    main()

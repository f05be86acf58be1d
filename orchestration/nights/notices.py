"""What a night says against the night before, and sending it: failure, closed gate, new warning, recovery, no good night for long.

The addresses are apprise's (https://, mailto://, slack://, ...), in one setting, CRLM_NOTIFY; they may hold a password, so
nothing here prints one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from orchestration.nights.night_records import NightRecord, hours_since, last_good_night

Kind = Literal["failure", "closed gate", "new warning", "recovery", "no good night"]

NOT_FINISHED = (
    "The published warehouse is tonight's; what follows it (report, copies, what the next night is compared with) "
    "may not be. The next `crlm refresh`, or the next night, makes up for it."
)


@dataclass(frozen=True)
class Notice:
    """One message to the people who carry the nights."""

    kind: Kind
    title: str
    body: str


def notices_of(
    night: NightRecord, before: Sequence[NightRecord], installation: str, has_published: bool = False
) -> list[Notice]:
    """What there is to say of tonight; nothing of a good night like the one before.

    Args:
        night: tonight's record.
        before: the earlier records, oldest first.
        installation: how readers know this warehouse, such as its host and data folder.
        has_published: what is published is tonight's, however the night ended.
    """
    previous = before[-1] if before else None
    good = last_good_night(list(before))
    since = f"Published is still the night of {good.ended_at}." if good else "Nothing has been published yet."
    where = f"{installation}, run {night.run_id[:8]}, {night.ended_at}"
    if night.outcome == "gate closed":
        return [
            Notice("closed gate", "The gate is closed: nothing was published", f"{night.message}\n\n{since}\n{where}")
        ]
    if night.outcome == "failed":
        said = f"Step {night.step or 'unknown'} failed ({night.message or 'no reason was given'})."
        if has_published:
            return [Notice("failure", "The night failed after it had published", f"{said}\n\n{NOT_FINISHED}\n{where}")]
        return [Notice("failure", "The night failed: nothing was published", f"{said}\n\n{since}\n{where}")]
    notices = []
    if previous is not None and not previous.is_good:
        body = f"Tonight was published. The night before ended: {previous.outcome} ({previous.step})."
        notices.append(Notice("recovery", "Good again: the night was published", f"{body}\n{where}"))
    known = set(good.warnings) if good else set()
    if fresh := [warning for warning in night.warnings if warning not in known]:
        listing = "\n".join(f"- {warning}" for warning in fresh)
        notices.append(Notice("new warning", f"Published with {len(fresh)} new warning(s)", f"{listing}\n\n{where}"))
    return notices


def notice_of_staleness(
    nights: Sequence[NightRecord], now: str, limit_hours: float, installation: str
) -> Notice | None:
    """Says that there has been no good night for too long; None while there has, or before the first one."""
    good = last_good_night(list(nights))
    if good is None or hours_since(good.ended_at, now) <= limit_hours:
        return None
    last = nights[-1]
    body = (
        f"The last good night ended {good.ended_at}, {hours_since(good.ended_at, now):.0f} hours ago (limit {limit_hours:g}).\n"
        f"Last attempt: {last.ended_at}, {last.outcome}{f' at {last.step}' if last.step else ''}.\n{installation}"
    )
    return Notice("no good night", f"No good night for {limit_hours:g} hours", body)


def send(notices: Sequence[Notice], addresses: Sequence[str]) -> list[str]:
    """Send each notice to each address; returns what could not be sent, with the address's scheme and nothing else of it."""
    if not notices or not addresses:
        return []
    import apprise

    failures = []
    for number, address in enumerate(addresses, start=1):
        name = f"address {number} of CRLM_NOTIFY ({address.split(':', 1)[0]})"
        channel = apprise.Apprise()
        if not channel.add(address):
            failures.append(f"{name} is no address that apprise knows")
            continue
        failures += [
            f"{name}: the notice '{notice.kind}' could not be delivered"
            for notice in notices
            if not channel.notify(title=notice.title, body=notice.body, body_format=apprise.NotifyFormat.TEXT)
        ]
    return failures

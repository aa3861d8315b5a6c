"""Fee plans and explained fees as tables and as data."""

from collections.abc import Sequence
from datetime import datetime

from rich.markup import escape
from rich.table import Table

from clearhouse.cli.console import amount, err, out
from clearhouse.kernel.money import format_minor
from clearhouse.payments.fees.model import Assignment, FeeTerms, PlanVersion
from clearhouse.payments.fees.service import Explained, Plans
from clearhouse.payments.fees.words import percent, rate


def show_plans(found: Plans) -> None:
    """All plans as they are now, then the default fee."""
    table = _table("plan", "currency", "rate", "minimum", "cap", "tiers", "since", "sellers")
    seen: set[str] = set()
    for one in found.versions:
        first = one.plan not in seen
        seen.add(one.plan)
        sellers = "everyone" if one.plan == found.everyone else ""
        if number := found.sellers.get(one.plan, 0):
            sellers = f"{number:,}" + (" and everyone" if sellers else "")
        table.add_row(
            f"[name]{escape(one.plan)}[/name]" if first else "",
            *_cells(one),
            _day(one.valid_from),
            sellers if first else "",
        )
    if found.versions:
        out.print(table)
        out.print()
    default = found.default
    fixed = ", ".join(
        f"{format_minor(minor, code)} {code}" for code, minor in sorted(default.fixed_minor.items())
    )
    words = percent(default.basis_points) + (f" + {fixed}" if fixed else "")
    out.print(f"[quiet]Without a plan, by the settings:[/quiet] {words}", soft_wrap=True)


def show_plan(name: str, versions: Sequence[PlanVersion]) -> None:
    """Each version of a plan, then its tiers."""
    out.print(f"[name]{escape(name)}[/name]")
    table = _table("currency", "rate", "minimum", "cap", "from", "version", "by", "reason")
    for one in versions:
        currency, rates, minimum, cap, _ = _cells(one)
        cells = (currency, rates, minimum, cap, _day(one.valid_from), str(one.version))
        table.add_row(*cells, escape(one.set_by), escape(one.reason))
        for tier in one.terms.tiers:
            words = rate(tier.basis_points, tier.fixed_minor, one.currency)
            volume = amount(tier.from_minor, one.currency)
            table.add_row("", words, f"from {volume} a month", style="quiet")
    out.print(table)


def show_seller(seller: str, assigned: Sequence[Assignment]) -> None:
    """The plans of a seller, or of everyone, oldest first."""
    if not assigned:
        err.print("[quiet]This seller never had a plan of their own.[/quiet]")
        return
    out.print(f"[name]{escape(seller or 'everyone')}[/name]")
    table = _table("plan", "from", "by", "reason")
    for one in assigned:
        plan = "none" if one.plan is None else one.plan
        table.add_row(escape(plan), _day(one.valid_from), escape(one.set_by), escape(one.reason))
    out.print(table)


def show_explained(found: Explained) -> None:
    """One calm table of how a fee came about."""
    currency, steps, terms = found.currency, found.steps, found.terms
    out.print(
        f"[name]{escape(found.payment_order_id)}[/name] of {escape(found.seller_account)},"
        f" accepted {found.accepted_at:%Y-%m-%d %H:%M}",
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="quiet")
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="quiet")

    def line(words: str, minor: int, why: str = "", *, style: str = "") -> None:
        table.add_row(words, amount(minor, currency), escape(why), style=style)

    sold = "captured" if found.fee_minor is not None else "asked for, not captured yet"
    line("sale", found.amount_minor, f"{currency}, {sold}")
    table.add_row("plan", "", escape(_plan(found)))
    if found.volume_minor is not None:
        line("sold in the month before", found.volume_minor, _tier(found))
    line(percent(steps.tier.basis_points), steps.share_minor, "of the sale, rounded half up")
    if steps.fixed_minor:
        line("fixed", steps.fixed_minor, "for each sale")
    if steps.by_minimum_minor:
        line(
            "raised", steps.by_minimum_minor, f"to the minimum of {_in(terms, 'minimum', currency)}"
        )
    if steps.by_cap_minor:
        line("lowered", steps.by_cap_minor, f"to the cap of {_in(terms, 'cap', currency)}")
    if steps.by_amount_minor:
        line("lowered", steps.by_amount_minor, "to the sale itself")
    when = (
        "it would be now"
        if found.fee_minor is None
        else f"decided {found.decided_at:%Y-%m-%d %H:%M}"
    )
    line("fee", steps.fee_minor, f"{currency}, {when}", style="key")
    out.print(table)
    if not found.agrees:
        taken = amount(found.fee_minor or 0, currency)
        out.print(
            f"[warn]The fee that was taken is {taken} {currency}:[/warn] the default fee in the"
            " settings has changed since.",
            soft_wrap=True,
        )


def version_data(one: PlanVersion) -> dict[str, object]:
    """A version for machines; amounts are in minor units, since a plan may name no currency."""
    return {
        "plan": one.plan,
        "currency": one.currency or None,
        "version": one.version,
        "valid_from": one.valid_from,
        **_terms_data(one.terms),
        "set_at": one.set_at,
        "set_by": one.set_by,
        "reason": one.reason,
    }


def assignment_data(one: Assignment) -> dict[str, object]:
    """An assignment for machines."""
    return {
        "seller_account": one.seller_account or None,
        "plan": one.plan,
        "valid_from": one.valid_from,
        "set_at": one.set_at,
        "set_by": one.set_by,
        "reason": one.reason,
    }


def explained_data(found: Explained) -> dict[str, object]:
    """An explained fee for machines; amounts are in minor units."""
    steps, version = found.steps, found.version
    return {
        "payment_order_id": found.payment_order_id,
        "seller_account": found.seller_account,
        "currency": found.currency,
        "accepted_at": found.accepted_at,
        "decided_at": found.decided_at,
        "amount_minor": found.amount_minor,
        "fee_minor": found.fee_minor,
        "plan": None if version is None else version.plan,
        "version": None if version is None else version.version,
        "terms": _terms_data(found.terms),
        "volume_before_minor": found.volume_minor,
        "steps": {
            "basis_points": steps.tier.basis_points,
            "tier_from_minor": steps.tier.from_minor,
            "share_minor": steps.share_minor,
            "fixed_minor": steps.fixed_minor,
            "by_minimum_minor": steps.by_minimum_minor,
            "by_cap_minor": steps.by_cap_minor,
            "by_amount_minor": steps.by_amount_minor,
            "fee_minor": steps.fee_minor,
        },
        "agrees": found.agrees,
    }


def _terms_data(terms: FeeTerms) -> dict[str, object]:
    return {
        "basis_points": terms.basis_points,
        "fixed_minor": terms.fixed_minor,
        "minimum_minor": terms.minimum_minor,
        "cap_minor": terms.cap_minor,
        "tiers": [
            {
                "from_minor": tier.from_minor,
                "basis_points": tier.basis_points,
                "fixed_minor": tier.fixed_minor,
            }
            for tier in terms.tiers
        ],
    }


def _cells(one: PlanVersion) -> tuple[str, str, str, str, str]:
    terms, currency = one.terms, one.currency
    return (
        currency or "others",
        rate(terms.basis_points, terms.fixed_minor, currency),
        amount(terms.minimum_minor, currency) if terms.minimum_minor and currency else "",
        amount(terms.cap_minor, currency) if terms.cap_minor is not None and currency else "",
        str(len(terms.tiers)) if terms.tiers else "",
    )


def _plan(found: Explained) -> str:
    version = found.version
    if version is None:
        return "none: the default fee in the settings"
    where = f"in {version.currency}" if version.currency else "in currencies it does not name"
    return f"{version.plan} {where}, version {version.version}, since {_day(version.valid_from)}"


def _tier(found: Explained) -> str:
    start = found.steps.tier.from_minor
    if not start:
        return "below the first tier"
    return f"the tier from {amount(start, found.currency)} on"


def _in(terms: FeeTerms, bound: str, currency: str) -> str:
    minor = terms.minimum_minor if bound == "minimum" else terms.cap_minor
    return f"{amount(minor or 0, currency)} {currency}"


def _day(moment: datetime) -> str:
    midnight = (moment.hour, moment.minute) == (0, 0)
    return f"{moment:%Y-%m-%d}" if midnight else f"{moment:%Y-%m-%d %H:%M}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="quiet")
    for column in columns:
        right = column in {"minimum", "cap", "tiers", "sellers", "version"}
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    return table

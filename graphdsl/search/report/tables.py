"""The tables of a page but that of all trials."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from graphdsl.executors.traces.markup import text
from graphdsl.search.importance import Importance
from graphdsl.search.report.certified import Certificate, Difference, Estimate, Finalist
from graphdsl.search.report.ledger import PARTS, Entry
from graphdsl.search.report.series import drawn_costs
from graphdsl.search.report.study_file import FinishedStudy, usual
from graphdsl.search.report.verdict import name
from graphdsl.search.report.wording import UNKNOWN, amount, chosen, percent, points, short, unit


def table(heads: Sequence[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """A table of cells that are markup already; those of the first column are texts."""
    top = "".join(f"<th>{head}</th>" for head in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    style = f' class="{kind}"' if kind else ""
    return (
        f'<div class="wide"><table{style}><thead><tr>{top}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


# ---- certificate


def finalists(study: FinishedStudy, found: Certificate) -> str:
    """Every finalist: quality, differences to baselines, costs, items."""
    rivals = list(
        dict.fromkeys(one.baseline for each in found.everyone for one in each.differences)
    )
    costs = _costs(study, found)
    heads = ["candidate", "quality"]
    heads += [f"against {text(rival or 'baseline')}" for rival in rivals]
    heads += [text(unit(cost)) for cost in costs]
    heads += ["items", "runs of each"]
    rows = (_finalist(study, one, rivals, costs) for one in found.everyone)
    return table(heads, rows, "finalists")


def _costs(study: FinishedStudy, found: Certificate) -> list[str]:
    """The costs of the objectives first, then whatever else was measured."""
    known = [name for one in found.everyone for name in one.costs]
    first = [name for name in drawn_costs(study) if name in known]
    return list(dict.fromkeys([*first, *known]))


def _finalist(
    study: FinishedStudy, one: Finalist, rivals: Sequence[str], costs: Sequence[str]
) -> Iterator[str]:
    trial = study.by_identity.get(one.identity)
    baseline = bool(one.baseline or (trial is not None and trial.baseline))
    about = "baseline" if baseline or trial is None else chosen(trial.assignment, usual(study), 4)
    pick = study.certificate is not None and one is study.certificate.pick
    mark = ' <span class="good">the pick</span>' if pick else ""
    yield f"<b>{text(name(study, one))}</b>{mark}{_under(text(about))}"
    interval = f"{percent(one.quality.low)} to {percent(one.quality.high)}"
    yield f"<b>{percent(one.quality.mean)}</b>{_under(interval)}"
    differences = {each.baseline: each for each in one.differences}
    for rival in rivals:
        each = differences.get(rival)
        yield UNKNOWN if each is None else _difference(each)
    yield from (_cost(cost, one.costs.get(cost)) for cost in costs)
    yield str(one.items or UNKNOWN)
    yield str(one.replicas)


def _difference(one: Difference) -> str:
    gain = one.quality
    if not gain.known:
        return f"{points(gain.mean)} points"
    kind = "good" if one.better else "bad" if gain.high < 0 else "open"
    said = {"good": "better", "bad": "worse", "open": "unclear"}[kind]
    interval = f"{points(gain.low)} to {points(gain.high)}"
    return f'<span class="{kind}">{points(gain.mean)} {said}</span>{_under(interval)}'


def _under(said: str) -> str:
    """A second line in a cell."""
    return f'<div class="soft">{said}</div>'


def _cost(cost: str, one: Estimate | None) -> str:
    if one is None:
        return UNKNOWN
    if not one.known:
        return amount(cost, one.mean)
    interval = f"{amount(cost, one.low)} to {amount(cost, one.high)}"
    return f"{amount(cost, one.mean)}{_under(interval)}"


# ---- ledger


def costs(entries: Sequence[Entry]) -> str:
    """What was paid: a row per unit."""
    parts = list(
        dict.fromkeys(
            [
                *(part for part in PARTS if any(part in one.parts for one in entries)),
                *(part for one in entries for part in one.parts),
            ]
        )
    )
    heads = ["unit", "budget", *map(text, parts), "paid", "left", "saved by sharing"]
    return table(heads, (_entry(one, parts) for one in entries))


def _entry(one: Entry, parts: Sequence[str]) -> Iterator[str]:
    yield text(unit(one.unit))
    yield "no limit" if one.budget is None else amount(one.unit, one.budget)
    yield from (amount(one.unit, one.parts.get(part)) for part in parts)
    yield f"<b>{amount(one.unit, one.spent)}</b>"
    yield UNKNOWN if one.left is None else amount(one.unit, one.left)
    whole = one.saved + one.spent
    share = f" ({percent(one.saved / whole, 0)})" if one.saved and whole else ""
    yield amount(one.unit, one.saved) + share


# ---- parameters


def effects(found: Importance) -> str:
    """What each parameter explains, and what its values gave."""
    rows = (
        (
            f'<span title="{text(one.address)}">{text(short(one.address))}</span>',
            f'<meter value="{one.share:.4f}">{percent(one.share, 0)}</meter> {percent(one.share)}',
            percent(one.matters, 0),
            _levels(one.levels.items()),
        )
        for one in found.effects
    )
    return table(("parameter", "explains", "matters in", "mean by value"), rows, "effects")


def _levels(levels: Iterable[tuple[str, float]]) -> str:
    said = [f"{text(level)} <b>{percent(mean)}</b>" for level, mean in levels]
    return " · ".join(said) or UNKNOWN


def distributions(study: FinishedStudy) -> str:
    """What a strategy with probabilities believed in the end, the surest first."""
    found = sorted(
        study.result.distribution.items(),
        key=lambda pair: (-max(pair[1].values(), default=0.0), pair[0]),
    )
    rows = (
        (
            f'<span title="{text(address)}">{text(short(address))}</span>',
            " · ".join(
                f'<meter value="{share:.4f}">{percent(share, 0)}</meter> {text(level)} '
                f"<b>{percent(share, 0)}</b>"
                for level, share in sorted(shares.items(), key=lambda pair: -pair[1])
            ),
        )
        for address, shares in found
    )
    return table(("parameter", "probabilities"), rows, "effects")

"""A finished study as `graphdsl report --json` prints it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphdsl.cli.schemas import ShownStudyReport
    from graphdsl.search.report.study_file import FinishedStudy


def report(study: FinishedStudy, written: Sequence[str], stored: str | None) -> ShownStudyReport:
    """The report. The certificate is as in the file of the study."""
    from graphdsl.cli.schemas import ShownStudyReport
    from graphdsl.ir.text import print_graph
    from graphdsl.search.report.verdict import verdict

    return ShownStudyReport.model_validate(
        {
            **study.result.to_dict(),
            "graph": "" if study.graph is None else print_graph(study.graph),
            "ablation": [asdict(row) for row in study.ablation],
            "verdict": verdict(study),
            "certified": study.certificate is not None,
            "problems": list(study.problems),
            "written": list(written),
            "stored": stored,
        }
    )

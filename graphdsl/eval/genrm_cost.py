"""What generative verification costs (Singhi et al. 2025, *When To Solve, When To Verify*)."""

from __future__ import annotations


def genrm_cost(solutions: int, verifications: int, ratio: float = 1.0) -> float:
    """S · (1 + λV): the cost of S solutions with V verifications each, in solutions.

    `ratio` is λ, the tokens of a verification per token of a solution (arXiv 2504.01005, §3; 1 by
    default, 2 for their Llama-8B). Raises `ValueError` for negative numbers.

    >>> genrm_cost(8, 4, ratio=2)
    72
    """
    if min(solutions, verifications, ratio) < 0:
        raise ValueError(
            f"{solutions} solutions with {verifications} verifications of {ratio}: none is below 0"
        )
    return solutions * (1 + ratio * verifications)

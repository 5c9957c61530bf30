"""What agents are asked. Short sentences, one fact a line: a model of 1.5 billion parameters has to
be able to follow. No number in them comes from anywhere but the study itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graphdsl.search.agents.meaning import Meaning

_TASK: Final = "You tune a graph of calls to language models."

_MODEL: Final = (
    "Tasks prefer certain models, not always the largest: use the preferred one in several places."
)
_OPTIMUM: Final = (
    "More samples, nodes or rounds help up to a point; beyond it quality falls. The point differs"
    " from task to task."
)
_TOGETHER: Final = "The more works side by side, the fewer steps one after another are best."
_EDGES: Final = (
    "With edge.1.2 on, node 2 reads node 1. A node without edges feeds the last node. Begin with"
    " edges into the last node. Long chains overwrite right answers; a node that reads many"
    " others needs a strong model; different parents help more than equal ones."
)

Block = tuple[str, Sequence[str]]
"""A heading and its lines; left out where there are none."""


def goal(minimise: Sequence[str]) -> str:
    """What is wanted, in one or two sentences."""
    cheap = f" At equal quality, less {' and less '.join(minimise)} is better." if minimise else ""
    return f"{_TASK} Higher quality is better.{cheap}"


def insights(meanings: Sequence[Meaning]) -> list[str]:
    """The insights of Agent-REINFORCE and AgentTTS that concern the holes there are.

    (1) preferred models, (2) an optimum of width and of depth, (3) that depends on the other.
    """
    kinds = set(meanings)
    deep = "depth" in kinds or "edge" in kinds
    said = [_MODEL] if "model" in kinds else []
    said += [_OPTIMUM] if deep or "width" in kinds else []
    said += [_TOGETHER] if deep and "width" in kinds else []
    return [*said, *([_EDGES] if "edge" in kinds else [])]


def prompt(minimise: Sequence[str], blocks: Sequence[Block], question: str, example: str) -> str:
    """A whole prompt: the goal, what is known, what is asked, and how a reply looks."""
    parts = [goal(minimise)]
    parts += ["\n".join([f"{title}:", *lines]) for title, lines in blocks if lines]
    parts.append(f"{question}\nReply with JSON only, like this: {example}")
    return "\n\n".join(parts)


UPDATES_QUESTION: Final = (
    "Compare the graphs of the last round. Which values made them better or worse? Give new"
    " probabilities for up to 8 values, each from 0 to 1. Use holes and values exactly as written"
    " above. Raise a value only where it was used and helped."
)
UPDATES_EXAMPLE: Final = (
    '{"why": "...", "updates": [{"hole": "...", "value": "...", "probability": 0.7}]}'
)

MIXES_QUESTION: Final = (
    "Which two mixes of models promise most, by what was measured? Give their numbers."
)
MIXES_EXAMPLE: Final = '{"why": "...", "mixes": [1, 2]}'

GUIDELINES_QUESTION: Final = (
    "Write up to 5 short guidelines for the next graphs: which model to use in which stage, whether"
    " more or fewer samples help there, and where to save to spend more elsewhere."
)
GUIDELINES_EXAMPLE: Final = '{"guidelines": ["...", "..."]}'

PROPOSALS_EXAMPLE: Final = '{"proposals": [{"changes": [{"hole": "...", "value": "..."}]}]}'


def proposals_question(count: int) -> str:
    """Ask for so many graphs to try."""
    return (
        f"Propose {count} different graphs to try next, each as changes to the best graph."
        " Follow the guidelines. Use holes and values exactly as written above."
    )


NEXT_GRAPH_QUESTION: Final = (
    "Give the next graph, and the table of edge probabilities after what was seen. Edges go from a"
    " lower to a higher number. Raise an edge only where the last graph used it and it helped;"
    " lower the edges of a poor graph. The role of the last node stays."
)
NEXT_GRAPH_EXAMPLE: Final = (
    '{"why": "...", "roles": [{"node": 1, "role": "assistant"}],'
    ' "edges": [{"source": 1, "target": 2}],'
    ' "table": [{"source": 1, "target": 2, "probability": 0.6}]}'
)

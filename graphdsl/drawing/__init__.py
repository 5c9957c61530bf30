"""Drawings of a graph: Mermaid, Graphviz, JSON, and an SVG that needs no other program."""

from graphdsl.drawing.build import draw as draw
from graphdsl.drawing.model import Arrow as Arrow
from graphdsl.drawing.model import Box as Box
from graphdsl.drawing.model import Drawing as Drawing
from graphdsl.drawing.model import Frame as Frame
from graphdsl.drawing.render import FORMATS as FORMATS
from graphdsl.drawing.render import render as render

"""Answers compared as mathematics: what an answer is, and when two are equal.

Nothing that a model wrote is parsed or evaluated in this process, except for plain numbers: that is
done by math-verify (with sympy) in a process of its own, see `graphdsl.ops.maths.inside`.
"""

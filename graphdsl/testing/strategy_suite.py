"""The behaviour that every search strategy promises, as a pytest class to inherit from.

::

    class TestAlphabetical(StrategySuite):
        learns = False

        def strategy(self, setting):
            return Alphabetical(setting)

The tests are coroutines: run pytest-asyncio in its `auto` mode. Three attributes of the class fit
the suite to a strategy: `complete`, `learns` and `budget`. One that asks a language model is given
a scripted one in `strategy`: `replace(setting, advisor=…)`.

A strategy of another package proposes assignments, and is told what they were worth:

>>> class Alphabetical:
...     def __init__(self, setting):
...         self.points = (p for p in setting.space.enumerate(10**6) if setting.allowed(p))
...
...     async def ask(self, count):
...         return [point for _, point in zip(range(count), self.points)]
...
...     def tell(self, told):
...         pass
>>> import asyncio
>>> from graphdsl.testing.strategy_spaces import labels, setting_of
>>> setting = setting_of([labels("f.model", "small", "large"), labels("f.check", "on", "off")])
>>> asyncio.run(Alphabetical(setting).ask(2))
[{'f.model': 'small', 'f.check': 'on'}, {'f.model': 'small', 'f.check': 'off'}]
"""

from __future__ import annotations

from graphdsl.testing.proposal_promises import ProposalPromises
from graphdsl.testing.telling_promises import TellingPromises


class StrategySuite(ProposalPromises, TellingPromises):
    """Inherit, override `strategy`, and get one test per promise."""

"""The memories of a loaded program: those without a file live as long as it does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdsl.executors.memory import Stores


class Memories:
    """The stores that all flows of one loaded program share; a copy or pickle begins empty."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stores: Stores | None = None

    def stores(self) -> Stores:
        """The stores, made at first use."""
        from graphdsl.executors.memory import Stores

        with self._lock:
            if self._stores is None:
                self._stores = Stores()
            return self._stores

    def __reduce__(self) -> tuple[type[Memories], tuple[()]]:
        """Entries stay in their process: the other side has memories of its own."""
        return Memories, ()

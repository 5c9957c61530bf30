"""Memories: what runs keep for later runs, in a SQLite file or in the process."""

from graphdsl.executors.memory.recollection import Recollection as Recollection
from graphdsl.executors.memory.stores import Stores as Stores

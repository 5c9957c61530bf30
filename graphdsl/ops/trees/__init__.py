"""Searching a tree of partial or whole drafts.

`Search` is the interface: `ask` says which nodes a policy wants expanded, `tell` takes what came of
it. Policies do no I/O; the kernel `tree_search` expands and scores, and `Search` alone may be used
by others that do so in another way.
"""

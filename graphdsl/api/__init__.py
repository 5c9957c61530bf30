"""The Python interface: load a program, choose a flow, run it. See `graphdsl.__init__`."""

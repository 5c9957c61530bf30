"""The signatures of all operators, one file per family. `graphdsl.ops.registry` has the table."""

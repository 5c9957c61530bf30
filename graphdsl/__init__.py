"""graphdsl: a language, compiler and runtime for test-time-scaling graphs."""

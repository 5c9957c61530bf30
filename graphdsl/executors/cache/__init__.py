"""The cache of answers: what models have answered before is not paid for again."""

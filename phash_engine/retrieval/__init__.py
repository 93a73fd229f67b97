"""Many queries: candidates by codes, vectors, re-ranking, labels, redundancy."""

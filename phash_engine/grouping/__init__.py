"""Matches to groups: the graph, the clusterings, and the photo to keep."""

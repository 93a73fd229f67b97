"""Comparing the pictures themselves after the codes: pixels laid over one another, and keypoints."""

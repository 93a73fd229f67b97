"""Folders into the catalogue: walk, pair sidecars with photos, read, decode and hash in worker threads, commit."""

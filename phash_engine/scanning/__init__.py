"""Folders into the catalogue: walk, pair sidecars, read, decode and hash, commit."""

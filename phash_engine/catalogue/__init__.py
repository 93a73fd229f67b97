"""The catalogue: one SQLite file with the photos, contents, codes, decisions and settings."""

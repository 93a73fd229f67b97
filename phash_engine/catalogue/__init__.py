"""The catalogue: one SQLite file with the photos, contents, codes, decisions and settings."""

from phash_engine.catalogue.code_store import CodeColumns
from phash_engine.catalogue.contents import Content, View
from phash_engine.catalogue.decisions import Decision
from phash_engine.catalogue.failures import UNREAD, Failure
from phash_engine.catalogue.imported_hashes import ImportedHash
from phash_engine.catalogue.photos import KnownFile, Photo, PhotoColumns, Sighting
from phash_engine.catalogue.store import Store
from phash_engine.catalogue.traits import KeptReading

__all__ = [
    "UNREAD",
    "CodeColumns",
    "Content",
    "Decision",
    "Failure",
    "ImportedHash",
    "KeptReading",
    "KnownFile",
    "Photo",
    "PhotoColumns",
    "Sighting",
    "Store",
    "View",
]

"""The tables of the SQLite file, as the migrations that make them."""

from __future__ import annotations

from typing import Final

MIGRATIONS: Final = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE photos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE,
        size INTEGER,
        mtime_ns INTEGER,
        digest BLOB,
        missing_since INTEGER
    ) STRICT;
    CREATE INDEX photos_by_digest ON photos (digest);
    CREATE INDEX photos_missing ON photos (missing_since) WHERE missing_since IS NOT NULL;
    CREATE TABLE contents (
        digest BLOB PRIMARY KEY,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        format TEXT NOT NULL,
        quality INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE codes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        owner ANY NOT NULL,
        view TEXT NOT NULL,
        scheme TEXT NOT NULL,
        spec INTEGER NOT NULL,
        trusted INTEGER NOT NULL,
        average INTEGER NOT NULL,
        dct INTEGER NOT NULL,
        wavelet INTEGER NOT NULL,
        horizontal INTEGER NOT NULL,
        vertical INTEGER NOT NULL,
        dct_lr INTEGER NOT NULL,
        dct_ud INTEGER NOT NULL,
        dct_180 INTEGER NOT NULL,
        horizontal_lr INTEGER NOT NULL,
        vertical_ud INTEGER NOT NULL,
        UNIQUE (owner, view, scheme, spec)
    ) STRICT;
    CREATE TABLE failures (
        path BLOB PRIMARY KEY,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        reason TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE companions (path BLOB PRIMARY KEY, photo BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX companions_by_photo ON companions (photo);
    """,
    # Contents met before have no detail: the new least quality alone decides. Index files hold what was trusted then.
    """
    ALTER TABLE contents ADD COLUMN detail REAL;
    UPDATE codes SET trusted = 0 WHERE owner IN (SELECT digest FROM contents WHERE quality < 10);
    DELETE FROM meta WHERE key = 'index';
    """,
    """
    CREATE TABLE foreign_codes (
        path BLOB NOT NULL,
        hasher TEXT NOT NULL,
        code INTEGER NOT NULL,
        PRIMARY KEY (path, hasher)
    ) STRICT, WITHOUT ROWID;
    """,
    # Contents met before have no views of this number, and are read again. Those without frames are stills.
    """
    ALTER TABLE contents ADD COLUMN views INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE contents ADD COLUMN crops INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE contents ADD COLUMN frames INTEGER;
    CREATE INDEX codes_further ON codes (view, owner) WHERE view <> 'full';
    """,
    """
    CREATE TABLE evidence (
        a BLOB NOT NULL,
        b BLOB NOT NULL,
        version INTEGER NOT NULL,
        inliers INTEGER,
        correlation REAL,
        change REAL,
        colour REAL,
        PRIMARY KEY (a, b)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE decisions (
        left BLOB NOT NULL,
        right BLOB NOT NULL,
        kind TEXT NOT NULL,
        decided INTEGER NOT NULL,
        PRIMARY KEY (left, right)
    ) STRICT, WITHOUT ROWID;
    """,
    # Codes belong to a content, whether its digest is known or not; whoever deletes codes, a trigger counts them.
    # Contents of codes computed elsewhere get the ids of their photos, all others larger ones, in the order of codes.
    """
    ALTER TABLE photos RENAME TO photos_7;
    ALTER TABLE contents RENAME TO contents_7;
    ALTER TABLE codes RENAME TO codes_7;
    CREATE TABLE contents (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        digest BLOB UNIQUE,
        width INTEGER,
        height INTEGER,
        format TEXT,
        quality INTEGER,
        detail REAL,
        views INTEGER NOT NULL DEFAULT 0,
        crops INTEGER NOT NULL DEFAULT 0,
        frames INTEGER
    ) STRICT;
    INSERT INTO contents (id) SELECT id FROM photos_7 WHERE digest IS NULL;
    INSERT INTO contents (digest, width, height, format, quality, detail, views, crops, frames)
        SELECT digest, width, height, format, quality, detail, views, crops, frames
        FROM contents_7 ORDER BY (SELECT min(id) FROM codes_7 WHERE owner = digest);
    INSERT INTO contents (digest)
        SELECT DISTINCT digest FROM photos_7 WHERE digest NOT IN (SELECT digest FROM contents_7);
    CREATE TABLE photos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        path BLOB NOT NULL UNIQUE,
        size INTEGER,
        mtime_ns INTEGER,
        content_id INTEGER NOT NULL REFERENCES contents (id),
        missing_since INTEGER
    ) STRICT;
    INSERT INTO photos
        SELECT photos_7.id, path, size, mtime_ns, coalesce(contents.id, photos_7.id), missing_since
        FROM photos_7 LEFT JOIN contents USING (digest) ORDER BY photos_7.id;
    CREATE TABLE codes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        content_id INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
        view TEXT NOT NULL,
        scheme TEXT NOT NULL,
        spec INTEGER NOT NULL,
        trusted INTEGER NOT NULL,
        average INTEGER NOT NULL,
        dct INTEGER NOT NULL,
        wavelet INTEGER NOT NULL,
        horizontal INTEGER NOT NULL,
        vertical INTEGER NOT NULL,
        dct_lr INTEGER NOT NULL,
        dct_ud INTEGER NOT NULL,
        dct_180 INTEGER NOT NULL,
        horizontal_lr INTEGER NOT NULL,
        vertical_ud INTEGER NOT NULL,
        UNIQUE (content_id, view, scheme, spec)
    ) STRICT;
    INSERT INTO codes
        SELECT codes_7.id, contents.id, view, scheme, spec, trusted, average, dct, wavelet, horizontal, vertical,
            dct_lr, dct_ud, dct_180, horizontal_lr, vertical_ud
        FROM codes_7 JOIN contents ON contents.id = CASE typeof(owner)
            WHEN 'blob' THEN (SELECT id FROM contents WHERE digest = owner)
            ELSE (SELECT id FROM photos_7 WHERE id = owner AND digest IS NULL) END
        ORDER BY codes_7.id;
    DELETE FROM sqlite_sequence WHERE name IN ('codes', 'photos');
    UPDATE sqlite_sequence SET name = replace(name, '_7', '') WHERE name IN ('codes_7', 'photos_7');
    DROP TABLE codes_7;
    DROP TABLE photos_7;
    DROP TABLE contents_7;
    CREATE INDEX photos_by_content ON photos (content_id);
    CREATE INDEX photos_missing ON photos (content_id) WHERE missing_since IS NOT NULL;
    CREATE INDEX codes_by_view ON codes (view) WHERE view <> 'full';
    CREATE TRIGGER codes_deleted AFTER DELETE ON codes BEGIN
        UPDATE meta SET value = value + 1 WHERE key = 'deletions';
    END;
    ALTER TABLE companions RENAME TO sidecars;
    DROP INDEX companions_by_photo;
    CREATE INDEX sidecars_by_photo ON sidecars (photo);
    ALTER TABLE foreign_codes RENAME TO imported_hashes;
    """,
    # SPEC 2 changes the codes of pictures with alpha or with samples of 16 bits, and reads more files: those of other
    # formats keep their codes, and so do photos whose files were never read. Failures are tried again.
    """
    UPDATE codes SET spec = 2 WHERE spec = 1 AND content_id IN
        (SELECT id FROM contents WHERE digest IS NULL OR format IN ('JPEG', 'MPO', 'RAW', 'PCX'));
    UPDATE failures SET size = -1, mtime_ns = -1;
    DELETE FROM meta WHERE key = 'index';
    """,
    # What one reading tells of a file. Contents met before have no row in traits and planes: the next scan that reads
    # them adds it. Contents that cannot be decoded have a fault and no format. Times are of the camera's clock.
    """
    ALTER TABLE contents ADD COLUMN intact INTEGER;
    ALTER TABLE contents ADD COLUMN fault TEXT NOT NULL DEFAULT '';
    CREATE INDEX contents_faulty ON contents (id) WHERE fault <> '';
    CREATE TABLE traits (
        content_id INTEGER PRIMARY KEY REFERENCES contents (id) ON DELETE CASCADE,
        frames INTEGER,
        encoder_quality INTEGER,
        quality_basis TEXT,
        taken_us INTEGER,
        zone_minutes INTEGER,
        camera TEXT,
        lens TEXT,
        software TEXT,
        orientation INTEGER,
        exposure_bias REAL,
        drive TEXT,
        burst_id TEXT,
        image_number INTEGER,
        live_id TEXT,
        has_video INTEGER NOT NULL,
        has_gps INTEGER NOT NULL,
        has_caption INTEGER NOT NULL,
        has_rating INTEGER NOT NULL,
        has_keywords INTEGER NOT NULL,
        icc TEXT,
        sharpness REAL,
        entropy REAL,
        content_class TEXT
    ) STRICT;
    CREATE TABLE planes (
        content_id INTEGER PRIMARY KEY REFERENCES contents (id) ON DELETE CASCADE,
        plane BLOB NOT NULL
    ) STRICT;
    CREATE TABLE frames (
        content_id INTEGER NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        codes BLOB NOT NULL,
        PRIMARY KEY (content_id, number)
    ) STRICT, WITHOUT ROWID;
    """,
    # What the movie of a live photo says of itself, and size and time of the file that was read for it.
    """
    ALTER TABLE sidecars ADD COLUMN size INTEGER;
    ALTER TABLE sidecars ADD COLUMN mtime_ns INTEGER;
    ALTER TABLE sidecars ADD COLUMN live_id TEXT;
    ALTER TABLE sidecars ADD COLUMN taken_us INTEGER;
    ALTER TABLE sidecars ADD COLUMN seconds REAL;
    """,
)
"""One script per version of the file, never edited: the n-th brings a file of ``user_version`` n - 1 to n."""

"""``python -m phash_engine``."""

from phash_engine.cli import main

if __name__ == "__main__":
    main()

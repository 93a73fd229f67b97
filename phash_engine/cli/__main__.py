"""``python -m phash_engine.cli`` and the console script."""

from phash_engine.cli import main

if __name__ == "__main__":
    main()

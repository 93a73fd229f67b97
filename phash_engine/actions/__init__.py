"""Plans: written, carried out file by file with a journal, and undone."""

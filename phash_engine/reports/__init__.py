"""Groups as files for people and programs: CSV and an HTML contact sheet."""

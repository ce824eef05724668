"""Reads zips with Python's zipfile. Reads a file with one path a line; prints for each the names, or what is wrong."""
import sys
import zipfile

# Reading a larger entry takes too long.
LARGE = 1 << 30

with open(sys.argv[1], encoding="utf-8") as paths:
    for path in paths.read().splitlines():
        try:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.infolist():
                    # Opening compares the local header with the directory's, reading to the end the checksum.
                    with archive.open(entry) as content:
                        content.read(-1 if entry.file_size < LARGE else 1)
                print(*archive.namelist())
        except Exception as error:
            print(f"{type(error).__name__}: {error}".replace("\n", " "))

"""A program that writes batches until it is killed; prints each size once it is acknowledged."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from archive_samples import fill, open_files

if __name__ == "__main__":
    archive = open_files(Path(sys.argv[1]), seed=sys.argv[2], sync=False)
    while True:
        print(fill(archive, 37, captures=True, media=True).size, flush=True)

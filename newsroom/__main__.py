"""`python -m newsroom`: serves the sample newsroom until Ctrl-C."""

import argparse
import threading

from newsroom.room import Newsroom


def main() -> None:
    """Prints the address of each feed and waits."""
    parser = argparse.ArgumentParser(prog="python -m newsroom", description="A made-up newsroom on loopback.")
    parser.add_argument("--port", type=int, default=8711, help="0: a free one")
    port = parser.parse_args().port
    with Newsroom(port=port) as room:
        for key in room.desks:
            print(room.feed_url(key), flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("closed")


if __name__ == "__main__":
    main()

"""`make bench`: run all benchmarks and print the table. Name some to run only these: `python -m benchmarks http`."""

import sys
from collections.abc import Callable

from benchmarks import bus, collector, fold, http, idle, live, page
from benchmarks.table import Row, show
from cli.garbage import spare_what_stays
from monitoring.logs import configure_logs

ALL: dict[str, Callable[[], list[Row]]] = {
    "http": http.rows,
    "fold": fold.rows,
    "bus": bus.rows,
    "live": live.rows,
    "collector": collector.rows,
    "idle": idle.rows,
    "page": page.rows,
}


def main() -> None:
    """Run what was named, or all."""
    names = sys.argv[1:] or list(ALL)
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"there is no benchmark {unknown[0]!r}: it is one of {', '.join(ALL)}")
    configure_logs("error", "console", [])
    spare_what_stays()  # As in every process of the product; it serves the bare sides too.
    rows: list[Row] = []
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr)
        rows += ALL[name]()
    show(rows)


if __name__ == "__main__":
    main()

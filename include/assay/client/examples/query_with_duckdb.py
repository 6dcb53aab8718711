"""Asks the statistics by SQL. With its extension httpfs DuckDB fetches only the parts of the Parquet file that a query needs.

python query_with_duckdb.py https://example.org/dataset/
"""

import sys
import tempfile
from pathlib import Path
from urllib.request import urlopen

import duckdb

# Numbers are comparable within one program, version, size policy and build.
QUERY = """
    SELECT implementation, subject, round(median, 2) AS triad, unit, round(ci_low, 2) AS low, round(ci_high, 2) AS high, n
    FROM read_parquet($table)
    WHERE benchmark = 'stream' AND metric = 'triad_bandwidth' AND threads = 'all' AND n >= 3
    ORDER BY implementation, version, size_policy, build_flags, median DESC
"""

table = sys.argv[1].rstrip("/") + "/data/processed/latest/statistics.parquet"
with duckdb.connect() as connection, tempfile.TemporaryDirectory() as folder:
    try:
        connection.execute("INSTALL httpfs; LOAD httpfs")
    except duckdb.IOException:
        # A machine that cannot fetch extensions takes the whole file: it is small.
        file = Path(folder) / "statistics.parquet"
        with urlopen(table, timeout=30) as answer:
            file.write_bytes(answer.read())
        table = str(file)
    for row in connection.execute(QUERY, {"table": table}).fetchall():
        print(*row)

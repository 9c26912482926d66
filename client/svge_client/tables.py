"""Trials as a table of pandas, which is loaded when one is asked for."""

import json
from typing import TYPE_CHECKING

from svge_client.errors import MissingExtra

if TYPE_CHECKING:
    import pandas

_TIMES = ("created_at", "finished_at")


def data_frame(exported: bytes) -> "pandas.DataFrame":
    """The rows of an export in JSON lines, in their order there. Times are in UTC. Raises `MissingExtra`."""
    try:
        import pandas
    except ImportError as error:
        raise MissingExtra("to_dataframe", "pandas") from error
    rows = [json.loads(line) for line in exported.splitlines()]
    if not rows:
        return pandas.DataFrame(index=pandas.Index([], name="number"))
    values = pandas.DataFrame([row.pop("values", None) or {} for row in rows])
    # Otherwise pandas expects the first row's format of all, and a whole second is written without a fraction.
    times = {time: pandas.to_datetime([row[time] for row in rows], utc=True, format="ISO8601") for time in _TIMES}
    frame = pandas.DataFrame(rows).assign(**times)
    return frame.join(values.add_prefix("values.")).set_index("number")

"""The table of the benchmark of model workers: medians of the rounds, and quartiles of the proposals."""

from tests.ray import needs_ray


def test_a_row_tells_the_median_of_the_rounds_and_of_the_proposals() -> None:
    needs_ray()
    from benchmarks.ray_workers import Way, table

    way = Way("local", {"encode": [1000.0, 3000.0, 2000.0], "decode": [10.0, 30.0, 20.0]}, [0.001, 0.002, 0.003, 0.004, 0.009])
    row = table([way]).splitlines()[-1]
    assert row == "| local | 2,000 (1,000 to 3,000) | 20 (10 to 30) | 3.0 ms [2.0, 4.0] |"

from benchmarks.search_speed import Cost, measure, memory_over, table


def test_a_row_says_what_proposals_cost() -> None:
    cost = measure(15, 2, 1)
    assert (cost.observations, cost.count) == (15, 2)
    assert min(cost.first, cost.next, cost.random) > 0.0
    assert cost.peak_memory > 100.0


def test_memory_is_read_ten_times() -> None:
    used = memory_over(10, 1)
    assert [step for step, _ in used] == list(range(1, 11))
    assert all(size > 50.0 for _, size in used)


def test_the_table_has_ratios_to_random() -> None:
    assert table([Cost(1000, 50, 2.0, 0.9, 0.03, 600.4)]).splitlines()[-1] == "| 1,000 | 50 | 2.00 | 0.90 | 0.03 | 30.0x | 600 |"

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from phash_engine._threads import Budget


def test_no_more_is_held_than_there_is() -> None:
    budget, lock = Budget(100), threading.Lock()
    held: list[int] = []

    def hold(size: int) -> int:
        with budget.held(size):
            with lock:
                held.append(size)
                total = sum(held)
            with lock:
                held.remove(size)
        return total

    with ThreadPoolExecutor(8) as pool:
        totals = list(pool.map(hold, [30, 60, 10, 100, 1, 0] * 200))
    assert max(totals) == 100
    assert budget.free == 100


def test_more_than_all_is_held_alone() -> None:
    budget = Budget(100)
    with budget.held(1000):
        assert budget.free == 0
    assert budget.free == 100


def test_an_error_lets_go() -> None:
    budget = Budget(100)
    with pytest.raises(ValueError, match="inside"), budget.held(60):
        raise ValueError("inside")
    assert budget.free == 100


def test_who_needs_more_waits() -> None:
    budget, order = Budget(100), []
    with budget.held(60):
        waiting = threading.Thread(target=lambda: order.append(_hold(budget, 60)))
        waiting.start()
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def _hold(budget: Budget, size: int) -> str:
    with budget.held(size):
        return "second"

"""Prefetching in threads: order, errors, limits and time limits."""

import threading
import time

import pytest

from paddle_pose.data import prefetch as prefetch_module
from paddle_pose.data.prefetch import loading_threads, prefetch


def slow_first(key):
    time.sleep(0.02 * (key % 4 == 0))
    return key * 10


@pytest.mark.parametrize("num_workers", [0, 1, 3])
def test_values_are_in_the_order_of_the_keys(num_workers):
    assert list(prefetch(slow_first, range(20), num_workers, ahead=5)) == [
        key * 10 for key in range(20)
    ]
    assert list(prefetch(slow_first, [], num_workers, ahead=5)) == []


@pytest.mark.parametrize("num_workers", [0, 2])
def test_error_is_raised_in_its_turn_with_its_message(num_workers):
    def read(key):
        if key == 3:
            raise ValueError("3.jpg: broken")
        return key

    got = []
    with pytest.raises(ValueError, match=r"^3.jpg: broken$"):
        got.extend(prefetch(read, range(10), num_workers, ahead=4))
    got += list(prefetch(read, range(3), num_workers, ahead=4))
    assert got[-3:] == [0, 1, 2]


def test_at_most_the_given_number_is_read_ahead():
    started, lock = [], threading.Lock()

    def read(key):
        with lock:
            started.append(key)
        return key

    results = prefetch(read, range(100), num_workers=2, ahead=3)
    for wanted in range(5):
        assert next(results) == wanted
        time.sleep(0.01)
        assert max(started) <= wanted + 4
    results.close()


def test_threads_end_when_the_iterator_is_closed():
    before = threading.active_count()
    results = prefetch(slow_first, range(1000), num_workers=3, ahead=6)
    next(results)
    assert threading.active_count() > before
    results.close()
    assert threading.active_count() == before


def test_hanging_thread_raises_with_the_name_of_its_key():
    free = threading.Event()

    def read(key):
        if key == 2:
            free.wait(60)
        return key

    results = prefetch(
        read, range(5), num_workers=1, ahead=4, timeout=1.0, name=lambda key: f"{key}.jpg"
    )
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(TimeoutError, match=r"^2\.jpg: .* 1 seconds"):
        next(results)
    free.set()


def test_timeout_raised_by_the_reader_is_not_changed():
    def read(key):
        raise TimeoutError("the network's own")

    with pytest.raises(TimeoutError, match=r"^the network's own$"):
        next(prefetch(read, [0], num_workers=1, ahead=1, timeout=30))


@pytest.mark.parametrize(
    ("num_workers", "cores", "threads"),
    [(0, 4, 0), (5, 4, 5), (-1, 1, 1), (-1, 2, 1), (-1, 6, 5), (-1, 64, 8)],
)
def test_loading_threads_follow_the_usable_cores(monkeypatch, num_workers, cores, threads):
    monkeypatch.setattr(prefetch_module, "usable_cores", lambda: cores)
    assert loading_threads(num_workers) == threads

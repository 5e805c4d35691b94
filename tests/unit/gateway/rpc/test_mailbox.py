"""News wait for a reader who is slow, and never make the teller wait."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gateway.rpc.mailbox import Mailbox


def test_items_come_in_order_until_it_is_closed() -> None:
    box: Mailbox[int] = Mailbox(3)
    for item in (1, 2, 3):
        box.put(item)
    box.close()
    box.put(4)
    assert [*box] == [1, 2, 3]


def test_the_oldest_makes_room_for_the_newest() -> None:
    box: Mailbox[int] = Mailbox(2)
    for item in range(100):
        box.put(item)
    box.close()
    assert [*box] == [98, 99]


def test_a_reader_is_woken_by_news_and_by_the_end() -> None:
    box: Mailbox[int] = Mailbox(2)
    with ThreadPoolExecutor(1) as threads:
        reading = threads.submit(lambda: [*box])
        box.put(1)
        box.close()
        assert reading.result(30) == [1]

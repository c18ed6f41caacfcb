"""How receipts are asked for: page by page, each partition from where everything has its result."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from shared.runtime.settings import Settings
from tenure.event_results import PublishedEvent
from tenure.receipts import Publication
from tenure.topics import RecordPlace
from tests.kit.tokens import SECRET

PAGE = 2


class Service(ThreadingHTTPServer):
    """Answers with `receipts` (offset -> outcome and detail), two per page; keeps after which offset it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.receipts: dict[int, tuple[str, str]] = {}
        self.asked_after: list[int] = []


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        service: Any = self.server
        after = int(parse_qs(urlsplit(self.path).query)["after"][0])
        service.asked_after.append(after)
        page = sorted((offset, *told) for offset, told in service.receipts.items() if offset > after)[:PAGE]
        found = [{"offset": offset, "outcome": outcome, "detail": detail} for offset, outcome, detail in page]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"receipts": found, "next_offset": 10}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as made:
        Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield made
        made.shutdown()


def results(publication: Publication, *offsets: int) -> list[str]:
    places = [RecordPlace("renewals", 0, offset) for offset in offsets]
    events = [PublishedEvent(place=place, topic="renewals", event={}) for place in places]
    return [f"{event.place.offset} {result.result} {result.detail}" for event, result in publication.results(events)]


def test_what_waits_for_timers_is_asked_for_again_and_what_is_settled_is_not(service: Service) -> None:
    url = f"http://127.0.0.1:{service.server_port}"
    publication = Publication(Settings(auth_secret=SecretStr(SECRET)), url)
    service.receipts = {4: ("applied", ""), 5: ("waiting", "timers"), 7: ("rejected", "not_active")}
    assert results(publication, 4, 5, 7, 9) == ["4 applied ", "7 rejected not_active"]
    assert service.asked_after == [-1, 5, 7]
    service.receipts |= {5: ("applied", ""), 9: ("waiting", "purchase")}
    service.asked_after.clear()
    assert results(publication, 5, 9) == ["5 applied ", "9 waiting for a purchase of this account (R40)"]
    assert service.asked_after[0] == 4


def test_what_was_expected_has_no_receipt_and_what_waits_is_told_as_open(service: Service) -> None:
    url = f"http://127.0.0.1:{service.server_port}"
    publication = Publication(Settings(auth_secret=SecretStr(SECRET)), url, unless="applied")
    assert publication.headers[1:] == (("tenure-receipt-unless", b"applied"),)
    service.receipts = {5: ("waiting", "timers"), 7: ("duplicate", "")}
    found, open_, next_offset = publication.of_partition("purchases", 0)
    assert ([*found], [*open_], next_offset) == ([7], [5], 10)


def test_every_publication_has_an_id_of_its_own() -> None:
    one, other = (Publication(Settings(), "http://service") for _ in range(2))
    assert one.headers == (("tenure-receipt", one.id.encode()),)
    assert one.id != other.id

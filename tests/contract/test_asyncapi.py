"""Each service's AsyncAPI document, and its page."""

import json
import re
from base64 import b64encode
from copy import deepcopy
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest

from shared.contracts.asyncapi import document
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.topics import TOPICS, Service, document_name, read_by, written_by
from shared.kafka.topics import new_topic
from shared.runtime.settings import load
from shared.web.asyncapi_page import page, page_policy

BOTH: list[Service] = ["subscription", "notifier"]


@cache
def made(service: Service, *, test_clock: bool = True, topic_prefix: str = "") -> dict[str, Any]:
    return document(service, test_clock=test_clock, topic_prefix=topic_prefix, version="1.2.3")


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def found(whole: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        whole = whole[step]
    return whole


def test_the_documents_describe_every_topic_of_the_registry_and_no_other() -> None:
    assert {name for service in BOTH for name in made(service)["channels"]} == set(TOPICS)


@pytest.mark.parametrize("service", BOTH)
def test_a_channel_is_configured_as_the_topic_is_created(service: Service) -> None:
    settings = load({"TENURE_DATABASE_URL": "postgresql://unused", "TENURE_TEST_CLOCK": "2026-01-01T00:00:00Z"})
    for name, channel in made(service)["channels"].items():
        created = new_topic(TOPICS[name], settings)
        binding = channel["bindings"]["kafka"]
        assert _as_kafka_has_it(binding.get("topicConfiguration", {})) == created.topic_configs
        assert binding.get("partitions", settings.topic_partitions) == created.num_partitions


def _as_kafka_has_it(configuration: dict[str, Any]) -> dict[str, str]:
    return {key: ",".join(value) if isinstance(value, list) else str(value) for key, value in configuration.items()}


@pytest.mark.parametrize("service", BOTH)
def test_every_reference_leads_somewhere(service: Service) -> None:
    whole = made(service)
    assert references(whole)
    assert all(found(whole, reference) for reference in references(whole))


@pytest.mark.parametrize("service", BOTH)
def test_a_channel_has_a_message_for_each_type_of_its_topic(service: Service) -> None:
    for name, channel in made(service)["channels"].items():
        types = [document_name(TOPICS[name], each) for each in TOPICS[name].contracts]
        assert set(channel["messages"]) == set(types or [name])


@pytest.mark.parametrize("service", BOTH)
def test_a_service_has_an_operation_for_each_topic_that_it_reads_or_writes(service: Service) -> None:
    operations = {(one["action"], one["channel"]["$ref"]) for one in made(service)["operations"].values()}
    assert operations == {("receive", f"#/channels/{name}") for name in read_by(service)} | {
        ("send", f"#/channels/{name}") for name in written_by(service)
    }


def test_the_lifecycle_that_the_subscription_service_publishes_is_what_the_notifier_reads() -> None:
    published, read = made("subscription"), made("notifier")
    topic = "subscription-lifecycle"
    assert published["channels"][topic] == read["channels"][topic]
    names = published["channels"][topic]["messages"]
    assert len(names) == len(LIFECYCLE_EVENTS)
    for name in names:
        assert published["components"]["schemas"][name] == read["components"]["schemas"][name]


@pytest.mark.parametrize("service", BOTH)
def test_the_test_clock_is_spoken_of_only_where_it_is_on(service: Service) -> None:
    assert "test-clock" in json.dumps(made(service))
    assert "tenure.clock." not in json.dumps(made(service, test_clock=False))


def test_addresses_take_the_prefix_of_the_topics_and_no_server_is_named() -> None:
    whole = made("notifier", topic_prefix="blue-")
    assert {channel["address"] for channel in whole["channels"].values()} == {
        f"blue-{topic}" for topic in whole["channels"]
    }
    assert "servers" not in whole


def test_examples_stand_with_their_message() -> None:
    name = "tenure.server.bound.v1"
    examples = {name: {"id": "evt-1"}, f"{name}~late": {"id": "evt-2"}}
    whole = document("subscription", test_clock=True, version="1.2.3", examples=examples)
    messages = whole["components"]["messages"]
    assert [(one["name"], one["payload"]["id"]) for one in messages[name]["examples"]] == [
        ("example", "evt-1"),
        ("late", "evt-2"),
    ]
    assert "examples" not in messages["tenure.server.unbound.v1"]


class Outline(HTMLParser):
    """What a browser would find: the ids, the links within, what would be loaded, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [known["id"]] if "id" in known else []
        self.links += [known["href"]] if tag == "a" else []
        self.loaded += [known[name] for name in ("src", "href") if name in known and tag != "a"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("service", BOTH)
def test_the_page_shows_every_topic_message_and_field(service: Service) -> None:
    whole = made(service, topic_prefix="blue-")
    shown = Outline(page(whole)).text
    for channel in whole["channels"].values():
        assert channel["address"] in shown
    for name in whole["components"]["messages"]:
        assert name in shown
    for schema in whole["components"]["schemas"].values():
        assert all(field in shown for field in schema.get("properties", {}))


@pytest.mark.parametrize("service", BOTH)
def test_the_page_is_whole_in_itself_and_its_links_lead_somewhere(service: Service) -> None:
    outline = Outline(page(made(service)))
    assert outline.loaded == []
    assert "script" not in outline.tags
    assert len(outline.ids) == len(set(outline.ids))
    assert {link.removeprefix("#") for link in outline.links} - {"asyncapi.json", "openapi.json"} <= set(outline.ids)


def test_the_pages_policy_allows_its_own_style_and_nothing_else() -> None:
    [style] = re.findall("<style>(.*?)</style>", page(made("notifier")), re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page_policy()
    assert "default-src 'none'" in page_policy()


def test_nothing_in_a_document_becomes_markup_on_the_page() -> None:
    evil = "<script>alert(1)</script>\"'&`<b>x</b>`"
    whole = json.loads(
        re.sub(r"@@", json.dumps(evil)[1:-1].replace("\\", r"\\"), json.dumps(_bent(deepcopy(made("notifier")))))
    )
    outline = Outline(page(whole))
    assert not {"script", "b"} & set(outline.tags)
    assert evil.replace("`", "") in outline.text


def _bent(whole: dict[str, Any]) -> dict[str, Any]:
    """A document with a mark in every kind of text that the page shows."""
    whole["info"] |= {"title": "@@", "version": "@@", "description": "@@"}
    for channel in whole["channels"].values():
        channel |= {"address": "@@", "description": "@@"}
    for message in whole["components"]["messages"].values():
        message |= {"name": "@@", "summary": "@@", "contentType": "@@", "examples": [{"payload": {"@@": "@@"}}]}
    for schema in whole["components"]["schemas"].values():
        schema |= {"description": "@@"}
        schema.get("properties", {})["@@"] = {"enum": ["@@"], "description": "@@"}
    return whole

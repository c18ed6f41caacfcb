"""The embedded parts are the real thing: durable, restartable, reachable, and gone when they should be."""

import asyncio
import ssl
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import asyncpg
import httpx
import psutil
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer, Tls
from tenure.local.part import PartFailed
from tenure.local.postgres import Postgres
from tests.kit import http
from tests.kit.compose import SERVICES, health_check
from tests.kit.topics import read_topic
from tests.kit.waiting import PATIENCE


def letter(recipient: str = "ada@example.org") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "tenure@example.org", recipient, "Grüße"
    message.set_content("Plain")
    message.add_alternative("<script>alert(1)</script><b>Rich</b>", subtype="html")
    return message


async def send(server: MailServer, message: EmailMessage) -> None:
    await aiosmtplib.send(message, hostname="127.0.0.1", port=server.port, start_tls=False)


def read(server: MailServer, path: str) -> httpx.Response:
    return http.get(f"{server.url}{path}").raise_for_status()


def mails(server: MailServer) -> list[dict[str, object]]:
    found: list[dict[str, object]] = read(server, "/api/messages").json()
    return found


def behave(server: MailServer, **behaviour: object) -> None:
    http.post(f"{server.url}/api/behaviour", json=behaviour).raise_for_status()


async def test_the_health_check_of_the_containers_takes_a_real_broker_for_healthy(kafka: Kafka) -> None:
    check = await asyncio.create_subprocess_exec(*health_check(SERVICES["kafka"], int(kafka.bootstrap.split(":")[1])))
    assert await check.wait() == 0


async def test_kafka_keeps_what_it_acknowledged_when_it_is_killed(kafka: Kafka, topic_prefix: str) -> None:
    topic = f"{topic_prefix}kept"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    for number in range(100):
        await producer.send_and_wait(topic, b"%d" % number)
    bootstrap, before = kafka.bootstrap, kafka.pid
    await kafka.kill()
    await kafka.start()
    await producer.stop()
    assert (kafka.bootstrap, kafka.pid != before) == (bootstrap, True)
    values = [record.value for record in await read_topic(kafka.bootstrap, topic)]
    assert values == [b"%d" % number for number in range(100)]


async def test_postgres_keeps_what_it_committed_when_it_is_killed(postgres: Postgres, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE kept (id int)")
    await connection.execute("INSERT INTO kept VALUES (42)")
    await postgres.kill()
    connection.terminate()
    await postgres.start()
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT id FROM kept") == 42
    assert await connection.fetchval("SHOW fsync") == "on"
    assert (await connection.fetchval("SHOW server_version")).startswith("18.")
    await connection.close()


async def test_postgres_lets_nobody_in_without_its_password(postgres: Postgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.url.replace(":", ":x", 2).replace("postgresql:x", "postgresql:"))


async def test_a_killed_part_leaves_no_process_behind(tmp_path: Path) -> None:
    part = Postgres(tmp_path)
    await part.start()
    family = [psutil.Process(part.pid), *psutil.Process(part.pid).children(recursive=True)]
    await part.kill()
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert (len(family) > 1, alive) == (True, [])


async def test_a_part_whose_port_was_taken_meanwhile_is_not_ready_because_another_answers_there(
    mail: MailServer, tmp_path: Path
) -> None:
    late = MailServer(tmp_path, mail.port, http_port=mail.http_port)
    with pytest.raises(PartFailed, match=f"^mail could not start: another program has taken port {mail.port}"):
        await late.start()
    assert late.exit_code is not None


async def test_a_mail_is_kept_as_it_came_and_found_again_after_a_restart(mail: MailServer) -> None:
    content = letter().as_bytes().replace(b"\n", b"\r\n")
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=mail.port, start_tls=False) as smtp:
        await smtp.sendmail("bounce@example.org", ["ada@example.org"], content)
    await mail.restart()
    [kept] = mails(mail)
    assert (kept["mail_from"], kept["rcpt_to"]) == ("bounce@example.org", ["ada@example.org"])
    assert kept["subject"] == "Grüße"
    assert read(mail, f"/api/messages/{kept['id']}").content == content


async def test_the_page_of_a_mail_runs_nothing_that_stands_in_it(mail: MailServer) -> None:
    await send(mail, letter())
    page = read(mail, f"/messages/{mails(mail)[0]['id']}")
    assert "<script" not in page.text
    assert '<iframe sandbox title="HTML part" srcdoc="&lt;script&gt;' in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


async def test_an_ordered_refusal_meets_its_recipient_as_often_as_ordered(mail: MailServer) -> None:
    behave(mail, reply="451 4.7.1 later", times=2, recipient="ada@*")
    await send(mail, letter("bob@example.org"))
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPDataError, match=r"4\.7\.1 later"):
            await send(mail, letter())
    await send(mail, letter())
    assert [one["rcpt_to"] for one in mails(mail)] == [["bob@example.org"], ["ada@example.org"]]


async def test_an_address_can_be_refused_before_the_mail_is_given(mail: MailServer) -> None:
    behave(mail, reply="550 5.1.1 no such user", stage="recipient")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(mail, letter())
    assert mails(mail) == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_login_over_tls_is_taken_with_the_right_password_alone(tmp_path: Path, tls: Tls) -> None:
    server = MailServer(tmp_path)
    server.tls, server.login = tls, ("tenure", "se:cret")
    await server.start()
    trust = ssl.create_default_context(cafile=server.certificate)
    smtp = aiosmtplib.SMTP(
        hostname="127.0.0.1", port=server.port, use_tls=tls == "tls", start_tls=tls == "starttls", tls_context=trust
    )
    async with smtp:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await smtp.login("tenure", "wrong")
        await smtp.login("tenure", "se:cret")
        await smtp.send_message(letter())
    assert len(mails(server)) == 1
    await server.stop()

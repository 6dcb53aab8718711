"""Where an operator is told: a topic of the AWS emulator with a queue behind it, and a mail server on this machine."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

import boto3
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message


def watched_topic(name: str, region: str = "eu-west-1") -> tuple[str, Any]:
    """A new topic's ARN, and the queue that every message of it arrives in."""
    queue = boto3.resource("sqs", region_name=region).create_queue(QueueName=f"{name}-arrived")
    topic = boto3.resource("sns", region_name=region).create_topic(Name=name)
    topic.subscribe(Protocol="sqs", Endpoint=queue.attributes["QueueArn"])
    return topic.arn, queue


@contextmanager
def mail_server() -> Iterator[tuple[int, list[EmailMessage]]]:
    """A mail server's port, and the mails that have arrived."""
    box = _Box()
    server = _AnyPort(box, hostname="127.0.0.1", port=0)
    server.start()
    try:
        yield server.port, box.mails
    finally:
        server.stop()


class _AnyPort(Controller):
    """Port 0 is the one that the system gave: the library would call on port 0 itself to see whether it listens."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


class _Box(Message):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.mails: list[EmailMessage] = []

    def prepare_message(self, session: Any, envelope: Any) -> EmailMessage:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def handle_message(self, message: Any) -> None:
        self.mails.append(message)

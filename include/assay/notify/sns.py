"""A message to a topic of Amazon SNS, from where mail, queues and functions take it."""

from __future__ import annotations

from assay.notify.event import EVENT, Event, NotDelivered

TIMEOUT_S = 10


def send(event: Event, topic: str) -> None:
    """Publish the event to the topic with this ARN. Credentials come from the environment, as for S3. Raises NotDelivered."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    parts = topic.split(":")
    if len(parts) != 6 or parts[0] != "arn" or parts[2] != "sns":
        raise NotDelivered(f"ASSAY_SNS_TOPIC: found {topic!r}; expected arn:aws:sns:<region>:<account>:<name>")
    retries = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 4, "mode": "standard"})
    in_order = {"MessageGroupId": event.dataset, "MessageDeduplicationId": event.delivery} if topic.endswith(".fifo") else {}
    try:
        boto3.client("sns", region_name=parts[3], config=retries).publish(
            TopicArn=topic,
            Message=event.body().decode(),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in (("event", EVENT), ("dataset", event.dataset), ("delivery", event.delivery))
            },
            **in_order,
        )
    except (BotoCoreError, ClientError) as error:
        raise NotDelivered(f"SNS topic {parts[5]}: {error}") from None

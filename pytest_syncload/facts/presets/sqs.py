"""SQS, standard and FIFO queues alike: a FIFO queue's name ends in ``.fifo``, its metrics are the same.

"Available CloudWatch metrics for Amazon SQS". All are gauges, and an idle queue publishes none: silence is never zero.
"""

from __future__ import annotations

from pytest_syncload.facts.metric import LEVEL, Each, Preset, Rule, level
from pytest_syncload.facts.units import Kind

_NAMESPACE = "AWS/SQS"
_VISIBLE = "ApproximateNumberOfMessagesVisible"
_QUEUE = (("QueueName", "{queue}"),)
_DEEPEST = ("Maximum", "Average")

PRESETS = (
    Preset(
        name="sqs.visible",
        kind=Kind.COUNT,
        what="messages waiting in the queue",
        namespace=_NAMESPACE,
        templates=(level(_VISIBLE, Each.QUEUE, _QUEUE),),
        statistics=_DEEPEST,
        rules=frozenset(Rule),
    ),
    Preset(
        name="sqs.in_flight",
        kind=Kind.COUNT,
        what="messages that were received and are not deleted yet",
        namespace=_NAMESPACE,
        templates=(level("ApproximateNumberOfMessagesNotVisible", Each.QUEUE, _QUEUE),),
        statistics=_DEEPEST,
        rules=frozenset(Rule),
    ),
    Preset(
        name="sqs.oldest",
        kind=Kind.TIME,
        what="age of the oldest message in the queue",
        namespace=_NAMESPACE,
        templates=(level("ApproximateAgeOfOldestMessage", Each.QUEUE, _QUEUE),),
        statistics=_DEEPEST,
        factor=1000.0,  # CloudWatch has seconds
        rules=frozenset(Rule),
    ),
    Preset(
        name="sqs.dead_letters",
        kind=Kind.COUNT,
        # NumberOfMessagesSent does not count what SQS itself moves there; its depth does.
        what="messages in the dead-letter queue, those of before the load too",
        namespace=_NAMESPACE,
        templates=(level(_VISIBLE, Each.DEAD_LETTERS, (("QueueName", "{dead_letter_queue}"),)),),
        statistics=_DEEPEST,
        rules=LEVEL,
    ),
)

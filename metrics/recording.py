from llmconfig.client.recording import Texts
from llmconfig.client.records import CallRecord


def record_call(record: CallRecord, texts: Texts) -> None:
    """Placeholder until the tables exist."""

from llmconfig.client.records import CallRecord
from llmconfig.client.recording import Texts


def record_call(record: CallRecord, texts: Texts) -> None:
    """Placeholder until the tables exist."""

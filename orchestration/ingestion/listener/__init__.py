"""`crlm listen`: HL7 v2 messages over the network (MLLP) into the landing folder, acknowledged when they are on the disk."""

from orchestration.ingestion.listener.server import Listener, NothingToListenFor, listener_for, tls_context
from orchestration.ingestion.listener.spool import AlreadyListening

__all__ = ["AlreadyListening", "Listener", "NothingToListenFor", "listener_for", "tls_context"]

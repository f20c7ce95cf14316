"""CAP 1.2: incidents for the systems of others, such as a district's or the fire brigade's, as messages and a feed."""

from alerts.cap.document import CAP_TYPE, NAMESPACE, render
from alerts.cap.feed import ATOM_TYPE, atom, in_feed, is_told
from alerts.cap.messages import Message, MsgType, message_of, messages
from alerts.cap.settings import CapSection

__all__ = [
    "ATOM_TYPE",
    "CAP_TYPE",
    "NAMESPACE",
    "CapSection",
    "Message",
    "MsgType",
    "atom",
    "in_feed",
    "is_told",
    "message_of",
    "messages",
    "render",
]

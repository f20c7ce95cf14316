"""The response: who is asked to answer, by what, in which order, until somebody has."""

from alerts.response.ask import Ask, AskState
from alerts.response.consequences import Consequences
from alerts.response.limits import ResponseLimits
from alerts.response.response import Response
from alerts.response.supervision import Colour, Stage

__all__ = ["Ask", "AskState", "Colour", "Consequences", "Response", "ResponseLimits", "Stage"]

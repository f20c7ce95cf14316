"""Where people and other systems answer: the responder's page, the HTTP API, and what gateways report."""

"""What a person may ask and decide, as HTTP on a Unix socket: a module for each thing it is about."""

from service.control.address import control_socket, is_served
from service.control.app import control_app

__all__ = ["control_app", "control_socket", "is_served"]

"""The boards of Grafana, written as code. `python -m deploy.boards` makes deploy/grafana/ of them."""

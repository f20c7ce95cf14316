"""Measures: what is made of a reading before it is judged, one module a kind."""

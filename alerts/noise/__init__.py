"""Noise: what keeps one danger from being told twice, and a storm from burying what matters."""

"""Adapters, their versions and base models: what `client.registry` is made of."""

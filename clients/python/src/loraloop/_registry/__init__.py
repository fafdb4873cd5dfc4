"""Adapters, their versions and base models: what `client.adapters` and `client.base_models` are made of."""

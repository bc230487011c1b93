"""Fuzz the running API with schemathesis, and compare it with its OpenAPI description."""

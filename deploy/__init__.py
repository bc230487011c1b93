"""How to operate the API."""

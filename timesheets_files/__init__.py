"""One reader for the API and the client: bytes to rows with line numbers, and the limits of their members.

Knows neither Django nor HTTP, and decides nothing.
"""

"""Explain to a person why a token is refused or an issuer cannot be used; never part of a request."""

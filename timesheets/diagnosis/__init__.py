"""Why a token is refused, and whether an issuer can be used: for people, and never in a request."""

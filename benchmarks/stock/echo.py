"""An API that verifies the token with PyJWT and echoes the entry: no rules, no storage (FastAPI)."""

import os
from typing import Annotated, Any

import jwt
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

_ISSUER = os.environ["TEST_ISSUER"]
# Fetched once, so that no request pays for it.
_KEY = jwt.PyJWKClient(f"{_ISSUER}.well-known/jwks.json").get_signing_keys()[0].key

app = FastAPI()


class Entry(BaseModel):
    user_id: str
    date: str
    project: str
    hours: float
    entry_id: str


def verify(authorization: str) -> str:
    """The subject of the token, verified as FastAPI's documentation shows it. Raises HTTPException."""
    try:
        claims = jwt.decode(
            authorization.removeprefix("Bearer "),
            _KEY,
            algorithms=["RS256"],
            audience="https://timesheets.example.com",
            issuer=_ISSUER,
        )
    except jwt.InvalidTokenError:
        raise HTTPException(401) from None
    if "batch:upload" not in claims["scope"].split():
        raise HTTPException(403)
    return str(claims["sub"])


@app.post("/timesheets/upload", status_code=201)
async def upload(entry: Entry, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    verify(authorization)
    return {"id": 14, **entry.model_dump()}

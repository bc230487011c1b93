"""A FastAPI that verifies the token with PyJWT. It stores each entry once and prints it, or echoes it."""

import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import asyncpg
import jwt
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel

logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO)
logger = logging.getLogger(__name__)

_ISSUER = os.environ["TEST_ISSUER"]
# Fetched once, so that no request pays for it.
_KEY = jwt.PyJWKClient(f"{_ISSUER}.well-known/jwks.json").get_signing_keys()[0].key
_CREATE = """
CREATE TABLE IF NOT EXISTS rival (
    id bigserial PRIMARY KEY, client text, received_at timestamptz, user_id text, date timestamptz,
    project text, hours numeric(4, 2), entry_id text, UNIQUE (client, entry_id)
)
"""
_INSERT = """
INSERT INTO rival (client, received_at, user_id, date, project, hours, entry_id)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id
"""


@asynccontextmanager
async def open_pool(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["TEST_DATABASE_URL"], min_size=16, max_size=16) as pool:
        await pool.execute(_CREATE)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=open_pool)


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


@app.post("/store", status_code=201)
async def store(entry: Entry, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    client, date = verify(authorization), datetime.fromisoformat(entry.date)
    content = (entry.user_id, date, entry.project, Decimal(str(entry.hours)), entry.entry_id)
    row_id = await app.state.pool.fetchval(_INSERT, client, datetime.now(UTC), *content)
    if row_id is None:
        raise HTTPException(409)
    stored = {"id": row_id, **entry.model_dump()}
    logger.info("%s", json.dumps(stored))
    return stored


@app.post("/echo", status_code=201)
async def echo(entry: Entry, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    verify(authorization)
    return {"id": 14, **entry.model_dump()}

"""An API that verifies the token with PyJWT and stores each entry durably, once (FastAPI and asyncpg)."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Header, HTTPException

from benchmarks.stock.echo import Entry, verify

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


@app.post("/timesheets/upload", status_code=201)
async def upload(entry: Entry, authorization: Annotated[str, Header()]) -> dict[str, Any]:
    client = verify(authorization)
    content = (
        entry.user_id,
        datetime.fromisoformat(entry.date),
        entry.project,
        Decimal(str(entry.hours)),
        entry.entry_id,
    )
    row_id = await app.state.pool.fetchval(_INSERT, client, datetime.now(UTC), *content)
    if row_id is None:
        raise HTTPException(409)
    return {"id": row_id, **entry.model_dump()}

"""Terms of immutability over several regions: the latest of any holds, whichever way its bucket locks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from covenant.adapters.stores.s3_terms import ObjectLockStore
from covenant.bootstrap import regional_opener
from covenant.bootstrap.terms import terms_of
from covenant.kernel.errors import ObjectMissing
from tests.servers.r2_api import keeping_rules
from tests.servers.seaweedfs import SeaweedServer, s3_server

__all__ = ["s3_server"]


def test_the_latest_term_of_any_region_holds(s3_server: SeaweedServer) -> None:
    """A plan asks every region: of two that lock object by object, one by rules, and one that does not lock, the
    latest term counts, even where an object has not arrived everywhere; one that is nowhere is missing."""
    lock = s3_server.options() | {"immutable": "object-lock", "immutable_mode": "governance", "immutable_term": "1m"}
    urls = [f"s3://{s3_server.new_bucket(object_lock=True)}/vault" for _ in range(2)]
    stores = [ObjectLockStore.open(url, lock) for url in urls]
    with keeping_rules(s3_server.new_bucket()) as api:
        ruled = (f"s3://{api.bucket}/vault", s3_server.options() | {"immutable": "bucket-lock"} | api.options())
        regions = {"plain": ("memory:plain", {}), **{f"locked-{n}": (url, lock) for n, url in enumerate(urls)}}
        opener = regional_opener({**regions, "ruled": ruled}, 4, None)
        (bucket,) = (place.spec.open() for place in opener.places if place.name == "ruled")
        for store in (*stores, bucket):
            store.put("data/pack", b"pack")
        stores[0].put("data/only-here", b"pack")
        now = datetime.now(UTC)
        stores[1].extend("data/pack", now + timedelta(hours=2))

        by_object = terms_of(opener)
        assert by_object is not None
        found = [by_object.term("data/pack")]  # its rules are read now, while there is none
        condition = {"type": "Age", "maxAgeSeconds": 3 * 3600}
        api.rules = [{"id": "ours", "enabled": True, "prefix": "vault/data/", "condition": condition}]
        by_rule = terms_of(opener)

        assert by_rule is not None
        found.append(by_rule.term("data/pack"))
        alone = by_object.term("data/only-here")
        with pytest.raises(ObjectMissing):
            by_rule.term("data/nowhere")

    assert all(found)
    assert [2, 3] == [round((until - now) / timedelta(hours=1)) for until in found if until]
    assert alone is not None
    assert timedelta() < alone - now < timedelta(minutes=2)

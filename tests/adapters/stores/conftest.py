"""What the tests of stores share."""

from __future__ import annotations

from tests.servers.seaweedfs import s3_server
from tests.servers.small_disk import small_disk

__all__ = ["s3_server", "small_disk"]

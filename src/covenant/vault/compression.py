"""Zstandard, where it pays, and bounded on the way back.

Photos, videos and audio do not shrink; trying costs as much as encrypting them. So a few small samples of a large
blob decide whether the compressor is run at all.
"""

from __future__ import annotations

import zstandard

from covenant.kernel.errors import DamageError
from covenant.vault.ports import Buffer

DEFAULT_LEVEL = 3

_SAMPLED_FROM = 64 << 10
_SAMPLE = 4 << 10
_SAMPLES = 4
_WORTH_IT = 0.97


class Compressor:
    """Compresses blobs at one level; belongs to one thread."""

    def __init__(self, level: int = DEFAULT_LEVEL) -> None:
        self._zstd = zstandard.ZstdCompressor(level=level)
        self._probe = zstandard.ZstdCompressor(level=1)

    def shrink(self, plain: Buffer) -> bytes | None:
        """``plain`` compressed, or ``None`` where that saves nothing."""
        if len(plain) >= _SAMPLED_FROM and not self._promising(plain):
            return None
        packed = self._zstd.compress(plain)
        return packed if len(packed) < len(plain) else None

    def always(self, plain: Buffer) -> bytes:
        """``plain`` compressed, whatever comes of it."""
        return self._zstd.compress(plain)

    def _promising(self, plain: Buffer) -> bool:
        """Whether samples spread over ``plain`` shrink noticeably."""
        view = memoryview(plain)
        stride = (len(view) - _SAMPLE) // (_SAMPLES - 1)
        sample = b"".join([view[at * stride : at * stride + _SAMPLE] for at in range(_SAMPLES)])
        return len(self._probe.compress(sample)) < _WORTH_IT * len(sample)


class Decompressor:
    """Opens what ``Compressor`` made, never into more memory than was announced; belongs to one thread."""

    def __init__(self) -> None:
        self._zstd = zstandard.ZstdDecompressor()

    def expand(self, packed: Buffer, limit: int) -> bytes:
        """The plain bytes, at most ``limit`` of them. Raises ``DamageError`` for anything else."""
        try:
            announced = zstandard.frame_content_size(packed)
            if announced > limit:
                raise DamageError(f"compressed bytes would expand to {announced} bytes, more than the {limit} allowed")
            return self._zstd.decompress(packed, max_output_size=limit)
        except zstandard.ZstdError as error:
            raise DamageError(f"compressed bytes cannot be expanded: {error}") from error

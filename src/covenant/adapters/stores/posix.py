"""A folder of this machine as a store: a disk, a RAM disk, a mounted share."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator

from covenant.adapters.stores.naming import checked, folder, is_name
from covenant.adapters.stores.os_errors import missing, never_made, store_error, vanished
from covenant.adapters.stores.whole_write import write_whole
from covenant.kernel.errors import DamageError, StoreError
from covenant.vault.ports import Buffer, Listed

_FOLDER_MODE = 0o700
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_CLOEXEC


class PosixStore:
    """A ``Store`` below one folder, with an object's name as the file's path.

    The folder itself is made by ``create_root`` alone. A put never makes it: where a mount went away, what looks like
    an empty folder would fill the disk below it, and nobody would find the objects again.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._root = os.path.abspath(path)
        self._identity = _identity(self._root)
        self._known: set[str] = set()
        self._making = threading.Lock()

    @property
    def url(self) -> str:
        return self._root

    def create_root(self) -> None:
        """Make the store's folder, durably; one that exists already is taken as it is."""
        try:
            os.makedirs(self._root, _FOLDER_MODE, exist_ok=True)
            _flush(os.path.dirname(self._root))
        except OSError as error:
            raise store_error(error, "", self.url) from error
        self._identity = _identity(self._root)

    def get(self, name: str) -> bytes:
        try:
            file = os.open(self._path(name), _FILE)
            try:
                return _read_exactly(file, os.fstat(file).st_size)
            finally:
                os.close(file)
        except OSError as error:
            raise self._told(error, name) from error

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        try:
            file = os.open(self._path(name), _FILE)
            try:
                data = _read_exactly(file, length, offset)
                short = len(data) < length or (length == 0 and os.fstat(file).st_size < offset)
            finally:
                os.close(file)
        except OSError as error:
            raise self._told(error, name) from error
        if short:
            raise DamageError(f"'{name}' in {self.url} ends before byte {offset + length}")
        return data

    def size(self, name: str) -> int:
        try:
            found = os.stat(self._path(name))
        except OSError as error:
            raise self._told(error, name) from error
        if not stat.S_ISREG(found.st_mode):
            raise missing(name, self.url)
        return found.st_size

    def list(self, prefix: str) -> Iterator[Listed]:
        below = folder(prefix)
        if self._is_gone():
            raise vanished(self.url)
        return self._walk(below)

    def put(self, name: str, data: Buffer) -> None:
        where, _, last = checked(name).rpartition("/")
        try:
            opened = self._open_folder(where)
            try:
                write_whole(opened, last, data)
            finally:
                os.close(opened)
        except (NotADirectoryError, IsADirectoryError) as error:
            raise StoreError(f"'{name}' in {self.url} would lie inside another object") from error
        except OSError as error:
            raise self._told(error, name) from error

    def overwrite(self, name: str, data: Buffer) -> None:
        """Put over whatever is there. No port has this: it is for measuring immutability, and nothing else."""
        path = self._path(name)
        try:
            opened = os.open(os.path.dirname(path), _FOLDER)
            try:
                write_whole(opened, f"{os.path.basename(path)}~over", data)
                os.replace(f"{path}~over", path)
                os.fsync(opened)
            finally:
                os.close(opened)
        except OSError as error:
            raise self._told(error, name) from error

    def delete(self, name: str) -> None:
        path = self._path(name)
        try:
            os.unlink(path)
            _flush(os.path.dirname(path))
        except OSError as error:
            if os.path.isdir(path):
                raise missing(name, self.url) from error
            raise self._told(error, name) from error

    def _path(self, name: str) -> str:
        return f"{self._root}/{checked(name)}"

    def _told(self, error: OSError, name: str) -> StoreError:
        if isinstance(error, FileNotFoundError) and self._is_gone():
            return vanished(self.url)
        return store_error(error, name, self.url)

    def _is_gone(self) -> bool:
        """Whether the folder was there once, and now is not or is another."""
        return self._identity is not None and _identity(self._root) != self._identity

    def _open_folder(self, where: str) -> int:
        """An open folder below the root that is there, durably.

        The root itself never counts as known: an unmounted disk leaves an empty folder in its place.
        """
        if where in self._known:
            try:
                return os.open(f"{self._root}/{where}", _FOLDER)
            except FileNotFoundError:
                self._known.clear()  # someone tidied up, or the mount went away
        with self._making:
            self._make_folder(where)
        return os.open(f"{self._root}/{where}", _FOLDER)

    def _make_folder(self, where: str) -> None:
        if self._identity is None:
            self._identity = _identity(self._root)
        if self._identity is None:
            raise never_made(self.url)
        if self._is_gone():
            raise vanished(self.url)
        made, above = "", self._root
        for segment in where.split("/") if where else ():
            made = f"{made}/{segment}" if made else segment
            if made not in self._known:
                _make(f"{self._root}/{made}")
                # Flushed even if another process made it: that one may not have got so far yet.
                _flush(above)
                self._known.add(made)
            above = f"{self._root}/{made}"

    def _walk(self, below: str) -> Iterator[Listed]:
        try:
            with os.scandir(f"{self._root}/{below}") as entries:
                found = [entry for entry in entries if is_name(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise store_error(error, below, self.url) from error
        for entry in found:
            yield from self._listed(entry, f"{below}/{entry.name}" if below else entry.name)

    def _listed(self, entry: os.DirEntry[str], name: str) -> Iterator[Listed]:
        try:
            if entry.is_dir():
                yield from self._walk(name)
            elif entry.is_file():
                yield Listed(name, entry.stat().st_size)
        except FileNotFoundError:
            return  # deleted since the folder was read
        except OSError as error:
            raise store_error(error, name, self.url) from error


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _read_exactly(file: int, length: int, offset: int = 0) -> bytes:
    """``length`` bytes, or as many as there are."""
    data = os.pread(file, length, offset)
    while len(data) < length:
        more = os.pread(file, length - len(data), offset + len(data))
        if not more:
            break
        data += more
    return data


def _make(path: str) -> None:
    try:
        os.mkdir(path, _FOLDER_MODE)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path) from None


def _flush(path: str) -> None:
    """Make durable what a folder lists."""
    opened = os.open(path, _FOLDER)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

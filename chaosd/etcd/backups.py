"""How old the newest backup of an etcd cluster is, fit for ``chaosd.targets.etcd_gateway``."""

from __future__ import annotations

import math
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from chaosd.calls import Answered, CallFailed, Forbidden, NotSent, ServerFault, Unanswered
from chaosd.core.etcd_model import EtcdBackup, EtcdTls
from chaosd.etcd.answers import UNREADABLE, short, without
from chaosd.etcd.deadline import Deadline
from chaosd.etcd.secret import secret, sendable
from chaosd.etcd.wire import Reply, Wire, place

_SIGN_IN = frozenset({401, 403})
# Who writes a backup does so under such a name first (etcdctl snapshot save does).
_UNFINISHED = (".part", ".tmp", ".partial")


class BackupAges:
    """See ``chaosd.targets.etcd_gateway.Backups``. ``now`` gives the time, with a zone."""

    def __init__(self, now: Callable[[], datetime], wire: Wire | None = None) -> None:
        self._now = now
        self._wire = wire or Wire()

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def age(self, backup: EtcdBackup, timeout: float) -> timedelta:
        """How old the newest backup is; raises CallFailed when that can't be told for sure.

        Prometheus is asked with an instant query, which must give one sample: seconds; the token
        that it is shown is read from its file each time, and stands in no error. A file's
        age is by its modification time. Of a folder, the newest regular file counts that is
        directly in it, is not empty, and whose name neither begins with a dot nor ends like one
        that is still written (.part, .partial, .tmp). A file system that hangs is waited for.
        """
        if backup.prometheus:
            return self._by_prometheus(backup, Deadline(timeout))
        if backup.file:
            return self._by_file(Path(backup.file))
        raise NotSent("nothing says where the age of the backup is known")

    def _by_prometheus(self, backup: EtcdBackup, deadline: Deadline) -> timedelta:
        where = f"Prometheus at {place(backup.prometheus)}"
        bearer = _bearer(backup.bearer_token_file)
        query = urlencode({"query": backup.query, "timeout": f"{max(deadline.left, 0.001):.3f}s"})
        url = f"{backup.prometheus.rstrip('/')}/api/v1/query?{query}"
        tls, shown = EtcdTls(ca=backup.ca), bearer and f"Bearer {bearer}"
        reply = without(self._wire.send(tls, url, None, deadline, authorization=shown), bearer)
        if reply.status in _SIGN_IN:
            file = backup.bearer_token_file
            words = f"it refuses the token in {file}" if file else "set backup.bearerTokenFile"
            raise Forbidden(reply.status, "", f"{where}: it answers {reply.status}: {words}")
        return _age(_sample(reply, where), where)

    def _by_file(self, path: Path) -> timedelta:
        try:
            found = path.stat()
            if stat.S_ISDIR(found.st_mode):
                newest = max(_finished(path), default=None)
                if newest is None:
                    raise CallFailed(f"there is no backup in the folder {path}")
                written, path = newest
            elif stat.S_ISREG(found.st_mode) and found.st_size:
                written = found.st_mtime
            else:
                raise CallFailed(f"{path} is empty, or no file")
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            raise CallFailed(f"can't read {path}: {words}") from None
        return _age(self._now().timestamp() - written, str(path))


def _bearer(file: str) -> str:
    """The token in the file; "" for no file."""
    if not file:
        return ""
    token = secret(file, "the token")
    if not sendable(token):
        raise NotSent(f"what {file} holds is no token: it has blanks or other odd characters")
    return token


def _finished(folder: Path) -> list[tuple[float, Path]]:
    """The backups in ``folder``, and when each was written last (Unix seconds)."""
    found = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name.endswith(_UNFINISHED):
            continue
        try:
            told = path.stat()
        except FileNotFoundError:
            continue  # removed meanwhile, or a link to nowhere
        if stat.S_ISREG(told.st_mode) and told.st_size:
            found.append((told.st_mtime, path))
    return found


class _Sample(Struct):
    value: tuple[float, str]


class _Vector(Struct, tag_field="resultType", tag="vector"):
    result: list[_Sample]


class _Scalar(Struct, tag_field="resultType", tag="scalar"):
    result: tuple[float, str]


class _Answer(Struct):
    """https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries"""

    status: str
    data: _Vector | _Scalar | None = None
    error_type: str = msgspec.field(default="", name="errorType")
    error: str = ""


def _sample(reply: Reply, where: str) -> float:
    try:
        told = msgspec.json.decode(reply.body, type=_Answer)
    except UNREADABLE as error:
        words = f"it answers {reply.status}, not with a vector or scalar: {short(str(error))}"
        raise Unanswered(f"{where}: {words}") from None
    if reply.status != 200 or told.status != "success" or told.data is None:
        kind = ServerFault if reply.status >= 500 else Answered
        raise kind(reply.status, told.error_type, f"{where}: {short(told.error)}")
    if isinstance(told.data, _Scalar):
        values = [told.data.result[1]]
    else:
        values = [one.value[1] for one in told.data.result]
    if len(values) != 1:
        raise CallFailed(f"{where}: the query gives {len(values)} samples; it must give one")
    try:
        return float(values[0])
    except ValueError:
        return math.nan


def _age(seconds: float, where: str) -> timedelta:
    if not math.isfinite(seconds):
        raise CallFailed(f"{where}: {seconds} is no age in seconds")
    if seconds < 0:
        raise CallFailed(f"{where}: the backup is {-seconds:.0f} s in the future")
    try:
        return timedelta(seconds=seconds)
    except OverflowError:
        raise CallFailed(f"{where}: {seconds:g} s is no age") from None

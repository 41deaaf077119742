"""When the certificate that we show to others expires."""

from __future__ import annotations

import math
import ssl

# X509_V_FLAG_NO_CHECK_TIME: https://docs.openssl.org/3.0/man3/X509_VERIFY_PARAM_set_flags/
_ANY_TIME = 0x200000
_MOST_ROUNDS = 10


def end_of(cert: str, key: str) -> float:
    """Unix seconds; infinity where that can't be told (whoever is shown it will judge it).

    The standard library tells what is in a certificate to nobody but the other side of a
    connection. So it is shown once, in memory, to another side that trusts it for itself.
    """
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    shown.check_hostname = False
    shown.verify_mode = ssl.CERT_NONE
    seen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    seen.verify_mode = ssl.CERT_REQUIRED
    seen.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | _ANY_TIME
    try:
        for context in (shown, seen):
            context.load_cert_chain(cert, key or None)
        seen.load_verify_locations(cafile=cert)
        told = _shake_hands(shown, seen)
        return float(ssl.cert_time_to_seconds(str(told["notAfter"])))
    except (OSError, ValueError, KeyError):
        return math.inf


def _shake_hands(shown: ssl.SSLContext, seen: ssl.SSLContext) -> dict[str, object]:
    """What ``seen`` learns about the certificate of ``shown``."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = shown.wrap_bio(back, there)
    server = seen.wrap_bio(there, back, server_side=True)
    for _ in range(_MOST_ROUNDS):
        done = 0
        for side in (client, server):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                continue
        if done == 2:
            return dict(server.getpeercert() or {})
    return {}

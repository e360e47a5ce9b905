"""DNS over UDP in batches: up to 64 datagrams per system call, and addresses that never become Python objects.

On two cores with dnsperf on the same machine: 86,000 queries/s, where `PlainUdp` had 73,000 and NSD 80,000.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from postroad_dns.exchanges import ADDRESS
from postroad_dns.tally import SILENT, Tally
from postroad_dns.udp import BURST, RECEIVE, PlainUdp

if TYPE_CHECKING:
    import socket

    from postroad_dns.cache import Cache
    from postroad_dns.exchanges import Exchanges, Pair
    from postroad_dns.udp import Udp


def open_udp(sock: socket.socket, cache: Cache, log: Exchanges | None = None) -> Udp:
    """Return the fastest `Udp` that the system has, for a socket that does not block."""
    try:
        return BatchedUdp(sock, cache, log)
    except AttributeError:  # the C library has no recvmmsg
        return PlainUdp(sock, cache, log)


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iov_length", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("header", _Msghdr), ("length", ctypes.c_uint32))


_BATCH = 64  # datagrams per system call
_ADDRESS = ADDRESS  # sockaddr_in6 has 28 octets
_MSG_DONTWAIT = 0x40


class BatchedUdp:
    """recvmmsg(2) and sendmmsg(2) on buffers made once: the response to a datagram overwrites it.

    Raises `AttributeError` if the C library has no such calls.
    """

    def __init__(self, sock: socket.socket, cache: Cache, log: Exchanges | None = None) -> None:
        self.cache = cache
        self.log = log
        self.tally = Tally()
        self._socket = sock
        library = ctypes.CDLL(None)
        self._recvmmsg, self._sendmmsg = library.recvmmsg, library.sendmmsg
        arguments = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
        self._recvmmsg.argtypes = (*arguments, ctypes.c_void_p)
        self._sendmmsg.argtypes = arguments
        self._buffers = ctypes.create_string_buffer(_BATCH * RECEIVE)
        self._addresses = ctypes.create_string_buffer(_BATCH * _ADDRESS)
        self._iovecs = (_Iovec * _BATCH)()
        self._messages = (_Mmsghdr * _BATCH)()
        for index, (message, iovec) in enumerate(zip(self._messages, self._iovecs, strict=True)):
            iovec.base = ctypes.addressof(self._buffers) + index * RECEIVE
            iovec.length = RECEIVE
            message.header.name = ctypes.addressof(self._addresses) + index * _ADDRESS
            message.header.name_length = _ADDRESS
            message.header.iov = ctypes.addressof(iovec)
            message.header.iov_length = 1
        # The structures once more, as arrays of integers: reading or writing a field of a ctypes structure costs a
        # microsecond, an item of a memoryview a tenth of that.
        self._octets = memoryview(self._buffers).cast("B")
        self._peers = memoryview(self._addresses).cast("B")
        self._words = memoryview(self._messages).cast("B").cast("I")
        self._sizes = memoryview(self._iovecs).cast("B").cast("P")
        word, size = ctypes.sizeof(ctypes.c_uint32), ctypes.sizeof(ctypes.c_size_t)
        # Per slot: where its octets begin, and the indexes in `_words` of its received length and of its length of
        # address, and in `_sizes` of its iovec's length.
        self._slots = tuple(
            (
                index * RECEIVE,
                (index * ctypes.sizeof(_Mmsghdr) + _Mmsghdr.length.offset) // word,
                (index * ctypes.sizeof(_Mmsghdr) + _Mmsghdr.header.offset + _Msghdr.name_length.offset) // word,
                (index * ctypes.sizeof(_Iovec) + _Iovec.length.offset) // size,
            )
            for index in range(_BATCH)
        )
        self._first = ctypes.addressof(self._messages)

    def drain(self) -> None:
        """See `Udp`."""
        receive, first, descriptor = self._recvmmsg, self._first, self._socket.fileno()
        octets, words, sizes, slots = self._octets, self._words, self._sizes, self._slots
        cache, log = self.cache, self.log
        for _ in range(BURST // _BATCH):
            count: int = receive(descriptor, first, _BATCH, _MSG_DONTWAIT, None)
            if count <= 0:
                return
            taken = slots if count == _BATCH else slots[:count]
            pairs: list[Pair] = []
            peers = b"" if log is None else bytes(self._peers[: count * _ADDRESS])
            begin = 0  # the first slot whose response has not been sent
            for index, (start, length, _name, size) in enumerate(taken):
                end = start + words[length]
                # The probe of `Cache.answer`, here because the call would add 0.15 µs per query.
                query = bytes(octets[start + 2 : end])
                known = cache.young.get(query)
                if known is None:
                    response = cache.answer(bytes(octets[start:end]))
                    if response is None:
                        pairs.append((query, None))
                        octets[start + 3] = SILENT
                        self._send(begin, index)
                        begin = index + 1
                        continue
                    known = response[2:]
                if log is not None:
                    pairs.append((query, known))
                end = start + 2 + len(known)
                octets[start + 2 : end] = known
                sizes[size] = end - start
            self._send(begin, count)
            if log is not None:
                log.add("udp", peers, pairs)
            self.tally.add(bytes(octets[3 : count * RECEIVE : RECEIVE]))
            for _start, _length, name, size in taken:
                sizes[size] = RECEIVE
                words[name] = _ADDRESS
            if count < _BATCH:
                return

    def _send(self, begin: int, end: int) -> None:
        """Send the responses in the slots from `begin` to `end`, except any that can't be sent."""
        while begin < end:
            sent: int = self._sendmmsg(
                self._socket.fileno(), self._first + begin * ctypes.sizeof(_Mmsghdr), end - begin, _MSG_DONTWAIT
            )
            begin += max(sent, 1)

"""The vault: one encrypted file of logins, for machines without a keyring.

AES-256-GCM under a key that scrypt makes of a passphrase. What says how the key is made is authenticated too, and its
numbers are bounded before they are believed: a file that was changed makes neither a cheap key nor a bomb. The key
outlives a change of the logins, so that an engine which opened the vault reads what is stored later.
"""

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from pipeline.errors import InputError
from pipeline.keys.passphrases import passphrase
from pipeline.keys.places import read_own, write_own
from pipeline.secret import Secret

VAULT_FILE = "logins.vault"
COST = 2**17
"""scrypt's N: 128 MiB and half a second for each guess."""
CHEAPEST, DEAREST = 2**14, 2**18
LANES = 8

Sealed = dict[str, dict[str, str]]
"""Secrets by entry and name."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the rest of a vault is sealed. It is authenticated with it."""

    vault: int
    kdf: str
    n: int
    r: int
    p: int
    salt: str
    nonce: str

    def bounded(self) -> bool:
        known = (self.vault, self.kdf, self.r, self.p) == (1, "scrypt", LANES, 1)
        return known and CHEAPEST <= self.n <= DEAREST and self.n.bit_count() == 1


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vault as it lies on the disk."""

    header: Header
    sealed: str


class Vault:
    """The logins in one encrypted file. It opens itself when a passphrase can be had without asking anybody."""

    def __init__(self, path: Path, cost: int = COST) -> None:
        self.path = path
        self._cost = cost
        self._key: bytes | None = None
        self._made_with: tuple[str, int] | None = None
        """Salt and cost of the key."""

    def __repr__(self) -> str:
        return f"Vault({self.path})"

    def unlock(self, *, ask: bool) -> None:
        """Open it, or make ready for a new one, asking for the passphrase where somebody can be asked."""
        if not self.path.exists():
            if self._key is None:
                self._new(passphrase(f"the new vault {self.path}", ask=ask, new=True))
        elif self._made_with is None or self._made_with != _made_with(self._file().header):
            self._open_with(passphrase(f"the vault {self.path}", ask=ask))

    def look(self) -> None:
        """`InputError` when the file is damaged, is open to others, or does not fit the key that opened it before."""
        file = self._file()
        if self._key is not None and self._made_with == _made_with(file.header):
            _unsealed(self.path, file, self._key)

    def take(self, entry: str, names: Iterable[str]) -> dict[str, Secret]:
        """The secrets of an entry; `InputError` when it cannot be opened or has no such entry."""
        found = self._content().get(entry, {})
        if missing := [name for name in names if name not in found]:
            raise InputError(f"{self.path} has no {missing[0]} of this login; store it again with `accounts login`")
        return {name: Secret(found[name]) for name in names}

    def put(self, entry: str, named: Mapping[str, Secret]) -> None:
        """Add an entry, whole or not at all."""
        self.unlock(ask=False)
        content = self._content() if self.path.exists() else {}
        self._write(content | {entry: {name: secret.reveal() for name, secret in named.items()}})

    def drop(self, entry: str, names: Iterable[str]) -> None:
        """Take an entry away."""
        del names
        content = self._content()
        if content.pop(entry, None) is not None:
            self._write(content)

    # --- the file ----------------------------------------------------------------------------------------------------

    def _new(self, words: Secret) -> None:
        salt = secrets.token_bytes(16)
        self._key, self._made_with = _derived(words, salt, self._cost), (salt.hex(), self._cost)

    def _open_with(self, words: Secret) -> None:
        file = self._file()
        salt = _bytes(self.path, file.header.salt)
        key = _derived(words, salt, file.header.n)
        _unsealed(self.path, file, key)
        self._key, self._made_with = key, _made_with(file.header)

    def _content(self) -> Sealed:
        file = self._file()
        self.unlock(ask=False)
        assert self._key is not None, "it was unlocked"
        return _unsealed(self.path, file, self._key)

    def _write(self, content: Sealed) -> None:
        assert self._key is not None, "it was unlocked"
        assert self._made_with is not None, "a key comes with what it was made with"
        salt, cost = self._made_with
        nonce = secrets.token_bytes(12)
        header = Header(1, "scrypt", cost, LANES, 1, salt, nonce.hex())
        sealed = AESGCM(self._key).encrypt(nonce, msgspec.json.encode(content), msgspec.json.encode(header))
        write_own(self.path, msgspec.json.encode(File(header, base64.b64encode(sealed).decode())))

    def _file(self) -> File:
        try:
            file = msgspec.json.decode(read_own(self.path), type=File)
        except FileNotFoundError:
            raise InputError(f"{self.path} is gone; put a copy of it back, or store the logins again") from None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise _damaged(self.path) from None
        if not file.header.bounded():
            raise InputError(f"{self.path} asks for a key to be made in a way we do not; put a copy of it back")
        return file


@cache
def vault_of(folder: Path) -> Vault:
    """The vault of a folder of profiles: one for the whole program, so that its passphrase is asked for once."""
    return Vault(folder / VAULT_FILE)


def _made_with(header: Header) -> tuple[str, int]:
    return header.salt, header.n


def _derived(words: Secret, salt: bytes, cost: int) -> bytes:
    try:
        return Scrypt(salt=salt, length=32, n=cost, r=LANES, p=1).derive(words.reveal().encode())
    except MemoryError:
        raise InputError(f"opening a vault takes {cost * LANES * 128 >> 20} MiB of memory; free some") from None


def _unsealed(path: Path, file: File, key: bytes) -> Sealed:
    nonce, sealed = _bytes(path, file.header.nonce), _decoded(path, file.sealed)
    try:
        plain = AESGCM(key).decrypt(nonce, sealed, msgspec.json.encode(file.header))
    except (InvalidTag, ValueError):
        raise InputError(
            f"{path} does not open: the passphrase is another, or the file was changed; try again, or put a copy back"
        ) from None
    return msgspec.json.decode(plain, type=Sealed)


def _bytes(path: Path, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise _damaged(path) from None


def _decoded(path: Path, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _damaged(path) from None


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is no vault of ours, or is damaged; put a copy of it back, or store the logins again")

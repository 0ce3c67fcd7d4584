"""The file itself: a zip whose bytes depend on what is in it alone, with a list of contents that is checked."""

import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath

import msgspec

from pipeline.durable import fresh
from pipeline.errors import InputError

FORMAT = 1
MANIFEST = "manifest.json"
NEVER = (1980, 1, 1, 0, 0, 0)
"""When each file in it was made: a bundle does not say."""
LARGEST = 512 << 20
"""Bytes of all that is in one."""
MOST = 10_000
"""Files in one."""


class Listed(msgspec.Struct, frozen=True):
    """A file of a bundle, and what was taken out of it."""

    name: str
    bytes: int
    sha256: str
    redacted: dict[str, int] = {}


class Manifest(msgspec.Struct, frozen=True):
    """What a bundle is about, and what can be made again from it alone."""

    format: int
    flow: str
    decisions: tuple[str, ...]
    again: str
    """`whole`: the decisions; `score`: what the strategies said, but not what the account allowed; `none`."""
    why: str
    """What of it is not made again, and why; "" when all is."""
    version: str
    code: str
    brings_code: tuple[str, ...] = ()
    """Python files of the flow's owner."""
    files: tuple[Listed, ...] = ()


def packed(files: Mapping[str, bytes], manifest: Manifest) -> bytes:
    """A bundle with these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in (MANIFEST, *sorted(files)):
            content = files[name] if name in files else msgspec.json.format(msgspec.json.encode(manifest))
            made = zipfile.ZipInfo(name, NEVER)
            made.create_system, made.external_attr = 3, 0o600 << 16
            made.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(made, content, compresslevel=9)
    return out.getvalue()


def listed(files: Mapping[str, bytes], redacted: Mapping[str, Mapping[str, int]]) -> tuple[Listed, ...]:
    return tuple(
        Listed(
            name,
            len(content),
            sha256(content).hexdigest(),
            {what: times for what, times in redacted.get(name, {}).items() if times},
        )
        for name, content in sorted(files.items())
    )


def written(path: Path, content: bytes) -> None:
    """Put it there, for its owner alone, whole or not at all."""
    with fresh(path) as file:
        Path(file.name).chmod(0o600)
        file.write(content)


def unpacked(path: Path, folder: Path) -> Manifest:
    """Put the files of a bundle into a folder, once each is known to be whole and to lie within it."""
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_strange(path, archive)
            manifest = msgspec.json.decode(archive.read(MANIFEST), type=Manifest)
            if manifest.format != FORMAT:
                raise InputError(
                    f"{path} has format {manifest.format}, this version reads {FORMAT}; use the one that made it"
                )
            for each in manifest.files:
                content = archive.read(each.name)
                if sha256(content).hexdigest() != each.sha256:
                    raise InputError(f"{path}: {each.name} is not what the list of contents says; ask for it again")
                target = folder / each.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; name a bundle that `bundle` wrote") from None
    except (zipfile.BadZipFile, KeyError, msgspec.DecodeError, NotImplementedError, RuntimeError) as wrong:
        raise InputError(f"{path} is no bundle ({wrong}); name one that `bundle` wrote") from None
    return manifest


def _refuse_strange(path: Path, archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > MOST or sum(each.file_size for each in entries) > LARGEST:
        raise InputError(f"{path} unpacks to more than {LARGEST >> 20} MiB or {MOST:,} files; it is no bundle of ours")
    for each in entries:
        parts = PurePosixPath(each.filename).parts
        if not parts or each.filename.startswith("/") or ".." in parts or "\\" in each.filename or ":" in each.filename:
            raise InputError(f"{path} has a file {each.filename!r}, which would lie outside; it is no bundle of ours")

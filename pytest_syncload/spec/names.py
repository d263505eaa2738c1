"""Which names a phase, a row and an environment may have. A phase's name becomes a marker and a fixture of pytest."""

from __future__ import annotations

import keyword
import re
import unicodedata

_BUILTIN_MARKERS = {
    *("parametrize", "skip", "skipif", "usefixtures", "xfail", "filterwarnings", "tryfirst", "trylast"),
    *("hookwrapper", "optionalhook", "no_cover", "xdist_group", "flaky", "hypothesis", "anyio"),
}
_BUILTIN_FIXTURES = {
    *("tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory", "request", "cache", "capsys", "capfd"),
    *("capsysbinary", "capfdbinary", "capteesys", "caplog", "monkeypatch", "pytestconfig", "recwarn"),
    *("record_property", "record_testsuite_property", "record_xml_attribute", "doctest_namespace"),
    *(
        "testdir",
        "pytester",
        "LineMatcher",
        "linecomp",
        "pytester_example_path",
        "subtests",
        "worker_id",
        "testrun_uid",
        "session",
        "fastsession",
    ),
    # httpx brings anyio, and anyio is a pytest plugin as well.
    *("anyio_backend", "anyio_backend_name", "anyio_backend_options"),
    *("free_tcp_port", "free_tcp_port_factory", "free_udp_port", "free_udp_port_factory"),
}
_OURS = {"slo", "slos", "load"}
#: Fixtures of ours, now and later.
_OUR_PREFIX = "syncload"

#: Bytes of a name: a phase's and a row's stand together in one file's name, which has 255 of them at most.
LONGEST = 100
_SLUG = re.compile(r"[a-z0-9][a-z0-9_-]*")


def phase_name(name: str) -> str | None:
    """What is wrong with the name of a phase, or None."""
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        # pytest refuses markers that begin with an underscore.
        return f"phase name {name!r} is no marker: write a Python identifier without leading underscore, such as peak"
    if (too_long := _too_long("phase", name)) is not None:
        return too_long
    if unicodedata.normalize("NFKC", name) != name:
        return f"phase name {name!r} is another one once Python has normalised it; write it in plain letters"
    if name.startswith(_OUR_PREFIX):
        return f"phase name {name!r} begins with {_OUR_PREFIX}, as syncload's own fixtures do; choose another"
    for taken, whose in (
        (_BUILTIN_MARKERS, "a marker of pytest or its plugins"),
        (_BUILTIN_FIXTURES, "a fixture of pytest or its plugins"),
        (_OURS, "a name of syncload itself"),
    ):
        if name in taken:
            return f"phase name {name!r} is {whose}; choose another, such as {name}_phase"
    return None


def row_name(name: str) -> str | None:
    """What is wrong with the name of a row, or None."""
    if name == "load":
        return "row name 'load' is the phase's own item; choose another"
    return _slug("row", name)


def environment_name(name: str) -> str | None:
    """What is wrong with the name of an environment, or None."""
    return _slug("environment", name)


def feeder_name(name: str) -> str | None:
    """What is wrong with the name of a feeder, or None."""
    return _slug("feeder", name)


def _slug(what: str, name: str) -> str | None:
    if (too_long := _too_long(what, name)) is not None:
        return too_long
    if _SLUG.fullmatch(name):
        return None
    return f"{what} name {name!r} must be of lower-case letters, digits, - and _, and begin with a letter or digit"


def _too_long(what: str, name: str) -> str | None:
    size = len(name.encode("utf-8", "replace"))
    if size <= LONGEST:
        return None
    return f"{what} name {name[:20]!r}… has {size} bytes, and names files too; {LONGEST} are allowed"

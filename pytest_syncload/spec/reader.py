"""Reads slo.yaml: text → nodes → variables → models → `Spec`, and every problem on the way at once.

No value of a `${VAR}` is ever in a message: where one stands, the message says what the place takes and shows the
text as the file has it. Raises `SpecError` for whatever a file can do wrong, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pytest_syncload.facts import units
from pytest_syncload.facts.errors import Problem, SpecError
from pytest_syncload.facts.plan import Environment, Phase, RequestTemplate, SandboxSettings, Scale, Slo, Spec
from pytest_syncload.spec import (
    convert,
    environment_schema,
    fields,
    fleet_schema,
    idempotency_check,
    names,
    phase_schema,
    reasons,
    request_check,
    request_schema,
    row_schema,
    scale_schema,
    schema,
)
from pytest_syncload.spec.abort_rule import too_long
from pytest_syncload.spec.breakable import unbreakable
from pytest_syncload.spec.engine_check import beyond_k6
from pytest_syncload.spec.nodes import Document, NotReadable, Path, load
from pytest_syncload.spec.substitute import digest, has_variable, needless, substitute

# A plan is some kilobytes. The bound keeps a wrong path (a log, a disk image) from being parsed for minutes.
MAX_BYTES = 256 * 1024
#: What is longer than any sentence of ours was a long value, and its beginning tells which.
LONGEST_MESSAGE = 600

_SANDBOX = "sandbox"
#: Firebase's own name for it (Firebase: "Connect your app to the Authentication Emulator").
EMULATOR_VARIABLE = "FIREBASE_AUTH_EMULATOR_HOST"
#: Which texts below firebase: are secrets: a service account may be a path, or all of its file.
_SECRET: Mapping[str, Callable[[str], bool]] = {
    "password": bool,
    "service_account": lambda text: text.lstrip().startswith("{"),
}
_Model = TypeVar("_Model", bound=BaseModel)


def read(
    path: FilePath,
    *,
    environment: str | Environment | None,
    environ: Mapping[str, str],
    shown_as: str = "slo.yaml",
) -> Spec:
    """The plan in ``path``, for ``environment``; None chooses the sandbox.

    An `Environment` is where an earlier run went: only the resources that the file lists of it now are taken from the
    file, and variables that only load needs (of the environments and the request) need not be set.
    ``environ`` fills `${VAR}`; ``shown_as`` is the file's name in messages.

    Raises:
        SpecError: with every problem of the file.
    """
    try:
        document = load(_text(path))
    except NotReadable as error:
        # Raised below, outside this block, so that no cause is chained to a message for a person.
        problem = Problem(shown_as, error.line, str(error))
    else:
        reading = _Reading(path, document, shown_as)
        spec = reading.spec(environment, environ)
        if spec is None or reading.problems:
            raise SpecError(reading.problems)
        return spec
    raise SpecError([problem])


def _text(path: FilePath) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotReadable(1, f"cannot be read: {error.strerror or error}; check the path and its permissions") from None
    if len(content) > MAX_BYTES:
        raise NotReadable(1, f"is larger than {MAX_BYTES // 1024} KiB; this is not a plan")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotReadable(line, "is not UTF-8 text; save it as UTF-8") from None


class _Reading:
    """One reading of one file."""

    def __init__(self, path: FilePath, document: Document, shown_as: str) -> None:
        self._path = path
        self._document = document
        self._shown_as = shown_as
        self._value = document.value
        self._told: dict[tuple[int, str], Problem] = {}
        self._timeout_s = schema.LoadModel().timeout
        self._environ: Mapping[str, str] = {}

    @property
    def problems(self) -> list[Problem]:
        """All that was found wrong so far."""
        found = {Problem(self._shown_as, line, what) for line, what in self._document.problems}
        return [*found, *self._told.values()]

    def spec(self, environment: str | Environment | None, environ: Mapping[str, str]) -> Spec | None:
        """The whole plan, or None where `problems` says why there is none."""
        if not isinstance(self._value, dict):
            empty = "is empty" if self._value is None else "is not a mapping"
            self._problem((), f"{empty}; a plan begins with service:, request: and phases:")
            return None
        self._environ = environ
        environments = self._value.get("environments", {})
        environments = environments if isinstance(environments, dict) else {}
        earlier = environment if isinstance(environment, Environment) else None
        chosen = self._choose(environments, environment) if not isinstance(environment, Environment) else None
        self._value, missing, filled_in = substitute(self._value, environ, skip=needless(chosen, earlier))
        for path, what in missing:
            self._problem(path, what, at=path)

        file = self._piece(schema.FileModel, ())
        # Read from the raw values, so that a mistake beside them hides none inside them.
        targets = {name: self._environment(name) for name in environments}
        settings = self._piece(schema.LoadModel, ("load",)) if "load" in self._value else schema.LoadModel()
        dask = self._dask()
        secrets = {value for path, value in filled_in if path[0] == "request"}
        taken_for_placeholders = dict(request_check.from_variables(filled_in))
        for path, what in taken_for_placeholders.items():
            self._problem(path, what, at=path)
        feeders = self._feeders()
        template = self._request(feeders, secrets, taken_for_placeholders)
        if settings is not None:
            self._timeout_s = settings.timeout
        limit = self._limit(chosen)
        phases = self._phases(limit)
        scale = self._scale()
        if "scale" not in self._value:
            for path, what in scale_schema.without_scale(phases):
                self._problem(path, what, at=path)
        if template is not None:
            for path, what in idempotency_check.of_the_rows(template, phases, self._at(("phases",)), limit):
                self._problem(path, what, at=path)
        if settings is not None:
            for path, what in beyond_k6(settings, template, phases, has_fleet=dask is not None):
                self._problem(path, what, at=path)
        if chosen == _SANDBOX:
            line = self._document.line(("environments",))
            targets.setdefault(_SANDBOX, Environment(name=_SANDBOX, line=line, sandbox=SandboxSettings()))
        target = targets.get(chosen or "")
        if earlier is not None:
            target = self._as_listed_now(earlier)
        if earlier is not None and template is None:
            template = RequestTemplate()  # its variables may be unset: nothing is sent
        if file is None or target is None or settings is None or template is None or self.problems:
            return None
        return Spec(
            file=self._path,
            service=file.service,
            environment=target,
            load=convert.load_settings(settings, dask),
            request=template,
            phases=phases,
            items=file.items,
            request_digest=self._request_digest(feeders),
            scale=scale,
        )

    def _dask(self) -> fleet_schema.DaskModel | None:
        if not isinstance(self._at(("load", "generators")), dict):
            return None
        fleet = self._piece(fleet_schema.FleetModel, ("load", "generators"))
        return None if fleet is None else fleet.dask

    def _scale(self) -> Scale | None:
        model = self._piece(scale_schema.ScaleModel, ("scale",)) if "scale" in self._value else None
        return None if model is None else convert.scale(self._document.line(("scale",)), model)

    def _feeders(self) -> dict[str, request_check.Found]:
        """Every feeder by its name, also those that cannot be used."""
        named = self._at(("request", "feeders"))
        return {name: self._feeder(name) for name in named} if isinstance(named, dict) else {}

    def _feeder(self, name: str) -> request_check.Found:
        path: Path = ("request", "feeders", name)
        self._name(path, names.feeder_name(name))
        model = self._piece(request_schema.FeederModel, path)
        if model is None:
            return request_check.Found()
        found = request_check.feeder(name, model, self._written(path), self._path.parent)
        for problem in found.problems:
            self._told.setdefault((problem.line, str(problem)), problem)
        if found.what is not None:
            key, what = found.what
            self._problem((*path, key), what, at=(*path, key))
        return found

    def _request(
        self, feeders: Mapping[str, request_check.Found], secrets: set[str], told: Collection[Path]
    ) -> RequestTemplate | None:
        """``told`` are the places where something was found wrong already."""
        if "request" not in self._value:
            return None
        request = self._piece(request_schema.RequestModel, ("request",))
        if request is None:
            return None
        for below, what in request_check.mistakes(request, self._written(("request",)), feeders):
            path: Path = ("request", *below)
            if path not in told:
                self._problem(path, what, at=path)
        made = convert.request_template(request, [each.feeder for each in feeders.values() if each.feeder], secrets)
        for below, what in idempotency_check.of_the_request(made):
            self._problem(("request", *below), what, at=("request", *below))
        return made

    def _request_digest(self, feeders: Mapping[str, request_check.Found]) -> str:
        """Of the request as it is written, and of what stands in the files that it draws from."""
        text = self._written(("request",))
        if not feeders:
            return digest(text)
        return digest([text, {name: each.feeder and each.feeder.digest for name, each in feeders.items()}])

    def _choose(self, environments: Mapping[str, Any], wanted: str | None) -> str | None:
        """The environment's name: as asked for, else the sandbox's, if there is one to choose."""
        known = [*environments, *([] if _SANDBOX in environments else [_SANDBOX])]
        if wanted is not None:
            if wanted in known:
                return wanted
            near = reasons.nearest(wanted, known)
            every = "" if near.startswith("known") else f" known: {', '.join(known)}"
            self._problem(("environments",), f"no environment {wanted!r}; {near}{every}")
            return None
        sandboxes = [name for name, value in environments.items() if isinstance(value, dict) and "sandbox" in value]
        if _SANDBOX in sandboxes or (not sandboxes and _SANDBOX not in environments):
            return _SANDBOX
        if len(sandboxes) == 1:
            return sandboxes[0]
        why = "none has sandbox:" if not sandboxes else f"several have sandbox: ({', '.join(sandboxes)})"
        self._problem(
            ("environments",),
            f"no environment is the default, because {why}; choose one with --syncload-env: {', '.join(known)}",
        )
        return None

    def _as_listed_now(self, earlier: Environment) -> Environment:
        """The environment of an earlier run, with the resources that the file lists of it by now."""
        path: Path = ("environments", earlier.name, "resources")
        listed = self._piece(environment_schema.ResourcesModel, path) if self._at(path) is not None else None
        return earlier if listed is None else replace(earlier, resources=convert.resources(listed))

    def _environment(self, name: str) -> Environment | None:
        path: Path = ("environments", name)
        self._name(path, names.environment_name(name))
        value = self._at(path)
        if isinstance(value, dict) and "sandbox" in value:
            sandbox = self._piece(environment_schema.SandboxEnvironmentModel, path)
            if sandbox is None:
                return None
            return convert.sandbox(name, partial(self._line_below, path), sandbox, folder=self._path.parent)
        real = self._piece(environment_schema.RealEnvironmentModel, path)
        host = self._emulator_host((*path, "firebase"))
        if real is None:
            return None
        line_of = partial(self._line_below, path)
        return convert.real(name, line_of, real, folder=self._path.parent, emulator_host=host)

    def _line_below(self, path: Path, *below: str | int) -> int:
        return self._document.line((*path, *below))

    def _emulator_host(self, path: Path) -> str | None:
        """Firebase's own variable, where the environment has a Firebase; and what is secret must be in variables."""
        firebase = self._written(path)
        if not isinstance(firebase, dict):
            return None
        for key, is_secret in _SECRET.items():
            written = firebase.get(key)
            if isinstance(written, str) and is_secret(written) and not has_variable(written):
                what = "is a secret, and this file is no place for one; write it as a variable: ${NAME}"
                self._problem((*path, key), what, at=(*path, key))
        host = self._environ.get(EMULATOR_VARIABLE) or None
        if host is not None and not fields.is_host_port(host):
            self._problem(path, f"{EMULATOR_VARIABLE} is not a host and port such as '127.0.0.1:9099'", at=path)
        return host

    def _limit(self, chosen: str | None) -> phase_schema.Limit | None:
        """What phases may ask for, read leniently: other mistakes in the environment are reported elsewhere."""
        rate = self._at(("environments", chosen or "", "max_rate"))
        scale = self._at(("environments", chosen or "", "sandbox", "rate_scale"))
        try:
            limit = units.parse_rate_per_s(rate if isinstance(rate, str) else "")
        except units.UnitError:
            return None
        plain = isinstance(scale, (int, float)) and not isinstance(scale, bool) and scale > 0
        return phase_schema.Limit(
            environment=chosen or "",
            max_rate=limit,
            rate_scale=float(scale) if plain else 1.0,
            shown=str(self._written(("environments", chosen or "", "max_rate"))),
        )

    def _phases(self, limit: phase_schema.Limit | None) -> tuple[Phase, ...]:
        phases = self._at(("phases",))
        if not isinstance(phases, dict):
            return ()
        if not phases:
            self._problem(("phases",), "there is none, so nothing would be proven; add one", at=("phases",))
        read = [self._phase(name, value, limit) for name, value in phases.items()]
        return tuple(phase for phase in read if phase is not None)

    def _phase(self, name: str, value: Any, limit: phase_schema.Limit | None) -> Phase | None:
        path: Path = ("phases", name)
        self._name(path, names.phase_name(name))
        rows = self._rows(name)
        climbs = isinstance(value, dict) and "climb" in value
        model: type[phase_schema.ClimbPhaseModel | phase_schema.HoldPhaseModel]
        model = phase_schema.ClimbPhaseModel if climbs else phase_schema.HoldPhaseModel
        phase = self._piece(model, path, limit)
        if phase is None:
            return None
        self._fit(path, rows, phase)
        self._may_break(path, rows)
        if (what := too_long(phase.abort, phase.load_s)) is not None:
            self._problem((*path, "abort"), what, at=(*path, "abort"))
        return convert.phase(name, partial(self._line_below, path), rows, phase)

    def _fit(
        self, path: Path, rows: tuple[Slo, ...], phase: phase_schema.HoldPhaseModel | phase_schema.ClimbPhaseModel
    ) -> None:
        is_climb = isinstance(phase, phase_schema.ClimbPhaseModel)
        for row in rows:
            at = (*path, "slos", row.name)
            for key, what in row_schema.misfits(row, phase.judged_s, is_climb=is_climb):
                self._problem((*at, key), what, at=(*at, key))

    def _may_break(self, phase: Path, rows: tuple[Slo, ...]) -> None:
        for row in rows:
            if (what := unbreakable(row, self._timeout_s)) is not None:
                path = (*phase, "slos", row.name, "target")
                says = f"{what}, so nothing breaks {row.target.text!r}; are number, unit and sign right?"
                self._problem(path, says, at=path)

    def _rows(self, phase: str) -> tuple[Slo, ...]:
        path: Path = ("phases", phase, "slos")
        rows = self._at(path)
        if (what := without_rows(rows)) is not None:
            self._problem(path, what, at=path)
        read = [self._row(phase, name, value) for name, value in rows.items()] if isinstance(rows, dict) else []
        return tuple(row for row in read if row is not None)

    def _row(self, phase: str, name: str, value: Any) -> Slo | None:
        path: Path = ("phases", phase, "slos", name)
        line = self._document.line(path)
        self._name(path, names.row_name(name))
        if isinstance(value, dict) and "query" in value:
            raw = self._piece(row_schema.RawRowModel, path)
            return None if raw is None else convert.raw_row(phase, name, line, raw)
        row = self._piece(row_schema.PresetRowModel, path)
        return None if row is None else convert.preset_row(phase, name, line, row)

    def _piece(self, model: type[_Model], path: Path, limit: phase_schema.Limit | None = None) -> _Model | None:
        try:
            return strictly(model, self._at(path), limit)
        except ValidationError as error:
            details = error.errors(include_url=False)
        for detail in details:
            self._refused(model, path, detail)
        return None

    def _refused(self, model: type[BaseModel], path: Path, detail: ErrorDetails) -> None:
        below: Path = detail["loc"]
        # pydantic marks a refused key of a mapping so; the key itself is what is wrong then, not its value.
        key_refused = below[-1:] == ("[key]",) and self._at((*path, *below)) is None
        below = below[:-1] if key_refused else below
        full = (*path, *below)
        match detail["type"]:
            case "extra_forbidden":
                near = reasons.nearest(str(below[-1]), reasons.known_keys(model, below[:-1]))
                self._problem(full, f"unknown key {str(below[-1])!r}; {near}", at=full[:-1])
            case "missing":
                self._problem(full, f"{below[-1]} is missing; add it", at=full[:-1])
            case _:
                what, takes = reasons.reason(detail)
                written = self._written(full)
                if has_variable(written) and not key_refused:
                    if self._at(full) == written:
                        return  # Not filled in: another environment's, or reported as missing already.
                    what = f"{written!r} does not fit here with its variables filled in; this takes {takes}"
                self._problem(full, what, at=full)

    def _at(self, path: Path) -> Any:
        return _below(self._value, path)

    def _written(self, path: Path) -> Any:
        return _below(self._document.value, path)

    def _name(self, path: Path, what: str | None) -> None:
        if what is not None:
            self._problem(path, what)

    def _problem(self, path: Path, what: str, *, at: Path = ()) -> None:
        """Note ``what``, led by the dotted path ``at``, on the line of ``path``."""
        place = self._document.place(path)
        shown = what if len(what) <= LONGEST_MESSAGE else f"{what[:LONGEST_MESSAGE]}…"
        # By an alias one mistake stands at many paths; it is told once.
        self._told.setdefault((place.offset, what), Problem(self._shown_as, place.line, f"{_dotted(at)}{shown}"))


def strictly(model: type[_Model], value: Any, limit: phase_schema.Limit | None) -> _Model:
    """``value`` as the model has it. Raises `ValidationError`, also for each key that the model does not know."""
    return model.model_validate(value, context=limit)


def without_rows(rows: Any) -> str | None:
    """Whether a phase has no row, so that nothing of it is judged."""
    return "a phase without rows proves nothing; add one" if rows == {} else None


def _below(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part]
        else:
            return None
    return value


def _dotted(path: Path) -> str:
    """The path as a prefix of a message: ``phases.peak.hold: ``, and nothing for the file itself."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:] + ": " if path else ""

"""Command lines as the documents write them, against the programs, scripts, targets and options that there are."""

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import yaml

from service.cli import COMMANDS, load
from tests.documents.blocks import ROOT
from tests.documents.wire import Example, check, parsed

OTHERS = {
    "dot": "of Graphviz",
    "echo": "of the shell",
    "export": "of the shell",
    "jq": "a program of its own",
    "openssl": "a program of its own",
    "pg_dump": "of PostgreSQL",
    "ray": "of Ray",
    "sqlite3": "of SQLite",
    "git": "a program of its own",
}
"""Programs whose options are not this repository's to check."""

READERS = ("my_trainer.py",)
"""Scripts that readers are to have."""

_SUBSTITUTED = re.compile(r"\$\(([^)]*)\)")
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_EXTRAS = re.compile(r"(\./client|svge-client|svge-search|\.)\[([a-z,-]+)\]")


def commands_of(line: str) -> Iterator[list[str]]:
    """The simple commands of a line of shell, without what is set before them and where their output goes."""
    for inner in _SUBSTITUTED.findall(line):
        yield from commands_of(inner)
    lexer = shlex.shlex(_SUBSTITUTED.sub("substituted", line), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    command: list[str] = []
    words = iter(lexer)
    for word in words:
        if word in ("|", "||", "&&", ";", "&"):
            yield command
            command = []
        elif word in (">", ">>", "<"):
            next(words)
        elif command or not _ASSIGNMENT.match(word):
            command.append(word)
    if command:
        yield command


def check_command(words: list[str], answer: str | None = None, is_whole: bool = True) -> None:
    """Raises what tells that it is not as the documents say. In a sentence a command need not be whole."""
    program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "curl":
        check(request_of(arguments, answer))
    elif program == "svge":
        check_svge(arguments, is_whole)
    elif program in _CHECKS:
        _CHECKS[program](arguments)
    else:
        assert program in OTHERS, f"nothing checks '{program}'; name it in OTHERS if it is not this repository's"


def check_svge(arguments: list[str], is_whole: bool) -> None:
    """The command's own parser takes the arguments; where they are not whole, it has the options."""
    options = [word for word in arguments if word.startswith("-")]
    if not arguments or options == arguments:
        assert set(options) <= {"--help", "--install-completion"}, f"svge has no {options}"
        return
    assert arguments[0] in COMMANDS, f"svge has no command '{arguments[0]}'"
    command, rest = load(arguments[0]), arguments[1:]
    while hasattr(command, "commands") and rest:
        assert rest[0] in command.commands, f"'{command.name}' has no command '{rest[0]}'"
        command, rest = command.commands[rest[0]], rest[1:]
    if is_whole:
        command.make_context(command.name, rest)
        return
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    unknown = {option.partition("=")[0] for option in rest if re.match(r"--?[a-z]", option)} - known
    assert not unknown, f"svge {' '.join(arguments)}: there is no {sorted(unknown)}"


def request_of(arguments: list[str], answer: str | None) -> Example:
    """The request that curl makes of its arguments."""
    words, headers, target, data, method = iter(arguments), dict[str, str](), "", None, "GET"
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(":")
            headers[name.lower()] = value.strip()
        elif word in ("-d", "--data-binary"):
            method, data = "POST", next(words)
        elif word == "-T":
            method = "PUT"
            next(words)
        elif word != "-s":
            assert not word.startswith("-"), f"what does curl {word} do?"
            target = re.sub(r"^(http://)?(localhost|127\.0\.0\.1):8000", "", word)
    body = None if data is None or data.startswith("@") else parsed(data)[0]
    told = None if answer is None else parsed(answer)[0]
    return Example(method, target, body, told, headers.get("accept"), headers.get("content-type"))


def _python(arguments: list[str]) -> None:
    if arguments[:1] == ["-m"]:
        spec = find_spec(arguments[1])
        assert spec is not None, f"there is no module {arguments[1]}"
        assert spec.origin is not None
        path, rest = Path(spec.origin), arguments[2:]
    else:
        path, rest = ROOT / arguments[0], arguments[1:]
        if arguments[0] in READERS:
            return
    source = path.read_text(encoding="utf-8")
    missing = [word for word in rest if word.startswith("--") and f'"{word.partition("=")[0]}"' not in source]
    assert not missing, f"{path.name} has no {missing}"


def _make(arguments: list[str]) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(arguments) <= set(targets)


def _pip(arguments: list[str]) -> None:
    for folder, extras in (match.groups() for word in arguments for match in _EXTRAS.finditer(word)):
        file = ROOT / ("client" if "client" in folder else "") / "pyproject.toml"
        there = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        assert set(extras.split(",")) <= set(there), f"{file} has no extra {extras}"


def _docker(arguments: list[str]) -> None:
    if arguments[0] == "build":
        given = dict(zip(arguments, arguments[1:], strict=False))
        stages = re.findall(r"^FROM \S+ AS (\S+)", (ROOT / given["-f"]).read_text(encoding="utf-8"), re.MULTILINE)
        assert given.get("--target", stages[-1]) in stages
    elif arguments[0] == "run" and "svge-search" in arguments:
        check_svge(arguments[arguments.index("svge-search") + 1 :] or ["serve"], is_whole=True)
    elif arguments[0] == "compose":
        _compose(arguments[1:])


def _compose(arguments: list[str]) -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    if arguments[0] == "--profile":
        assert arguments[1] in {profile for service in services.values() for profile in service.get("profiles", [])}
        arguments = arguments[2:]
    verb, words = arguments[0], [word for word in arguments[1:] if not word.startswith("-") and "=" not in word]
    assert set(words[:1]) <= set(services), f"docker-compose.yml has no service {words[:1]}"
    if verb == "run" and words:
        check_svge(arguments[arguments.index(words[0]) + 1 :], is_whole=True)


def _kubectl(arguments: list[str]) -> None:
    if "--" in arguments:
        check_command(arguments[arguments.index("--") + 1 :])
    if arguments[0] in ("apply", "kustomize"):
        assert (ROOT / arguments[-1] / "kustomization.yaml").is_file()
    if arguments[0] == "create":
        assert f"name: {arguments[3]}" in (ROOT / "kubernetes" / "base" / "api.yaml").read_text(encoding="utf-8")


_CHECKS: dict[str, Callable[[list[str]], None]] = {
    "python": _python,
    "make": _make,
    "pip": _pip,
    "docker": _docker,
    "kubectl": _kubectl,
}
PROGRAMS = ("curl", "svge", *_CHECKS, *OTHERS)

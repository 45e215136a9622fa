"""The command line: arguments to settings to one command."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from bot.errors import MadoguchiError, UsageError
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.retrieval.index import Index

_INTERRUPTED = 130  # as a shell reports an end by Ctrl-C
_Command = Callable[[argparse.Namespace, Settings], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status (0 done, 1 failed, 2 wrong use)."""
    for stream in filter(None, (sys.stdin, sys.stdout, sys.stderr)):  # None where it is closed
        # What is no UTF-8, or cannot be written in it, shall not end the program; what Windows
        # puts before a text is no part of it.
        encoding = "utf-8-sig" if stream is sys.stdin else "utf-8"
        stream.reconfigure(encoding=encoding, errors="replace")
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.read(os.environ, knowledge=options.knowledge)
        command: _Command = options.command
        return command(options, settings)
    except MadoguchiError as error:
        print(f"madoguchi: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # with that, whoever read the output has gone
            print(f"madoguchi: {error}", file=sys.stderr)
        # What is still buffered must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="madoguchi",
        description="Answers questions about an organisation's own document, word for word.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, command: _Command, help_: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_, description=help_, allow_abbrev=False)
        added.add_argument("--knowledge", metavar="DIR", help="the folder to answer from")
        added.set_defaults(command=command)
        return added

    ask = add("ask", _ask, "answer one question, or one a line from standard input")
    ask.add_argument("question", nargs="?", metavar="QUESTION")
    ask.add_argument("--json", action="store_true", help="print each reply as one line of JSON")
    ask.add_argument("--division", metavar="ID", help="answer from this division alone")
    ask.add_argument("--explain", action="store_true", help="show what the reply rests on")
    console = add("console", _console, "chat in this terminal")
    console.add_argument("--json", action="store_true", help="one reply a line as JSON, no prompt")
    add("discord", _discord, "run the Discord bot; DISCORD_TOKEN is its token")
    add("check", _check, "check a knowledge folder: every mistake with file, line and remedy")
    add("index", _index, "build the index now, and say where it lies")
    evaluate = add("eval", _eval, "ask every question of a file and print how many were right")
    evaluate.add_argument("file", metavar="FILE")
    evaluate.add_argument("--show", action="store_true", help="list what went wrong as well")
    evaluate.add_argument("--ablation", action="store_true", help="also without each part in turn")
    add("fit", _fit, "fit ranking and confidence to the log of questions in the knowledge")
    return parser


def _ask(options: argparse.Namespace, settings: Settings) -> int:
    from bot.assistant import Assistant
    from bot.conversation import Conversation

    assistant = Assistant(_opened(settings))
    try:
        if options.division is not None:
            assistant.catalogue.division(options.division)
    except KeyError:
        known = ", ".join(division.names.id for division in assistant.index.divisions)
        raise UsageError(
            f"--division: there is no division {options.division}; there are {known}"
        ) from None
    questions = _lines(sys.stdin) if options.question is None else [options.question]
    for question in questions:
        reply = assistant.reply(Conversation(), question, division=options.division).reply
        print(reply.to_json() if options.json else reply.text, flush=True)
        if options.explain:
            from bot.quality.explain import explain

            print(*explain(assistant, question, options.division), sep="\n", file=sys.stderr)
    return 0


def _console(options: argparse.Namespace, settings: Settings) -> int:
    from bot.assistant import Assistant
    from bot.console import chat

    assistant = Assistant(_opened(settings))
    chat(assistant, as_json=options.json)
    return 0


def _discord(options: argparse.Namespace, settings: Settings) -> int:
    # A service starts often enough for this to count: numpy starts one thread instead of one per
    # core, and nothing that is being loaded is looked through for garbage (until all is there).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()
    from bot.chat.serving import serve

    del options
    serve(settings)
    return 0


def _check(options: argparse.Namespace, settings: Settings) -> int:
    from bot.document.load import load

    document = load(settings.knowledge)
    sections = sum(len(division.sections) for division in document.divisions)
    count = f"{len(document.divisions)} divisions, {sections} sections"
    print(f"{settings.knowledge}: {count}: no mistake")
    return 0


def _index(options: argparse.Namespace, settings: Settings) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from bot.retrieval.cache import index_path, open_index

    del options
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def progress(done: int, total: int, before: int) -> None:
            name = f"analysing ({before} known from before)" if before else "analysing"
            bar.update(task, completed=done, total=total, description=name)

        index = open_index(settings.knowledge, settings.cache, _warn, progress)
    path = index_path(settings.knowledge, settings.cache)
    if not path.exists():  # and the warning has said why
        return 1
    print(f"{path}: {len(index.divisions)} divisions, {index.size} sections")
    return 0


def _eval(options: argparse.Namespace, settings: Settings) -> int:
    from pathlib import Path

    from bot.document.load import load, load_log
    from bot.quality.report import report

    log = load_log(Path(options.file))
    for line in report(load(settings.knowledge), log, show=options.show, ablation=options.ablation):
        print(line, flush=True)
    return 0


def _fit(options: argparse.Namespace, settings: Settings) -> int:
    import yaml

    from bot.document.folder import weights_file
    from bot.document.load import load
    from bot.quality.fit import fit

    weights = fit(load(settings.knowledge))
    path = weights_file(settings.knowledge)
    head = "# Fitted by `madoguchi fit`: what each feature weighs in each model.\n"
    path.write_text(head + yaml.safe_dump(weights, sort_keys=False), encoding="utf-8")
    print(f"{path}: written")
    return 0


def _opened(settings: Settings) -> Index:
    from bot.retrieval.cache import open_index

    return open_index(settings.knowledge, settings.cache, _warn, cluster=settings.cluster)


def _lines(stream: TextIO | None) -> Iterable[str]:
    return (line.rstrip("\r\n") for line in stream or ())


def _warn(problem: str) -> None:
    print(f"madoguchi: {problem}", file=sys.stderr)

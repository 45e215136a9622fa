"""The local chat: one conversation, in a terminal or line by line through pipes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.assistant import Assistant
from bot.conversation import Conversation
from bot.reply import Reply
from bot.text import normalize
from bot.wording import MARK, Wording, language, title

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History

_STYLES = {
    "division": "bold ansicyan",
    "section": "ansicyan",
    "sentence": "bold",
    "certainty": "ansigreen",
    "number": "ansiyellow",
    "prompt": "bold ansicyan",
}


def chat(assistant: Assistant, *, as_json: bool) -> None:
    """Hold one conversation until /quit or the end of input.

    With ``as_json``, or where standard input or output is no terminal, every line in is a turn
    and every turn one reply, without prompt or colour.
    """
    if as_json or not all(stream and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        _chat_by_line(_Chat(assistant), as_json=as_json)
    else:
        _chat_in_terminal(_Chat(assistant, _speak(os.environ)))


class _Chat:
    """A conversation and the language it is held in: that of what was last said in words."""

    def __init__(self, assistant: Assistant, speak: str = "ja") -> None:
        self._assistant = assistant
        self._conversation = Conversation()
        self._speak = speak

    @property
    def assistant(self) -> Assistant:
        """Who answers."""
        return self._assistant

    @property
    def wording(self) -> Wording:
        """The bot's words in the language of the conversation."""
        return self._assistant.wording(self._speak)

    @property
    def choices(self) -> int:
        """How many numbers may be typed to choose."""
        return len(self._conversation.choices)

    def turn(self, line: str) -> Reply | None:
        """The reply to a line; None where the line ends the conversation."""
        command = normalize(line).startswith("/")  # a full-width slash too
        words = "".join(line.split(maxsplit=1)[1:]) if command else line
        if any(character.isalpha() for character in words):
            self._speak = language(words)
        if not command:
            turn = self._assistant.reply(self._conversation, line, speak=self._speak)
        elif normalize(line) == "/quit":
            return None
        else:
            turn = self._assistant.command(self._conversation, line, speak=self._speak)
        self._conversation = turn.conversation
        if normalize(line) == "/help":
            text = f"{turn.reply.text}\n\n{self.wording.phrase('quit')}"
            return replace(turn.reply, text=text)
        return turn.reply


def _chat_by_line(conversation: _Chat, *, as_json: bool) -> None:
    for line in sys.stdin or ():
        reply = conversation.turn(line.rstrip("\r\n"))
        if reply is None:
            return
        print(reply.to_json() if as_json else reply.text, flush=True)


def _chat_in_terminal(conversation: _Chat) -> None:
    coloured = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    session = _session(conversation.assistant)
    wording = conversation.wording
    print(wording.introduction(), wording.phrase("start"), wording.phrase("quit"), sep="\n")
    while True:
        print()
        try:
            line = session.prompt([("class:prompt" if coloured else "", "> ")])
        except KeyboardInterrupt:
            if session.default_buffer.text:  # Ctrl-C clears the line; a clear one it ends
                continue
            return
        except EOFError:
            return
        if not line.strip():
            continue
        reply = conversation.turn(line)
        if reply is None:
            return
        _show(reply, conversation, coloured=coloured)


def _show(reply: Reply, conversation: _Chat, *, coloured: bool) -> None:
    if not coloured:
        print(reply.text)
        return
    from prompt_toolkit import print_formatted_text
    from prompt_toolkit.formatted_text import FormattedText
    from prompt_toolkit.styles import Style

    pieces = _pieces(reply.text, _parts(reply, conversation))
    print_formatted_text(FormattedText(pieces), style=Style.from_dict(_STYLES))


def _parts(reply: Reply, conversation: _Chat) -> Iterator[tuple[str, str]]:
    """What stands out in a reply, in the order of its text: (style, words)."""
    if answer := reply.answer:
        yield "division", f"【{title(answer.division)}】"
        yield "section", " › ".join([*answer.path, answer.section])
        yield "sentence", f"{MARK} {answer.sentence}"
        yield "certainty", conversation.wording.certainty(answer.confidence)
    for number in range(1, conversation.choices + 1):
        yield "number", f"\n  {number}. "


def _pieces(text: str, parts: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The text cut up for colouring; joined the pieces are the text."""
    for style, part in parts:
        before, found, after = text.partition(part)
        if found:
            yield "", before
            yield f"class:{style}", part
            text = after
    yield "", text


def _session(assistant: Assistant) -> PromptSession[str]:
    # Imported here: through pipes nothing of it is needed.
    from prompt_toolkit import PromptSession
    from prompt_toolkit.styles import Style

    return PromptSession(
        history=_history(),
        completer=_completer(assistant),
        complete_while_typing=True,
        style=Style.from_dict(_STYLES),
    )


def _completer(assistant: Assistant) -> Completer:
    """Completes commands and divisions, by name and by id, beside each what it is."""
    from prompt_toolkit.completion import WordCompleter

    meant = dict.fromkeys(["/help", "/divisions", "/new", "/quit"], "")
    for division in assistant.index.divisions:
        names = division.names
        meant[f"/{names.name}"] = names.name_en or names.id
        meant[f"/{names.id}"] = names.name
        meant |= dict.fromkeys((f"/{alias}" for alias in division.aliases), names.name)
    return WordCompleter([*meant], meta_dict=meant, ignore_case=True, sentence=True)


def _history() -> History:
    """What was typed before; of this conversation alone where it cannot be kept."""
    from platformdirs import user_state_path
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    path = user_state_path("madoguchi", appauthor=False) / "console-history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # nobody else's business
        with path.open("a+b"):
            return FileHistory(path)
    except OSError:
        return InMemoryHistory()


def _speak(environment: Mapping[str, str]) -> str:
    """The language to begin in: English where the terminal speaks neither Japanese nor nothing."""
    variables = ("LC_ALL", "LC_MESSAGES", "LANG")
    named = next(filter(None, (environment.get(each) for each in variables)), "C")
    return "ja" if named.partition(".")[0] in ("C", "POSIX") or named.startswith("ja") else "en"

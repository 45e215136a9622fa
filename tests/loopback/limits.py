"""Discord's limits, as its documentation states them: what is wrong with a payload, in words."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Payload = Mapping[str, Any]

EPHEMERAL, COMPONENTS_V2 = 1 << 6, 1 << 15
ROW, BUTTON, STRING_SELECT, TEXT_INPUT, SECTION, TEXT, THUMBNAIL = 1, 2, 3, 4, 9, 10, 11
GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 12, 13, 14, 17, 18
_INSIDE_CONTAINER = {ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR}
_LINK, _PREMIUM = 5, 6
_EMBED_TEXTS = {"title": 256, "description": 4096}


def message_problems(message: Payload) -> Iterator[str]:
    """What is wrong with a message as it would stand after this request."""
    content, embeds = message.get("content") or "", message.get("embeds") or []
    components = message.get("components") or []
    yield from _at_most("content", content, 2000)
    yield from _embeds(embeds)
    if (message.get("flags") or 0) & COMPONENTS_V2:
        if content or embeds:
            yield "content or embeds beside Components V2"
        yield from _layout(components)
    else:
        yield from _rows(components)
    yield from _every_component(components)
    if not (content or embeds or components or message.get("attachments") or message.get("poll")):
        yield "an empty message"


def ping_problems(payload: Payload) -> Iterator[str]:
    """Whom a message might ping; the author of the message replied to does not count."""
    allowed = payload.get("allowed_mentions")
    if allowed is None:
        yield "no allowed_mentions: whoever is named in the text is pinged"
    elif any(allowed.get(key) for key in ("parse", "users", "roles")):
        yield f"allowed_mentions lets {dict(allowed)} be pinged"


def plain_text(message: Payload) -> str:
    """All that a person reads in a message: content, embeds, text displays."""
    parts = [message.get("content") or ""]
    for embed in message.get("embeds") or []:
        parts += [embed.get("title") or "", embed.get("description") or ""]
        for field in embed.get("fields") or []:
            parts += [field["name"], field["value"]]
        parts += [(embed.get(key) or {}).get(name, "") for key, name in _EMBED_NAMES]
    parts += [each["content"] for each in walk(message.get("components")) if each["type"] == TEXT]
    return "\n".join(part for part in parts if part)


def walk(components: Iterable[Payload] | None) -> Iterator[Payload]:
    """Every component, the nested ones too."""
    for component in components or ():
        yield component
        yield from walk(component.get("components"))
        for single in ("accessory", "component"):
            if component.get(single):
                yield from walk([component[single]])


def command_problems(commands: Iterable[Payload]) -> Iterator[str]:
    """What is wrong with a set of application commands that is registered as a whole."""
    commands = list(commands)
    for type_, most in ((1, 100), (2, 15), (3, 15)):
        of_type = [each for each in commands if each.get("type", 1) == type_]
        if len(of_type) > most:
            yield f"{len(of_type)} commands of type {type_}; {most} have room"
        for locale in (None, *{key for each in of_type for key in _localized(each, "name")}):
            names = [_localized(each, "name").get(locale, each["name"]) for each in of_type]
            yield from (f"two commands are named {name} ({locale})" for name in _twice(names))
    for command in commands:
        yield from (f"/{command.get('name')}: {each}" for each in _command(command))


def choice_problems(choices: Iterable[Payload]) -> Iterator[str]:
    """What is wrong with an option's choices, given or suggested."""
    choices = list(choices)
    if len(choices) > 25:
        yield f"{len(choices)} choices; 25 have room"
    for choice in choices:
        for name in (choice["name"], *_localized(choice, "name").values()):
            yield from _between("a choice's name", name, 1, 100)
        if isinstance(choice["value"], str):
            yield from _between("a choice's value", choice["value"], 0, 100)
    yield from (f"two choices are named {name}" for name in _twice(c["name"] for c in choices))


def modal_problems(modal: Payload) -> Iterator[str]:
    """What is wrong with a modal."""
    yield from _between("a modal's title", modal.get("title") or "", 1, 45)
    yield from _between("a modal's custom_id", modal.get("custom_id") or "", 1, 100)
    components = modal.get("components") or []
    if not 1 <= len(components) <= 5:
        yield f"{len(components)} components in a modal; 1 to 5 may be"
    for field in walk(components):
        if field["type"] == TEXT_INPUT:
            yield from _between("a text input's custom_id", field.get("custom_id") or "", 1, 100)
            yield from _at_most("a text input's label", field.get("label") or "", 45)
            yield from _at_most("a text input's value", field.get("value") or "", 4000)
            yield from _at_most("a text input's placeholder", field.get("placeholder") or "", 100)


_EMBED_NAMES = (("author", "name"), ("footer", "text"))


def _embeds(embeds: list[Payload]) -> Iterator[str]:
    if len(embeds) > 10:
        yield f"{len(embeds)} embeds; 10 have room"
    total = 0
    for embed in embeds:
        fields = embed.get("fields") or []
        texts = [(key, embed.get(key) or "", most) for key, most in _EMBED_TEXTS.items()]
        texts += [("author", (embed.get("author") or {}).get("name") or "", 256)]
        texts += [("footer", (embed.get("footer") or {}).get("text") or "", 2048)]
        if len(fields) > 25:
            yield f"{len(fields)} fields in an embed; 25 have room"
        for field in fields:
            if not field.get("name") or not field.get("value"):
                yield "an embed's field without name or value"
            texts += [("field name", field["name"], 256), ("field value", field["value"], 1024)]
        for key, text, most in texts:
            yield from _at_most(f"an embed's {key}", text, most)
        total += sum(len(text) for _, text, _ in texts)
    if total > 6000:
        yield f"{total} characters in a message's embeds; 6000 have room"


def _rows(components: list[Payload]) -> Iterator[str]:
    if len(components) > 5:
        yield f"{len(components)} rows; 5 have room"
    yield from (f"component {c['type']} outside a row" for c in components if c["type"] != ROW)


def _layout(components: list[Payload]) -> Iterator[str]:
    every = list(walk(components))
    if not every:
        yield "Components V2 without a component"
    if len(every) > 40:
        yield f"{len(every)} components; 40 have room"
    shown = sum(len(each["content"]) for each in every if each["type"] == TEXT)
    if shown > 4000:
        yield f"{shown} characters in text displays; 4000 have room"
    for component in components:
        if component["type"] not in {*_INSIDE_CONTAINER, CONTAINER}:
            yield f"component {component['type']} at the top"
    for container in (each for each in every if each["type"] == CONTAINER):
        for child in container["components"]:
            if child["type"] not in _INSIDE_CONTAINER:
                yield f"component {child['type']} in a container"


def _every_component(components: list[Payload]) -> Iterator[str]:
    every = list(walk(components))
    for component in every:
        check = _CHECKS.get(component["type"])
        if check is not None:
            yield from check(component)
    names = [each["custom_id"] for each in every if each.get("custom_id")]
    yield from (f"two components have the custom_id {name}" for name in _twice(names))
    numbers = [str(each["id"]) for each in every if each.get("id")]
    yield from (f"two components have the id {number}" for number in _twice(numbers))


def _row(row: Payload) -> Iterator[str]:
    types = [child["type"] for child in row["components"]]
    buttons = types.count(BUTTON)
    if not types:
        yield "an empty row"
    if buttons > 5 or (buttons != len(types) and len(types) != 1):
        yield f"a row of {types}; five buttons or one select have room"


def _button(button: Payload) -> Iterator[str]:
    yield from _at_most("a button's label", button.get("label") or "", 80)
    if button["style"] == _LINK:
        if button.get("custom_id") or not button.get("url"):
            yield "a link button needs a url and no custom_id"
        yield from _at_most("a button's url", button.get("url") or "", 512)
    elif button["style"] != _PREMIUM:
        yield from _between("a button's custom_id", button.get("custom_id") or "", 1, 100)
    if not button.get("label") and not button.get("emoji"):
        yield "a button without label and emoji"


def _select(select: Payload) -> Iterator[str]:
    yield from _between("a select's custom_id", select.get("custom_id") or "", 1, 100)
    yield from _at_most("a select's placeholder", select.get("placeholder") or "", 150)
    if select["type"] != STRING_SELECT:
        return
    options = select.get("options") or []
    if not 1 <= len(options) <= 25:
        yield f"{len(options)} options; 1 to 25 may be"
    if not (select.get("min_values", 1) <= select.get("max_values", 1) <= max(1, len(options))):
        yield "a select's min_values and max_values do not fit its options"
    for option in options:
        yield from _between("an option's label", option["label"], 1, 100)
        yield from _between("an option's value", option["value"], 1, 100)
        yield from _at_most("an option's description", option.get("description") or "", 100)
    yield from (f"two options have the value {v}" for v in _twice(o["value"] for o in options))


def _section(section: Payload) -> Iterator[str]:
    children = [child["type"] for child in section["components"]]
    if not 1 <= len(children) <= 3 or set(children) != {TEXT}:
        yield f"a section of {children}; one to three text displays may be"
    if (section.get("accessory") or {}).get("type") not in (BUTTON, THUMBNAIL):
        yield "a section without a button or thumbnail"


def _text(display: Payload) -> Iterator[str]:
    if not display.get("content", "").strip():
        yield "an empty text display"


_CHECKS = {ROW: _row, BUTTON: _button, SECTION: _section, TEXT: _text}
_CHECKS |= dict.fromkeys((3, 5, 6, 7, 8), _select)


def _command(command: Payload) -> Iterator[str]:
    chat_input = command.get("type", 1) == 1
    for name in (command["name"], *_localized(command, "name").values()):
        yield from _name(name) if chat_input else _between("name", name, 1, 32)
    yield from _descriptions(command, most=100 if chat_input else 0)
    yield from _options(command.get("options") or [])
    if (size := _size(command)) > 8000:
        yield f"{size} characters in all; 8000 have room"
    if not set(command.get("integration_types") or []) <= {0, 1}:
        yield "unknown integration_types"
    if not set(command.get("contexts") or []) <= {0, 1, 2}:
        yield "unknown contexts"


def _options(options: list[Payload]) -> Iterator[str]:
    if len(options) > 25:
        yield f"{len(options)} options; 25 have room"
    yield from (f"two options are named {n}" for n in _twice(o["name"] for o in options))
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        yield "a required option behind an optional one"
    for option in options:
        for name in (option["name"], *_localized(option, "name").values()):
            yield from _name(name)
        yield from _descriptions(option, most=100)
        yield from choice_problems(option.get("choices") or [])
        if option.get("choices") and option.get("autocomplete"):
            yield f"{option['name']}: choices and autocomplete"
        yield from _options(option.get("options") or [])


def _name(name: str) -> Iterator[str]:
    if not 1 <= len(name) <= 32 or not all(map(_may_be_in_a_name, name)):
        yield f"{name!r} is no valid name"
    if name != name.lower():
        yield f"{name!r} is not in lower case"


def _may_be_in_a_name(character: str) -> bool:
    # Letters and numbers of any script; all of Devanagari and Thai, marks included.
    return (
        character in "-_'"
        or unicodedata.category(character)[0] in "LN"
        or "\u0900" <= character <= "\u097f"
        or "\u0e00" <= character <= "\u0e7f"
    )


def _descriptions(thing: Payload, *, most: int) -> Iterator[str]:
    for text in (thing.get("description") or "", *_localized(thing, "description").values()):
        yield from _between(f"description {text!r}", text, min(1, most), most)


def _size(thing: Payload) -> int:
    """The characters that count towards a command's 8000, the longest localisation of each."""
    size = sum(
        max(map(len, (thing.get(key) or "", *_localized(thing, key).values())))
        for key in ("name", "description")
    )
    size += len(thing["value"]) if isinstance(thing.get("value"), str) else 0
    return size + sum(map(_size, [*(thing.get("options") or []), *(thing.get("choices") or [])]))


def _localized(thing: Payload, key: str) -> Mapping[Any, str]:
    return thing.get(f"{key}_localizations") or {}


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _at_most(what: str, text: str, most: int) -> Iterator[str]:
    yield from _between(what, text, 0, most)


def _between(what: str, text: str, least: int, most: int) -> Iterator[str]:
    if not least <= len(text) <= most:
        yield f"{what} has {len(text)} characters; {least} to {most} may be"

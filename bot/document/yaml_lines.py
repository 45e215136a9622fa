"""YAML with the line of everything in it, so that a mistake can be pointed at."""

from __future__ import annotations

from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Where a value stands: ("sections", 0, "heading")."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlError(Exception):
    """The text is no YAML that can be used; ``problems`` are (line, sentence) pairs."""

    def __init__(self, problems: list[tuple[int, str]]) -> None:
        super().__init__(problems)
        self.problems = problems


class YamlLines:
    """A YAML text's value and the line, from 1, at which each part of it starts.

    Of a key that is given twice the first value counts; ``repeated`` are (line, sentence) pairs
    about such keys.
    """

    def __init__(self, text: str) -> None:
        self.value: Any = None
        self.repeated: list[tuple[int, str]] = []
        self._lines: dict[Path, int] = {(): 1}
        self._problems: list[tuple[int, str]] = []
        self._seen: set[int] = set()
        try:
            self._loader = _Loader(text)
            try:
                node = self._loader.get_single_node()
                if node is not None:
                    self.value = self._construct(node, ())
            finally:
                self._loader.dispose()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 1
            self._problems.append((line, f"not valid YAML: {error.problem or error.context}"))
        except (yaml.YAMLError, UnicodeError) as error:  # a character that YAML does not allow
            self._problems.append((1, f"not valid YAML: {' '.join(str(error).split())}"))
        except RecursionError:
            self._problems.append((1, "nested too deeply"))
        if self._problems:
            raise YamlError([*self.repeated, *self._problems])

    def line(self, path: Path) -> int:
        """The line of the value at ``path``, or of the nearest thing around it that is there."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _construct(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)
        if id(node) in self._seen:
            self._problems.append((line, "anchors and aliases (& and *) are not supported"))
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._construct(item, (*path, i)) for i, item in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except (ValueError, KeyError, AttributeError, IndexError):
            return None  # a date that does not exist, !!bool maybe: no text in any case

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in mapping:
                self.repeated.append((line, f"{key}: given twice; keep one"))
                continue
            self._lines[*path, key] = line
            mapping[key] = self._construct(value_node, (*path, key))
        return mapping

"""Whether two schemas of one event may share a major version, both ways at once.

Old consumers were promised the old schema: whatever is written now must be valid by it. New readers meet old events:
whatever was written then must be readable now. Together that leaves one change: a new field that may be missing.
"""

from typing import Any

NOTES = {"$defs", "$id", "$schema", "description", "examples", "title"}
"""What says nothing about what is valid or what it means."""


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Every change that needs a new major version, each named by its place; nothing where there is none."""
    return _Comparison(old, new).breaks(old, new, "")


class _Comparison:
    """Two whole schemas, which the references within them lead to."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new

    def breaks(self, old: dict[str, Any], new: dict[str, Any], place: str) -> list[str]:
        old, new = _resolved(self.old, old), _resolved(self.new, new)
        found = self._fields(old, new, place) + self._required(old, new, place)
        if "items" in old and "items" in new:
            found += self.breaks(old["items"], new["items"], f"{place}[]")
        if "anyOf" in old and "anyOf" in new:
            found += self._kinds(old["anyOf"], new["anyOf"], place)
        followed = {"properties", "required"} | ({"items", "anyOf"} & set(old) & set(new))
        for rule in sorted((set(old) | set(new)) - NOTES - followed):
            before, after = old.get(rule), new.get(rule)
            if _comparable(rule, before) != _comparable(rule, after):
                found.append(f"{place or 'the event'}: {rule} was {before}, is {after}")
        return found

    def _fields(self, old: dict[str, Any], new: dict[str, Any], place: str) -> list[str]:
        found = []
        after = new.get("properties", {})
        for name, schema in old.get("properties", {}).items():
            if name not in after:
                found.append(f"{place}.{name}: removed")
            else:
                found += self.breaks(schema, after[name], f"{place}.{name}")
        return found

    def _required(self, old: dict[str, Any], new: dict[str, Any], place: str) -> list[str]:
        before, after = set(old.get("required", ())), set(new.get("required", ()))
        added = set(new.get("properties", {})) - set(old.get("properties", {}))
        return [
            *(f"{place}.{name}: required now, and old events may lack it" for name in sorted(after - before)),
            *(f"{place}.{name}: was always there, now may be missing" for name in sorted(before - after)),
            *(
                f"{place}.{name}: new and without a default"
                for name in sorted(added - after)
                if not _has_default(_resolved(self.new, new["properties"][name]))
            ),
        ]

    def _kinds(self, old: list[Any], new: list[Any], place: str) -> list[str]:
        """Alternatives, in any order: each must have its like on the other side."""
        found = []
        unmatched = list(new)
        for kind in old:
            like = next((other for other in unmatched if not self.breaks(kind, other, place)), None)
            if like is None:
                found.append(f"{place}: {kind} has no like any more")
            else:
                unmatched.remove(like)
        return found + [f"{place}: {kind} is new" for kind in unmatched]


def _resolved(whole: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself instead of a reference; what stands beside the reference (a default) is kept."""
    while "$ref" in schema:
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        target = whole
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = {**target, **beside}
    return schema


def _has_default(schema: dict[str, Any]) -> bool:
    return "default" in schema


def _comparable(rule: str, value: Any) -> Any:
    return sorted(map(repr, value)) if rule == "enum" and value is not None else value

"""How well mail programs support a feature, as an answer shows it. Pure: the data come as an argument."""

from __future__ import annotations

import html
import re
from typing import Any

_SUPPORT = {"y": "yes", "n": "no"}
_NOTE = re.compile(r"#(\d+)")
_CODE = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


class Support:
    """caniemail's data, by the features' slugs."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._families: dict[str, str] = data["nicenames"]["family"]
        self._platforms: dict[str, str] = data["nicenames"]["platform"]
        self.features: dict[str, dict[str, Any]] = {feature["slug"]: feature for feature in data["data"]}
        families: dict[str, set[str]] = {}
        for feature in self.features.values():
            for family, platforms in feature["stats"].items():
                for platform in platforms:
                    families.setdefault(platform, set()).add(self._families[family])
        self.platforms = {platform: sorted(names) for platform, names in sorted(families.items())}

    def warning(self, slug: str, count: int) -> dict[str, Any]:
        """Return what an answer says of a feature that a message uses `found` times."""
        feature = self.features[slug]
        counts = {"yes": 0, "no": 0, "partial": 0}
        results = []
        for family, platforms in feature["stats"].items():
            for platform, versions in platforms.items():
                for version, said in versions.items():
                    support = _SUPPORT.get(said, "partial")
                    counts[support] += 1
                    note = _NOTE.search(said) if support == "partial" else None
                    results.append(
                        {
                            "Name": f"{self._families[family]} {self._platforms[platform]} ({version})",
                            "Platform": platform,
                            "Family": family,
                            "Version": version,
                            "Support": support,
                            "NoteNumber": note[1] if note else "",
                        }
                    )
        total = len(results) or 1
        return {
            "Slug": slug,
            "Title": feature["title"],
            "Description": as_html(feature["description"] or ""),
            "URL": feature["url"],
            "Category": feature["category"],
            "Tags": feature["tags"] or [],
            "Keywords": feature["keywords"] or "",
            "Results": results,
            "NotesByNumber": {number: as_html(note) for number, note in (feature["notes_by_num"] or {}).items()},
            "Score": {
                "Found": count,
                "Supported": 100 * counts["yes"] / total,
                "Partial": 100 * counts["partial"] / total,
                "Unsupported": 100 * counts["no"] / total,
            },
        }


def as_html(text: str) -> str:
    """Return the Markdown of the data (code, links, strong text) as HTML."""
    text = html.escape(text, quote=False)
    text = _CODE.sub(r"<code>\1</code>", text)
    text = _LINK.sub(r'<a href="\2" target="_blank" rel="noreferrer noopener">\1</a>', text)
    return _STRONG.sub(r"<strong>\1</strong>", text)


def report(support: Support, uses: dict[str, int], *, tests: int, nodes: int) -> dict[str, Any]:
    """Return the whole answer. A feature that is supported everywhere makes no warning; the worst warning comes first.

    The message is as bad as its worst warning, weighted by how many of its `nodes` it concerns.
    """
    known = ((slug, count) for slug, count in sorted(uses.items()) if count and slug in support.features)
    warnings = [support.warning(slug, count) for slug, count in known]
    warnings = [warning for warning in warnings if warning["Score"]["Supported"] < 100]

    def weight(warning: dict[str, Any], *names: str) -> float:
        score: dict[str, float] = warning["Score"]
        return min(1.0, score["Found"] / max(nodes, 1)) * sum(score[name] for name in names)

    warnings.sort(key=lambda warning: weight(warning, "Unsupported", "Partial"), reverse=True)
    partial = max((weight(warning, "Partial") for warning in warnings), default=0.0)
    unsupported = max((weight(warning, "Unsupported") for warning in warnings), default=0.0)
    return {
        "Warnings": warnings,
        "Platforms": support.platforms,
        "Total": {
            "Tests": tests,
            "Nodes": nodes,
            "Supported": max(0.0, 100 - partial - unsupported),
            "Partial": partial,
            "Unsupported": unsupported,
        },
    }

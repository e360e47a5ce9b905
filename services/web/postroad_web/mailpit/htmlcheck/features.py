"""Which features of caniemail's data a tag, an attribute, a declaration or a rule is a use of. Pure tables.

A feature that no table has can't be seen in a message: `tests/web/mailpit/test_htmlcheck.py` names them all.
"""

from __future__ import annotations

# HTML

_SAME = (
    "abbr acronym address audio base bdi blockquote body code del dfn dialog div form hr img link marquee meter p"
    " picture pre progress rp rt ruby select small span strike strong style svg table textarea video wbr"
)
_SEVERAL = {
    "html-h1-h6": "h1 h2 h3 h4 h5 h6",
    "html-lists": "ul ol dl",
    "html-object": "object embed",
    "html-semantics": "article aside details figcaption figure footer header main mark nav section summary time",
    "html-image-maps": "map",
}
ELEMENTS = {name: f"html-{name}" for name in _SAME.split()} | {
    name: slug for slug, names in _SEVERAL.items() for name in names.split()
}
ATTRIBUTES = {
    name: f"html-{name}"
    for name in [
        "align",
        "aria-describedby",
        "aria-hidden",
        "aria-label",
        "aria-labelledby",
        "aria-live",
        "background",
        "cellpadding",
        "cellspacing",
        "dir",
        "height",
        "hidden",
        "lang",
        "popover",
        "required",
        "role",
        "srcset",
        "target",
        "valign",
        "width",
    ]
} | {
    "loading": "html-loading-attribute",
    "sizes": "html-srcset",
    "usemap": "html-image-maps",
    "inert": "css-inert-attribute",
}
# by the element's name and its type attribute
TYPES = {
    **{("button", kind): f"html-button-{kind}" for kind in ("reset", "submit")},
    **{("input", kind): f"html-input-{kind}" for kind in ("checkbox", "hidden", "radio", "reset", "submit", "text")},
}
SUFFIXES = {
    ".apng": "image-apng",
    ".avif": "image-avif",
    ".bmp": "image-bmp",
    ".gif": "image-gif",
    ".hdr": "image-hdr",
    ".heif": "image-heif",
    ".ico": "image-ico",
    ".jpeg": "image-jpg",
    ".jpg": "image-jpg",
    ".mp4": "image-mp4",
    ".png": "image-png",
    ".svg": "image-svg",
    ".tif": "image-tiff",
    ".tiff": "image-tiff",
    ".webp": "image-webp",
}
COMMENT, DOCTYPE = "html-comments", "html-doctype"
ANCHOR, MAILTO, COLOR_SCHEME_META, DATA_IMAGE = (
    "html-anchor-links",
    "html-mailto-links",
    "html-meta-color-scheme",
    "image-base64",
)

# CSS

_SIDES, _CORNERS = ("top", "right", "bottom", "left"), ("start", "end")
_PROPERTIES = (
    "accent-color align-items aspect-ratio backdrop-filter background background-blend-mode background-clip"
    " background-color background-image background-origin background-position background-repeat background-size"
    " border-collapse border-image border-radius border-spacing box-shadow box-sizing caption-side clear clip-path"
    " color-scheme column-count cursor direction display empty-cells filter float font font-kerning font-size"
    " font-size-adjust font-stretch font-weight height hyphenate-character hyphenate-limit-chars hyphens inline-size"
    " justify-content letter-spacing line-height list-style list-style-image list-style-position list-style-type"
    " mask-image max-block-size max-height max-inline-size max-width min-block-size min-height min-inline-size"
    " min-width mix-blend-mode object-fit object-position opacity orphans outline outline-offset overflow-wrap"
    " position resize shape-margin shape-outside tab-size table-layout text-align text-align-last"
    " text-decoration text-decoration-color text-decoration-line text-decoration-skip-ink text-decoration-style"
    " text-decoration-thickness text-emphasis text-emphasis-position text-indent text-justify text-orientation"
    " text-overflow text-shadow text-transform text-underline-offset text-underline-position text-wrap transform"
    " user-select vertical-align visibility white-space white-space-collapse widows width word-break word-spacing"
    " word-wrap writing-mode z-index"
)
_GROUPS = {
    "css-animation": " ".join(
        ["animation"]
        + [
            f"animation-{end}"
            for end in [
                "delay",
                "direction",
                "duration",
                "fill-mode",
                "iteration-count",
                "name",
                "play-state",
                "timing-function",
            ]
        ]
    ),
    "css-block-inline-size": "block-size inline-size",
    "css-border": " ".join(
        ["border", "border-color", "border-style", "border-width"]
        + [f"border-{side}{end}" for side in _SIDES for end in ("", "-color", "-style", "-width")]
    ),
    "css-border-inline-block": "border-inline border-block",
    "css-border-inline-block-individual": " ".join(
        f"border-{axis}-{what}" for axis in ("inline", "block") for what in ("color", "style", "width", *_CORNERS)
    ),
    "css-border-inline-block-longhand": " ".join(
        f"border-{axis}-{edge}-{what}"
        for axis in ("inline", "block")
        for edge in _CORNERS
        for what in ("color", "style", "width")
    ),
    "css-border-radius": " ".join(
        ["border-radius"] + [f"border-{edge}-{side}-radius" for edge in ("top", "bottom") for side in ("left", "right")]
    ),
    "css-border-radius-logical": " ".join(
        f"border-{block}-{inline}-radius" for block in _CORNERS for inline in _CORNERS
    ),
    "css-column-layout-properties": (
        "columns column-count column-fill column-rule column-rule-color column-rule-style column-rule-width column-span"
        " column-width"
    ),
    "css-gap": "gap column-gap row-gap",
    "css-grid-template": "grid-template grid-template-areas grid-template-columns grid-template-rows",
    "css-inset": "inset inset-block inset-block-start inset-block-end inset-inline inset-inline-start inset-inline-end",
    "css-left-right-top-bottom": " ".join(_SIDES),
    "css-margin": " ".join(["margin"] + [f"margin-{side}" for side in _SIDES]),
    "css-margin-block-start-end": "margin-block-start margin-block-end",
    "css-margin-inline-block": "margin-inline margin-block",
    "css-margin-inline-start-end": "margin-inline-start margin-inline-end",
    "css-overflow": "overflow overflow-x overflow-y overflow-block overflow-inline",
    "css-padding": " ".join(["padding"] + [f"padding-{side}" for side in _SIDES]),
    "css-padding-block-start-end": "padding-block-start padding-block-end",
    "css-padding-inline-block": "padding-inline padding-block",
    "css-padding-inline-start-end": "padding-inline-start padding-inline-end",
    "css-scroll-snap": "scroll-snap-type scroll-snap-align scroll-snap-stop",
    "css-transition": "transition transition-delay transition-duration transition-property transition-timing-function",
}


def _properties() -> dict[str, tuple[str, ...]]:
    slugs: dict[str, list[str]] = {name: [f"css-{name}"] for name in _PROPERTIES.split()}
    for slug, names in _GROUPS.items():
        for name in names.split():
            slugs.setdefault(name, []).append(slug)
    return {name: tuple(dict.fromkeys(names)) for name, names in slugs.items()}


PROPERTIES = _properties()
# by property and one of its words
WORDS = {
    **{("display", word): "css-display-flex" for word in ("flex", "inline-flex")},
    **{("display", word): "css-display-grid" for word in ("grid", "inline-grid")},
    ("display", "none"): "css-display-none",
    **{("flex-direction", word): "css-flex-direction" for word in ("column", "column-reverse")},
    **{("flex-flow", word): "css-flex-direction" for word in ("column", "column-reverse")},
    **{(name, word): "css-flex-wrap" for name in ("flex-wrap", "flex-flow") for word in ("wrap", "wrap-reverse")},
}
# by a word of any property
ANY_WORD = {
    "initial": "css-unit-initial",
    **dict.fromkeys(("fit-content", "min-content", "max-content"), "css-intrinsic-size"),
    **dict.fromkeys(("system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace"), "css-sytem-ui"),
}
FUNCTIONS = {
    "calc": "css-unit-calc",
    "clamp": "css-function-clamp",
    "conic-gradient": "css-conic-gradient",
    "fit-content": "css-intrinsic-size",
    "lab": "css-modern-color",
    "lch": "css-modern-color",
    "light-dark": "css-function-light-dark",
    "linear-gradient": "css-linear-gradient",
    "max": "css-function-max",
    "min": "css-function-min",
    "oklab": "css-modern-color",
    "oklch": "css-modern-color",
    "radial-gradient": "css-radial-gradient",
    "repeating-conic-gradient": "css-conic-gradient",
    "repeating-linear-gradient": "css-linear-gradient",
    "repeating-radial-gradient": "css-radial-gradient",
    "rgb": "css-rgb",
    "rgba": "css-rgba",
    "var": "css-variables",
}
UNITS = {
    unit: f"css-unit-{unit}"
    for unit in ["ch", "cm", "em", "ex", "in", "mm", "pc", "pt", "px", "rem", "vh", "vmax", "vmin", "vw"]
}
PERCENT = "css-unit-percent"
AT_RULES = {
    "font-face": "css-at-font-face",
    "import": "css-at-import",
    "keyframes": "css-at-keyframes",
    "-webkit-keyframes": "css-at-keyframes",
    "media": "css-at-media",
    "supports": "css-at-supports",
}
MEDIA_FEATURES = {
    "-webkit-device-pixel-ratio": "css-at-media-device-pixel-ratio",
    "-webkit-max-device-pixel-ratio": "css-at-media-device-pixel-ratio",
    "-webkit-min-device-pixel-ratio": "css-at-media-device-pixel-ratio",
    "any-hover": "css-at-media-hover",
    "hover": "css-at-media-hover",
    "orientation": "css-at-media-orientation",
    "prefers-color-scheme": "css-at-media-prefers-color-scheme",
    "prefers-reduced-motion": "css-at-media-prefers-reduced-motion",
}
IMPORTANT, CSS_COMMENT, VARIABLE, NESTING = "css-important", "css-comments", "css-variables", "css-nesting"
PSEUDO_CLASSES = {
    name: f"css-pseudo-class-{name}"
    for name in [
        "active",
        "checked",
        "default",
        "first-child",
        "first-of-type",
        "focus",
        "focus-visible",
        "focus-within",
        "has",
        "hover",
        "lang",
        "last-child",
        "last-of-type",
        "link",
        "not",
        "nth-child",
        "nth-last-child",
        "nth-last-of-type",
        "nth-of-type",
        "only-child",
        "only-of-type",
        "target",
        "visited",
    ]
}
PSEUDO_ELEMENTS = {
    name: f"css-pseudo-element-{name}"
    for name in ["after", "before", "first-letter", "first-line", "marker", "placeholder"]
}
COMBINATORS = {">": "css-selector-child", "+": "css-selector-adjacent-sibling", "~": "css-selector-general-sibling"}
SELECTOR = {
    name: f"css-selector-{name}"
    for name in ["attribute", "chaining", "class", "descendant", "grouping", "id", "type", "universal"]
}

"""The immutable HLS and DASH manifests of an asset, with each address made a signed one. Pure.

A manifest is read once and turned into a template: its renditions above the granted bitrate are
left out, and three marks stand where the CDN's base URL, its query and the licence URL belong.
Filling a template is three replacements, so a manifest for one listener costs microseconds.

Shaka Packager writes segment addresses relative to the manifest; variant playlists stay relative
and so lead back to this function, which signs them in turn.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape

# Private-use characters: no URL, query or manifest of the packager has them.
_BASE, _QUERY, _LICENCE = "\ue000", "\ue001", "\ue002"
_MARKS = re.compile("[\ue000-\ue002]")

_MPD = "urn:mpeg:dash:schema:mpd:2011"
_CPS = "https://dashif.org/CPS"
_PROTECTION = f"{{{_MPD}}}ContentProtection"
_CLEAR_KEY = (
    "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"  # dashif.org/identifiers/content_protection
)
_COMMON = "urn:mpeg:dash:mp4protection:2011"
_NAMESPACES = {
    "": _MPD,
    "cenc": "urn:mpeg:cenc:2013",
    "mspr": "urn:microsoft:playready",
    "xlink": "http://www.w3.org/1999/xlink",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "dashif": _CPS,
}
for _prefix, _uri in _NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)

_URI_ATTRIBUTE = re.compile(r'(?<=[:,])URI="([^"]*)"')
_GROUP = re.compile(r'(?<=[:,])GROUP-ID="([^"]*)"')
_AUDIO = re.compile(r'(?<=[:,])AUDIO="([^"]*)"')
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# FFmpeg's DASH demuxer reads widths of one digit only; the packager's numbers have ten.
_WIDE_NUMBER = "$Number%010d$"
_READABLE_NUMBER = "0$Number%09d$"  # the same up to a thousand million
_RENDITION = re.compile(r"(?:^|/)aac_(\d{1,4})(?=[.$_-])")


class PlaylistError(ValueError):
    """A stored manifest is not one that the packager writes."""


def rendition_kbps(name: str) -> int | None:
    """The tier in a rendition's file name (`aac_160.m3u8`, `aac_160-init.m4s`), if it has one."""
    found = _RENDITION.search(name)
    return int(found[1]) if found else None


def hls_template(text: str, max_kbps: int) -> str:
    """A master or media playlist as a template; variants above `max_kbps` are left out."""
    _check(text)
    lines = text.splitlines()
    if not lines or lines[0].strip() != "#EXTM3U":
        raise PlaylistError("not an HLS playlist")
    kept: list[str] = []
    groups: dict[str, bool] = {}  # audio group -> whether any of its renditions is kept
    for line in lines:
        if line.startswith("#EXT-X-MEDIA:") and (group := _GROUP.search(line)):
            keep = _fits(_uri_of(line), max_kbps)
            groups[group[1]] = groups.get(group[1], False) or keep
    variant: str | None = None
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            variant = line  # belongs to the URI that follows
        elif line.startswith(("#EXT-X-MEDIA:", "#EXT-X-I-FRAME-STREAM-INF:")):
            if _fits(_uri_of(line), max_kbps):
                kept.append(line)
        elif line.startswith("#EXT-X-MAP:"):
            kept.append(_URI_ATTRIBUTE.sub(lambda uri: f'URI="{_signed(uri[1])}"', line))
        elif line.startswith("#") or not line.strip():
            # EXT-X-KEY and EXT-X-SESSION-KEY name a DRM system's key, which no CDN serves.
            kept.append(line)
        elif variant is not None:
            audio = _AUDIO.search(variant)
            if _fits(line, max_kbps) and (audio is None or groups.get(audio[1], True)):
                kept += [variant, line]
            variant = None
        else:
            kept.append(_signed(line))
    return "\n".join(kept) + "\n"


def mpd_template(document: bytes, max_kbps: int) -> str:
    """A DASH manifest as a template; representations above `max_kbps` are left out."""
    text = document.decode()
    _check(text)
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise PlaylistError(f"not a DASH manifest: {error}") from None
    if root.tag != f"{{{_MPD}}}MPD":
        raise PlaylistError("not a DASH manifest")
    for period in root.iter(f"{{{_MPD}}}Period"):
        for adaptation in period.findall(f"{{{_MPD}}}AdaptationSet"):
            for representation in adaptation.findall(f"{{{_MPD}}}Representation"):
                if not all(_fits(name, max_kbps) for name in _names(representation)):
                    adaptation.remove(representation)
            if adaptation.find(f"{{{_MPD}}}Representation") is None:
                period.remove(adaptation)
    for element in list(root.iter()):
        for attribute in ("media", "initialization", "sourceURL", "index"):
            if attribute in element.attrib and element.tag != f"{{{_MPD}}}MPD":
                element.set(attribute, f"{_readable(element.attrib[attribute])}?{_QUERY}")
        if element.tag == f"{{{_MPD}}}BaseURL" and element.text:
            element.text = f"{element.text.strip()}?{_QUERY}"
        _add_licence(element)
    base = ET.Element(f"{{{_MPD}}}BaseURL")
    base.text, base.tail = _BASE, "\n  "
    # The schema has BaseURL after ProgramInformation and before everything else.
    after = 1 if len(root) and root[0].tag == f"{{{_MPD}}}ProgramInformation" else 0
    root.insert(after, base)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def fill_hls(template: str, base_url: str, query: str) -> bytes:
    """The playlist for a CDN: `base_url` ends with `/`, `query` has no leading `?`."""
    return template.replace(_BASE, base_url).replace(_QUERY, query).encode()


def fill_mpd(template: str, base_url: str, query: str, licence_url: str) -> bytes:
    """The manifest for a CDN. `$` is doubled in `query`, which stands in a SegmentTemplate."""
    quotes = {'"': "&quot;"}
    return (
        template.replace(_BASE, escape(base_url, quotes))
        .replace(_QUERY, escape(query.replace("$", "$$"), quotes))
        .replace(_LICENCE, escape(licence_url, quotes))
        .encode()
    )


def _check(text: str) -> None:
    if _MARKS.search(text):
        raise PlaylistError("the manifest holds a character of the private use area")


def _fits(name: str | None, max_kbps: int) -> bool:
    kbps = rendition_kbps(name) if name else None
    return kbps is None or kbps <= max_kbps


def _uri_of(line: str) -> str | None:
    found = _URI_ATTRIBUTE.search(line)
    return found[1] if found else None


def _signed(uri: str) -> str:
    if _SCHEME.match(uri) or uri.startswith("/"):
        raise PlaylistError(f"the address of a segment is not relative: {uri[:80]}")
    return f"{_BASE}{uri}?{_QUERY}"


def _readable(template: str) -> str:
    """A segment template as every player can read it."""
    return template.replace(_WIDE_NUMBER, _READABLE_NUMBER)


def _names(representation: ET.Element) -> list[str]:
    """What names the representation's files: templates, initialization or base URLs."""
    found: list[str] = []
    for element in representation.iter():
        found += [
            element.attrib[name]
            for name in ("media", "initialization", "sourceURL")
            if name in element.attrib and element.tag != f"{{{_MPD}}}SegmentURL"
        ]
        if element.tag == f"{{{_MPD}}}BaseURL" and element.text:
            found.append(element.text)
    return found


def _add_licence(parent: ET.Element) -> None:
    """Names our Clear Key licence server beside each declaration of Common Encryption."""
    children = list(parent)
    for place, child in enumerate(children):
        if child.tag == _PROTECTION and child.get("schemeIdUri") == _COMMON:
            clear_key = ET.Element(_PROTECTION, schemeIdUri=_CLEAR_KEY, value="ClearKey1.0")
            address = ET.SubElement(clear_key, f"{{{_CPS}}}Laurl", {"Lic_type": "EME-1.0"})
            address.text = _LICENCE
            clear_key.tail = child.tail
            parent.insert(place + 1, clear_key)
            return

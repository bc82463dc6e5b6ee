/**
 * Makes a manifest say what a ClearKey player needs.
 *
 * Packagers may announce only "encrypted with cbcs, key id so-and-so". Without initialisation data in
 * the manifest the licence could be asked for only after the first segment has arrived; with it, the
 * licence and the segment travel at the same time.
 */

const COMMON_SYSTEM = "1077efec-c0b2-4d02-ace3-3c1e52e2fb4b";
const CENC = "urn:mpeg:cenc:2013";
const MP4_PROTECTION = "urn:mpeg:dash:mp4protection:2011";

/** W3C common-system `pssh` box (version 1) for one key id. @see the cenc Initialization Data Format. */
export function commonPssh(keyId: string): Uint8Array<ArrayBuffer> {
  const hex = (text: string): number[] =>
    (text.replaceAll("-", "").match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  const body = [
    ...[0x70, 0x73, 0x73, 0x68], // "pssh"
    ...[1, 0, 0, 0], // version 1, no flags
    ...hex(COMMON_SYSTEM),
    ...[0, 0, 0, 1], // one key id
    ...hex(keyId),
    ...[0, 0, 0, 0], // no further data
  ];
  const size = body.length + 4;
  return new Uint8Array([0, 0, size >> 8, size & 0xff, ...body]);
}

/** `mpd` with common-system protection beside every bare one; the very same text if nothing lacks. */
export function withKeyIds(mpd: string): string {
  if (mpd.includes(COMMON_SYSTEM) || !mpd.includes(MP4_PROTECTION)) return mpd;
  const document = new DOMParser().parseFromString(mpd, "application/xml");
  for (const bare of document.querySelectorAll(`ContentProtection[schemeIdUri="${MP4_PROTECTION}"]`)) {
    const keyId = bare.getAttributeNS(CENC, "default_KID");
    if (!keyId) continue;
    const full = document.createElementNS(bare.namespaceURI, "ContentProtection");
    full.setAttribute("schemeIdUri", `urn:uuid:${COMMON_SYSTEM}`);
    const pssh = document.createElementNS(CENC, "cenc:pssh");
    pssh.textContent = btoa(String.fromCharCode(...commonPssh(keyId)));
    full.append(pssh);
    bare.after(full);
  }
  return new XMLSerializer().serializeToString(document);
}

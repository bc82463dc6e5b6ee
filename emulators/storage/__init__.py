"""Cloud Storage on this machine: `gcp-storage-emulator`, with what the platform stands on and it
leaves out.

Added here: object-finalised events, preconditions, verified V4 signed URLs, the XML API's
resumable uploads, a journal that survives `kill -9`, ranges that do not read whole files, and
keep-alive connections. `python -m emulators.storage --help` starts it.
"""

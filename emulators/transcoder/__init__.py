"""A local Google Cloud Transcoder API: the real gRPC service with ffmpeg and Shaka Packager below.

Driven by the unmodified `google-cloud-video-transcoder` client. Audio only: what the real service
does beyond that (video, text, overlays, several inputs) is answered with UNIMPLEMENTED rather
than pretended. Jobs and templates live in memory and end with the process; encoded elementary
streams live on in the cache under `--state`, so a repeated job is only packaged again.
"""

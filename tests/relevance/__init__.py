"""Relevance on a real catalogue: judged queries, what they find, and what two baselines find.

`python -m tests.relevance` prints the table. The catalogue is `../shared/data/spotify_tracks`
(15,000 tracks), which is no part of the project.

Queries are of the kinds that people type (`judging.KINDS`). Some are written by hand while
reading the names (`written.tsv`), the others are made by a seeded generator from people's habits
(`generated.tsv`, see `generating`). An answer is right when it is the song that was meant: a track
with the same title, whatever stands behind it in brackets or after a dash, by the same artist; so
every duplicate and version of a song counts. Where a row names no artist, a song of that title
by anybody counts; where it names no title, anything by that artist or on that album.

Left out is what nobody could answer: a title of one or two letters, a misspelling that is itself
a word of the catalogue, part of a title that several songs have, two most popular songs for one
prefix. Half of the queries are `tune`, by a hash of their text: ranking may be improved by
reading them. The `held` half is for the report alone.
"""

"""The engine past one machine: the same documents, words and plans on Spanner's full-text search.

`shared/schemas/search.sql` holds the tables, `schema` fills their rows, `queries` turns a plan into
SQL, `store` is the client, `loading` writes a whole catalogue and single changes, `engine` joins
them. Spanner's full-text search wants the Enterprise edition
(https://cloud.google.com/spanner/docs/editions-overview).

What was seen of the emulator (Cloud SDK 528) and where it differs from Cloud Spanner as documented:

- Its parser of rquery drops every letter outside of ASCII, and Cloud Spanner segments Asian text
  by a dictionary of its own; both read words as `tokens` writes them, in the letters a to z alone.
- It has the dialect rquery alone. Cloud Spanner's `dialect => 'words'` is not used.
- rquery groups nothing by parentheses, and OR binds more closely than AND, on both.
- Its `SCORE` counts how often the words stand in a text. Cloud Spanner's weighs that by a formula
  that is not published; neither knows how rare a word is (`enhance_query` would, by the words of
  the web). A score here only orders the names that have all words, shortest names first.
- Its `SCORE_NGRAMS` compares trigrams alone, as Cloud Spanner does by default.
- It reads every row of a table for each query, so speed cannot be measured on it. It answers a
  query that no search index serves, which Cloud Spanner refuses, and shows no query plans.
- It runs one read-write transaction at a time and aborts the others, which are made again.
- It knows no permissions and no quotas; of those on commits see `loading`.
"""

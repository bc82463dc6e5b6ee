-- The Spanner database of search, in GoogleSQL. Statements are only ever added: a database that
-- exists gets those that it lacks.
-- Words in text columns are tokens of shared/search/spanner/tokens.py between spaces, so that
-- Spanner's tokenisers find no other words in them than ours.

CREATE TABLE SearchDocuments (
  Type STRING(16) NOT NULL,
  Id STRING(256) NOT NULL,
  Name STRING(MAX) NOT NULL,
  NameWords INT64 NOT NULL,
  Artists STRING(MAX) NOT NULL,
  Album STRING(MAX) NOT NULL,
  Every STRING(MAX) NOT NULL,
  Beginnings STRING(MAX) NOT NULL,
  Stems ARRAY<STRING(MAX)> NOT NULL,
  Sounds ARRAY<STRING(MAX)> NOT NULL,
  Exact ARRAY<STRING(MAX)> NOT NULL,
  Genres ARRAY<STRING(MAX)> NOT NULL,
  Territories ARRAY<STRING(2)> NOT NULL,
  BlockedIn ARRAY<STRING(2)> NOT NULL,
  Explicit BOOL NOT NULL,
  Popularity INT64 NOT NULL,
  ReleaseDay INT64,
  Codes ARRAY<STRING(MAX)> NOT NULL,
  Card JSON NOT NULL,
  ChangedAt TIMESTAMP NOT NULL,
  Name_Tokens TOKENLIST AS (TOKENIZE_FULLTEXT(Name)) HIDDEN,
  Artists_Tokens TOKENLIST AS (TOKENIZE_FULLTEXT(Artists)) HIDDEN,
  Album_Tokens TOKENLIST AS (TOKENIZE_FULLTEXT(Album)) HIDDEN,
  Every_Tokens TOKENLIST AS (TOKENIZE_FULLTEXT(Every)) HIDDEN,
  Beginnings_Tokens TOKENLIST AS (
    TOKENIZE_SUBSTRING(
      Beginnings,
      ngram_size_min => 1,
      ngram_size_max => 4,
      relative_search_types => ["word_prefix"]
    )
  ) HIDDEN,
  Stems_Tokens TOKENLIST AS (TOKEN(Stems)) HIDDEN,
  Sounds_Tokens TOKENLIST AS (TOKEN(Sounds)) HIDDEN,
  Exact_Tokens TOKENLIST AS (TOKEN(Exact)) HIDDEN,
  Genres_Tokens TOKENLIST AS (TOKEN(Genres)) HIDDEN,
  Territories_Tokens TOKENLIST AS (TOKEN(Territories)) HIDDEN,
  BlockedIn_Tokens TOKENLIST AS (TOKEN(BlockedIn)) HIDDEN,
  Explicit_Tokens TOKENLIST AS (TOKENIZE_BOOL(Explicit)) HIDDEN,
  ReleaseDay_Tokens TOKENLIST AS (
    TOKENIZE_NUMBER(ReleaseDay, comparison_type => "all", min => 1, max => 3652059)
  ) HIDDEN,
  Codes_Tokens TOKENLIST AS (TOKEN(Codes)) HIDDEN,
) PRIMARY KEY (Type, Id);

-- One partition for each type, in which the most popular come first, so that a query for the most
-- popular matches ends as soon as it has enough of them. An index has 16 keys at most: these.
CREATE SEARCH INDEX SearchDocumentsByText ON SearchDocuments (
  Name_Tokens, Artists_Tokens, Album_Tokens, Every_Tokens, Beginnings_Tokens,
  Stems_Tokens, Sounds_Tokens, Exact_Tokens, Genres_Tokens, Territories_Tokens,
  BlockedIn_Tokens, Explicit_Tokens, ReleaseDay_Tokens, Codes_Tokens
) STORING (Card, NameWords) PARTITION BY Type ORDER BY Popularity DESC;

-- What is gone, for as long as a load may run that still read it.
CREATE TABLE SearchWithdrawals (
  Type STRING(16) NOT NULL,
  Id STRING(256) NOT NULL,
  ChangedAt TIMESTAMP NOT NULL,
) PRIMARY KEY (Type, Id), ROW DELETION POLICY (OLDER_THAN(ChangedAt, INTERVAL 3 DAY));

-- The catalogue's vocabulary. Padded is the word between marks, so that its first and its last
-- letter are n-grams too.
CREATE TABLE SearchWords (
  Word STRING(256) NOT NULL,
  Padded STRING(258) NOT NULL,
  Sound STRING(256) NOT NULL,
  Popularity INT64 NOT NULL,
  ChangedAt TIMESTAMP NOT NULL,
  Padded_Tokens TOKENLIST AS (
    TOKENIZE_NGRAMS(Padded, ngram_size_min => 2, ngram_size_max => 2)
  ) HIDDEN,
  Sound_Tokens TOKENLIST AS (TOKEN(Sound)) HIDDEN,
) PRIMARY KEY (Word);

CREATE SEARCH INDEX SearchWordsByText ON SearchWords (Padded_Tokens, Sound_Tokens)
  ORDER BY Popularity DESC;

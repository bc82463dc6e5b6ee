from __future__ import annotations

import pytest

from jobs.detect_bots.main import main


@pytest.mark.parametrize("word", ["--clear", "--suspect", "--retract"])
def test_an_operator_has_to_say_why(
    word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["detect_bots", word, "somebody"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "--note is required" in capsys.readouterr().err


def test_one_word_at_a_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--clear", "a", "--suspect", "b", "--note", "both"]
    monkeypatch.setattr("sys.argv", ["detect_bots", *words])
    with pytest.raises(SystemExit):
        main()
    assert "not allowed with" in capsys.readouterr().err

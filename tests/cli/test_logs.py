import logging

import pytest

from paddle_pose.cli import logs

LOGGER = logging.getLogger("paddle_pose")


def test_lines_are_shown_as_they_are(capsys):
    logs.attach()
    LOGGER.info("=> num_images: 8")
    LOGGER.info("100% of {}")
    LOGGER.warning("VisualDL is not used: %s", "why")
    LOGGER.debug("nobody asked")
    said = capsys.readouterr()
    assert said.out == "=> num_images: 8\n100% of {}\n"
    assert said.err == "VisualDL is not used: why\n"


def test_lines_are_shown_once_however_often_it_is_attached(capsys):
    for _ in range(3):
        logs.attach()
    LOGGER.info("once")
    assert capsys.readouterr().out == "once\n"
    assert sum(isinstance(handler, logs.PlainHandler) for handler in LOGGER.handlers) == 1


def test_lines_reach_other_handlers_too(caplog):
    logs.attach()
    LOGGER.info("a line")
    assert [record.message for record in caplog.records] == ["a line"]


def test_a_reader_that_has_gone_is_raised_and_a_wrong_line_is_not(monkeypatch, capsys):
    handler = logs.PlainHandler()
    wrong = logging.LogRecord("paddle_pose", logging.INFO, __file__, 1, "%d", ("a",), None)
    handler.emit(wrong)
    assert "Logging error" in capsys.readouterr().err

    class Gone:
        def write(self, text):
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("sys.stdout", Gone())
    with pytest.raises(BrokenPipeError):
        handler.emit(
            logging.LogRecord("paddle_pose", logging.INFO, __file__, 1, "a line", None, None)
        )

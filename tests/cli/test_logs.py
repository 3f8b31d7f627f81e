import io
import logging

import pytest

from paddle_pose.cli import logs

LOGGER = logging.getLogger("paddle_pose")


def test_log_lines_are_printed_unchanged(capsys):
    logs.attach()
    LOGGER.info("=> num_images: 8")
    LOGGER.info("100% of {}")
    LOGGER.warning("VisualDL is not used: %s", "why")
    LOGGER.debug("a detail")
    printed = capsys.readouterr()
    assert printed.out == "=> num_images: 8\n100% of {}\n"
    assert printed.err == "VisualDL is not used: why\n"


def test_repeated_attach_prints_lines_once(capsys):
    for _ in range(3):
        logs.attach()
    LOGGER.info("once")
    assert capsys.readouterr().out == "once\n"
    assert sum(isinstance(handler, logs.PlainHandler) for handler in LOGGER.handlers) == 1


def test_other_handlers_receive_log_lines(caplog):
    logs.attach()
    LOGGER.info("a line")
    assert [record.message for record in caplog.records] == ["a line"]


def test_broken_pipe_is_raised_and_invalid_record_is_not(monkeypatch, capsys):
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


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
def test_letters_that_a_console_lacks_become_escapes(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    monkeypatch.setattr("sys.stdout", stream)
    logs.accept_all_letters()
    line = "结果 🏃 \udcff.jpg"  # the last is a byte that is not UTF-8 in a file's name
    record = logging.LogRecord("paddle_pose", logging.INFO, __file__, 1, line, None, None)
    logs.PlainHandler().emit(record)
    print(line)
    stream.flush()
    lines = stream.buffer.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert lines[0].endswith(b"\\udcff.jpg")


def test_other_streams_are_left_alone(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr("sys.stderr", None)
    logs.accept_all_letters()
    assert stream.getvalue() == ""

from paddle_pose.cli.download import show_download


def test_show_download_prints_size_speed_and_remaining_time(capsys):
    show_download(1_000_000, 380_000_000, 2e6)
    show_download(380_000_000, 380_000_000, 2e6)
    show_download(5_000_000, None, 1e6)
    lines = capsys.readouterr().err.replace("\n", "").split("\r")
    assert lines[1].strip() == "1.0/380.0 MB, 2.0 MB/s, ETA 00:03:09"
    assert lines[2].strip() == "380.0/380.0 MB, 2.0 MB/s, ETA 00:00:00"
    assert lines[3].strip() == "5.0 MB, 1.0 MB/s"

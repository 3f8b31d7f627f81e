"""Pages of reports, compared without the time at which they were made."""

import re


def without_time(page: str) -> str:
    """Returns a page without the time at which it was made."""
    page, count = re.subn(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", page)
    assert count == 1
    return page

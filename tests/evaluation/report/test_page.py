import re

from paddle_pose.evaluation.report import page


def test_shades_grow_from_the_lowest_to_the_highest_number():
    rows = [("a", 10.0, 5), ("b", 30.0, 5), ("c", float("nan"), 5), ("d", 20.0, 5)]
    text = page.table(["name", "%", "joints"], rows, shaded_columns=[1], own_rows=[3])
    assert re.findall(r"var\(--accent\) (\d+)%", text) == ["0", "45", "22"]
    assert text.count('class="own"') == 1
    alike = page.table(["name", "%"], [("a", 1.0), ("b", 1.0)], shaded_columns=[1])
    assert "--accent" not in alike


def test_a_bar_has_the_widths_of_its_shares_and_a_legend():
    text = page.stacked_bar({"good": 75.0, "<miss>": 25.0}, ["#111111", "#222222"], "75 and 25")
    assert re.findall(r"width:([\d.]+)%", text) == ["75.00", "25.00"]
    assert 'aria-label="75 and 25"' in text
    assert "&lt;miss&gt; 25.0 %" in text


def test_a_page_with_a_summary_lists_its_sections():
    sections = [page.section("Types of errors", "<p>1</p>", ""), page.section("A & B", "<p>2</p>")]
    with_lead = page.document("Report", sections, page.badge("Fine", bad=False))
    assert re.findall(r'href="#(.*?)"', with_lead) == ["types-of-errors", "a-b"]
    assert re.findall(r'<h2 id="(.*?)">', with_lead) == ["types-of-errors", "a-b"]
    assert "A &amp; B" in with_lead
    assert "<nav" not in page.document("Report", sections)

"""A chart's bars are drawn to scale, each part on those below it."""

from staff.charts import Bar, BarChart, ChartRow, Part, RowChart, Stretch


def test_parts_are_stacked_to_scale() -> None:
    rows = [("Mon", "Mon: 3", {"billable": 1, "other": 2}), ("Tue", "Tue: 0", {"billable": 0})]
    chart = BarChart.of(rows, top=4)
    assert chart.width == 20
    assert chart.bars == [
        Bar(
            "Mon",
            "Mon: 3",
            0,
            [Part("billable", "75.00", "25.00"), Part("other", "25.00", "50.00")],
        ),
        Bar("Tue", "Tue: 0", 10, []),
    ]


def test_a_chart_of_nothing_has_bars_without_parts() -> None:
    assert BarChart.of([("Mon", "Mon: 0", {"made": 0})], top=0).bars == [
        Bar("Mon", "Mon: 0", 0, [])
    ]


def test_parts_of_a_row_lie_in_line_to_scale() -> None:
    rows = [
        ("Site", "Site: 3", "3 h", {"billable": 1, "other": 2}),
        ("Talks", "Talks: 0", "0 h", {"billable": 0}),
    ]
    assert RowChart.of(rows, top=4).rows == [
        ChartRow(
            "Site",
            "Site: 3",
            "3 h",
            [Stretch("billable", "0.00", "25.00"), Stretch("other", "25.00", "50.00")],
        ),
        ChartRow("Talks", "Talks: 0", "0 h", []),
    ]

"""Reports as files: CSV, which is streamed, and XLSX, which is made in a temporary file."""

import csv
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

import xlsxwriter
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from rest_framework.exceptions import ValidationError

from values.currencies import minor_unit
from values.instants import hours

# seconds and hours are both made of whole seconds; they, counts and the amounts of a column's
# currency are summed up at the end.
Kind = Literal[
    "text",
    "id",
    "date",
    "moment",
    "flag",
    "number",
    "share",
    "count",
    "seconds",
    "hours",
    "amount",
]
SUMMED = ("count", "seconds", "hours", "amount")
# The start of a formula, including full-width forms, after blanks or a byte order mark. Where `;`
# separates cells, every part of a text can start one.
FORMULA = re.compile(r"(^|;)(?=[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes UTF-8 for something else
LINES_A_CHUNK = 500
MOST_XLSX_ROWS = 1_048_576 - 2  # Excel's, less the titles and the totals
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_FORMATS: dict[str, str] = {
    "date": "yyyy-mm-dd",
    "moment": "yyyy-mm-dd hh:mm:ss",
    "seconds": "[h]:mm:ss",
    "hours": "0.00",
    "number": "0.00",
    "share": "0.00%",
}
DECIMALS = {"number": Decimal("0.01"), "share": Decimal("0.0001")}


@dataclass(frozen=True)
class Column:
    """A title and the kind of its cells; of amounts their currency."""

    title: str
    kind: Kind = "text"
    currency: str = ""

    @property
    def unit(self) -> Decimal:
        """The last decimal that a cell has."""
        return minor_unit(self.currency) if self.currency else DECIMALS[self.kind]

    @property
    def number_format(self) -> str | None:
        """What Excel shows a cell by: `#,##0.00 [$EUR]`."""
        if self.kind != "amount":
            return XLSX_FORMATS.get(self.kind)
        decimals = f"{self.unit:f}".replace("1", "0")
        return f"#,##{decimals} [${self.currency}]"


@dataclass(frozen=True)
class Table:
    """Rows under columns; moments are shown in `zone`, the time of day without an offset."""

    name: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]
    zone: ZoneInfo

    def lines(self) -> Iterator[Sequence[object]]:
        """Yield the rows, and after the last one their totals: without these it is not whole."""
        sums = [0 if column.kind in SUMMED else None for column in self.columns]
        for row in self.rows:
            sums = [
                None if total is None else total + (value or 0)
                for total, value in zip(sums, row, strict=True)
            ]
            yield row
        yield sums


def as_csv(table: Table) -> StreamingHttpResponse:
    """Return a stream of CSV in UTF-8; its last line begins with `Total`."""
    response = StreamingHttpResponse(_chunks(table), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{table.name}.csv"'
    return response


def as_xlsx(table: Table) -> FileResponse:
    """Return an Excel file; 400 for more rows than a sheet has."""
    with ExitStack() as unfinished:
        file = unfinished.enter_context(tempfile.TemporaryFile())
        with xlsxwriter.Workbook(file, {"constant_memory": True}) as workbook:
            _fill(workbook, table)
        unfinished.pop_all()  # the response closes the file
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=f"{table.name}.xlsx", content_type=XLSX_TYPE
    )


def _fill(workbook: xlsxwriter.Workbook, table: Table) -> None:
    sheet = workbook.add_worksheet("Report")
    bold = workbook.add_format({"bold": True})
    words = {column.number_format for column in table.columns}
    formats = {each: workbook.add_format({"num_format": each}) for each in words if each}
    for place, column in enumerate(table.columns):
        sheet.set_column(place, place, 30 if column.kind == "text" else 20)
        sheet.write_string(0, place, column.title, bold)
    for number, row in enumerate(table.lines(), 1):
        if number > MOST_XLSX_ROWS + 1:
            sentence = (
                f"XLSX is limited to {MOST_XLSX_ROWS} rows. Narrow the range or use format=csv."
            )
            raise ValidationError({"format": [sentence]})
        for place, (column, value) in enumerate(zip(table.columns, row, strict=True)):
            style = formats.get(column.number_format or "")
            _write(sheet, number, place, column.kind, value, style, table.zone)
        if row[0] is None:
            sheet.write_string(number, 0, "Total", bold)
    sheet.freeze_panes(1, 0)


FILES: dict[str, Callable[[Table], HttpResponse | StreamingHttpResponse]] = {
    "csv": as_csv,
    "xlsx": as_xlsx,
}


class _Echo:
    """A file object that returns written lines."""

    def write(self, line: str) -> str:
        return line


def _chunks(table: Table) -> Iterator[bytes]:
    # Every text in quotes, or one with a `;` would be two cells where that separates them too.
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_NONNUMERIC)
    lines = [BYTE_ORDER_MARK + writer.writerow([safe(column.title) for column in table.columns])]
    for row in table.lines():
        cells = [
            "" if value is None else _cell(column, value, table.zone)
            for column, value in zip(table.columns, row, strict=True)
        ]
        if row[0] is None:
            cells[0] = "Total"
        lines.append(writer.writerow(cells))
        if len(lines) >= LINES_A_CHUNK:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def safe(text: str) -> str:
    """Return a text in which no spreadsheet sees a formula: an apostrophe stands before each."""
    return FORMULA.sub(r"\1'", text)


def _cell(column: Column, value: Any, zone: ZoneInfo) -> str | int | Decimal:
    match column.kind:
        case "text":
            return safe(value)
        case "moment":
            return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
        case "date":
            day: date = value.astimezone(zone) if isinstance(value, datetime) else value
            return f"{day:%Y-%m-%d}"
        case "flag":
            return "yes" if value else "no"
        case "hours":
            return Decimal(f"{hours(abs(value)):.2f}").copy_sign(value)
        case "number" | "share" | "amount":
            return Decimal(value).quantize(column.unit)
    return int(value)


def _write(
    sheet: Any, line: int, place: int, kind: Kind, value: Any, style: Any, zone: ZoneInfo
) -> None:
    if value is None:
        return
    match kind:
        case "moment":
            local = value.astimezone(zone).replace(tzinfo=None, microsecond=0)
            sheet.write_datetime(line, place, local, style)
        case "date":
            day = value.astimezone(zone) if isinstance(value, datetime) else value
            sheet.write_datetime(line, place, datetime(day.year, day.month, day.day), style)  # noqa: DTZ001 - Excel knows no zones
        case "seconds":
            sheet.write_number(line, place, value / 86_400, style)
        case "hours":
            sheet.write_number(line, place, value / 3600, style)
        case "id" | "count" | "amount" | "number" | "share":
            sheet.write_number(line, place, value, style)
        case "flag":
            sheet.write_string(line, place, "yes" if value else "no")
        case _:
            sheet.write_string(line, place, value)

"""The report form of the admin, submitted as a query string."""

from collections.abc import Iterable
from datetime import date

from django import forms
from django.http import QueryDict

from api.serializers.fields import ID
from clients.models import Client
from projects.models import Project
from reports.admin.periods import DEFAULT_PERIOD, PERIODS, dates_of
from reports.groups import LEVELS
from tasks.models import Task
from users.models import User
from values.folding import sort_key

PREVIOUS = "previous"  # the days before, as many as the report has
NONE = "none"  # of client or task: the entries without one
Choice = tuple[int | str, str]  # its value and its label
DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class ReportForm(forms.Form):
    """The range, the filters and the groups; without a query this month by project."""

    start = forms.DateField(label="From", required=False, input_formats=["%Y-%m-%d"], widget=DATE)
    end = forms.DateField(label="To", required=False, input_formats=["%Y-%m-%d"], widget=DATE)
    client = forms.ChoiceField(required=False)
    project = forms.ChoiceField(required=False)
    task = forms.ChoiceField(required=False, help_text="Choose a project first.")
    user = forms.ChoiceField(required=False)
    billable = forms.ChoiceField(
        required=False, choices=[("", "All"), ("true", "Billable"), ("false", "Not billable")]
    )
    tag = forms.CharField(required=False, strip=False)
    by = forms.ChoiceField(label="Group by", required=False)
    by2 = forms.ChoiceField(label="then by", required=False)
    by3 = forms.ChoiceField(label="and by", required=False)
    compare = forms.ChoiceField(
        label="Compare with",
        required=False,
        choices=[("", "Nothing"), (PREVIOUS, "The period before")],
    )
    chart = forms.ChoiceField(
        label="Chart of", required=False, choices=[("", "Days"), ("groups", "Groups")]
    )
    # Of links alone: the tags of a group, all of them and no others.
    tags = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def __init__(self, query: QueryDict, today: date) -> None:
        self.today = today
        self.period = _period_of(query, today)
        self._asked = data = query.dict()
        if self.period:
            first, last = dates_of(self.period, today)
            data |= {"start": first.isoformat(), "end": last.isoformat()}
        data.setdefault("by", "project")
        super().__init__(data, label_suffix="")
        self._offer()

    def clean(self) -> dict[str, object]:
        """Refuse a range that ends before it begins, in the words of the form."""
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and start > end:
            raise forms.ValidationError("“From” must not be after “To”.")
        if start and "end" in self.cleaned_data and not end and start > self.today:
            raise forms.ValidationError("“From” must not be after “To”, which defaults to today.")
        return self.cleaned_data

    @property
    def levels(self) -> list[str]:
        """Distinct levels to group by."""
        chosen = [self.cleaned_data[name] for name in ("by", "by2", "by3")]
        return list(dict.fromkeys(filter(None, chosen))) or ["project"]

    def filters(self) -> dict[str, str]:
        """Return the query of the API's report that asks for the same."""
        data = self.cleaned_data
        asked = {f"{name}_id": data[name] for name in ("client", "project", "task", "user")}
        asked |= {"billable": data["billable"], "tag": data["tag"]}
        asked |= {f"{name}_date": data[name] and str(data[name]) for name in ("start", "end")}
        return {name: value for name, value in asked.items() if value and value != NONE}

    def kept(self) -> dict[str, str]:
        """Return the query of the same report on any day: a period that has a name keeps it."""
        named = {*self.fields, "sort"} - ({"start", "end"} if self.period else set())
        asked = ((name, str(value)) for name, value in self._asked.items() if name in named)
        kept = {name: value for name, value in asked if value or name == "tags"}
        return kept | ({"period": self.period} if self.period else {})

    def chosen(self) -> list[tuple[str, str]]:
        """Return the filters that were set, in words."""
        words = []
        for name in ("client", "project", "task", "user", "billable", "tag", "tags"):
            value = self.cleaned_data[name]
            shown = dict(getattr(self.fields[name], "choices", ())).get(value, value)
            if value or (name == "tags" and name in self.data):
                words.append((name.capitalize(), str(shown) or "none"))
        return words

    def _offer(self) -> None:
        clients, projects = (
            model._default_manager.order_by("sort_name", "pk").values_list("pk", "name")
            for model in (Client, Project)
        )
        users = [(user.pk, str(user)) for user in User.objects.order_by("sort_username", "pk")]
        self._choices("client", [(NONE, "No client"), *clients])
        self._choices("project", projects)
        self._choices("task", self._tasks())
        self._choices("user", users, "Everybody")
        levels = [(level, level.capitalize()) for level in LEVELS]
        self._choices("by", levels, "")
        for name in ("by2", "by3"):
            self._choices(name, levels, "Nothing")

    def _tasks(self) -> list[Choice]:
        """Return the tasks of the chosen project, or else the one that a link has chosen."""
        project, task = self.data.get("project", ""), self.data.get("task", "")
        tasks: list[tuple[int, str]] = []
        if ID.fullmatch(project):
            rows = Task.objects.filter(project_id=project).order_by("pk")
            tasks = sorted(rows.values_list("pk", "name"), key=lambda row: sort_key(row[1]))
        elif ID.fullmatch(task):
            tasks = list(Task.objects.filter(pk=task).values_list("pk", "name"))
        if task and task != NONE and task not in [str(pk) for pk, _ in tasks]:
            self._asked["task"] = ""  # of the project that was chosen before
        return [(NONE, "No task"), *tasks]

    def _choices(self, name: str, choices: Iterable[Choice], everything: str = "All") -> None:
        texts = [(str(value), label) for value, label in choices]
        if everything:
            texts.insert(0, ("", everything))
        self.fields[name].choices = texts  # type: ignore[attr-defined]


def _period_of(query: QueryDict, today: date) -> str | None:
    """Return the name of the period that a query asks for; one with other dates has none.

    The form sends the name with the dates that it showed.
    """
    period, given = query.get("period", ""), (query.get("start", ""), query.get("end", ""))
    if any(given):
        is_shown = period in PERIODS and given == tuple(map(str, dates_of(period, today)))
        return period if is_shown else None
    return period if period in PERIODS else DEFAULT_PERIOD

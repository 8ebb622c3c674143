"""Names of demo data; none is from an example of the documentation, which must stay free."""

from collections.abc import Sequence

FIRST_NAMES = (
    *("Marta", "Jonas", "Aiko", "Priya", "Nora", "Mateo", "Freya", "Emeka", "Lucie", "Tomasz"),
    *("Ines", "Harald", "Yuna", "Rohan", "Greta", "Diego", "Astrid", "Kwame", "Elise", "Pavel"),
)
LAST_NAMES = (
    *("Lindqvist", "Weber", "Tanaka", "Raman", "Byrne", "Salas", "Holm", "Okafor", "Marchand"),
    *("Nowak", "Ferreira", "Brandt", "Seo", "Mehta", "Vogel", "Rivas", "Dahl", "Mensah"),
    *("Laurent", "Novotny"),
)
# Their evenings end before midnight UTC, so that a finished day has no entry in the future.
TIME_ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Europe/London",
    "Asia/Kolkata",
    "America/Sao_Paulo",
)
CLIENT_NAMES = (
    *("Kestrel", "Brightwater", "Northgate", "Juniper", "Saltmarsh", "Copperfield", "Larkspur"),
    *("Granite", "Willow", "Harbour"),
)
CLIENT_TRADES = (
    *("Logistics", "Foods", "Clinics", "Publishing", "Energy", "Museums", "Bicycles"),
    *("Insurance", "Textiles", "Ferries"),
)
PROJECT_NAMES = (
    *("Warehouse label printing", "Harvest planner app", "Patient intake forms"),
    *("Catalogue search", "Meter reading import", "Team handbook", "Ticket kiosk"),
    *("Spare parts shop", "Claims dashboard", "Fabric sample archive", "Timetable display"),
    *("Hiring and interviews", "Invoice matching", "Route optimiser", "Newsletter migration"),
    *("Loyalty card pilot", "Sensor calibration", "Visitor audio guide", "Price list importer"),
    *("Accessibility audit", "Data warehouse move", "Mobile check-in", "Supplier portal"),
    "Booking calendar",
)
TASK_NAMES = (
    *("Interview the people who use it", "Sketch the main screens", "Write the import"),
    *("Measure the slow pages", "Prepare the workshop", "Translate the messages"),
    *("Review the access rights", "Draft the user guide", "Clean up old records"),
    *("Plan the rollout", "Set up the test server", "Check the monthly figures"),
)
# Notes and tags.
WORK = (
    ("Weekly call with the client", "meeting"),
    ("Planned the next two weeks", "meeting,planning"),
    ("Wrote the import of last year's figures", "coding,import"),
    ("Fixed the rounding of totals", "coding,bugfix"),
    ("Reviewed a colleague's changes", "review"),
    ("Compared two layouts with users", "research,design"),
    ("Drew the second version of the main screen", "design"),
    ("Answered questions from the helpdesk", "support"),
    ("Looked into slow answers in the morning", "coding,performance"),
    ("Wrote down what was decided", "writing"),
    ("Tested on older phones", "testing"),
    ("Moved the test server", "operations"),
    ("", "meeting"),
    ("", ""),
    ("", ""),
)


def project_name(index: int) -> str:
    """Return the name of a project; once all are used up they come again as later phases."""
    turn, place = divmod(index, len(PROJECT_NAMES))
    return f"{PROJECT_NAMES[place]}, phase {turn + 1}" if turn else PROJECT_NAMES[place]


def client_name(index: int) -> str:
    """Return the name of a client."""
    return _pair(CLIENT_NAMES, CLIENT_TRADES, index)


def full_name(index: int) -> str:
    """Return the first and the last name of a person."""
    return _pair(FIRST_NAMES, LAST_NAMES, index)


def _pair(firsts: Sequence[str], seconds: Sequence[str], index: int) -> str:
    """Return two words, and a number once every pair was used."""
    turn, place = divmod(index, len(firsts))
    again, shift = divmod(turn, len(seconds))
    name = f"{firsts[place]} {seconds[(place + shift) % len(seconds)]}"
    return f"{name} {again + 1}" if again else name

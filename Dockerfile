# The service in a container: `docker build -t timetracker .`

# A Python that gets security fixes, on a small Debian. How to pin it by its digest:
# docs/operations.md.
FROM python:3.13.9-slim-bookworm

# Log lines appear at once; no .pyc files in a read-only image.
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# Dependencies first: they change less often than the code, so this layer is reused.
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt

COPY . .

# The service writes nothing but SQLite and first-run secrets, and those to data/.
RUN useradd --system --no-create-home timetracker && mkdir -p data && chown timetracker data
USER timetracker

EXPOSE 8000
# Ready means that the database can be written and is migrated; without Redis it goes on.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5m --start-interval=1s CMD ["python", "-c", \
  "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/api/v1/ready')"]

# Migrates, then replaces itself by granian, so that SIGTERM reaches the server.
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0"]

# The image of web, worker and beat; docker-compose.yml says which command each one runs.
# 3.11 is what the tests run on.
# By digest: --build-arg BASE=python:3.11-slim@sha256:…
ARG BASE=python:3.11-slim

FROM ${BASE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/base.txt
# Hashes and wheels only: nothing is built, and nothing enters that the lock doesn't name.
RUN /opt/venv/bin/pip install --require-hashes --only-binary=:all: -r /tmp/base.txt

FROM ${BASE}
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin nodewise \
    && install --directory --owner=nodewise --mode=0700 /var/lib/nodewise
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ENVIRONMENT=production \
    LLM_JOURNAL_DIR=/var/lib/nodewise/journal
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY manage.py ./
COPY project project
COPY nodewise nodewise
COPY llmconfig llmconfig
COPY metrics metrics
COPY enrichment enrichment
COPY templates templates
COPY fixtures fixtures
# These values are for this one command: it opens no connection, signs and encrypts nothing.
RUN DJANGO_SECRET_KEY=only-for-collectstatic DATABASE_URL=postgres://localhost/none \
    REDIS_URL=redis://localhost/0 LLM_FIELD_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q project nodewise llmconfig metrics enrichment
USER nodewise
EXPOSE 8000
# A process that answers is healthy; /readyz tells whether database and broker are there.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "/app/project/healthcheck.py"]
CMD ["uvicorn", "project.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--http", "nodewise.uvicorn_http:Connection", "--lifespan", "on", "--no-access-log", \
     "--timeout-graceful-shutdown", "40"]

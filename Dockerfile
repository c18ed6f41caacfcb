# One image for both services and the operations page; compose.yaml says which one a container runs. Everything as locked, nothing runs as root.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/uv.txt
RUN python -m venv --without-pip /app \
    && uv pip install --no-cache --compile-bytecode --python /app/bin/python --require-hashes --only-binary :all: -r requirements/run.lock
COPY . .
RUN uv build --no-cache --wheel --build-constraints requirements/all.lock --require-hashes --out-dir dist \
    && uv pip install --no-cache --offline --python /app/bin/python --no-deps dist/*.whl

FROM node:22-slim AS charts
WORKDIR /charts
COPY tenure/ops/npm .
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home tenure \
    && install --directory --owner=tenure /var/lib/tenure
COPY --from=build /app /app
COPY --from=charts /charts/node_modules/uplot/dist /app/share/tenure/uplot
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1
USER tenure
EXPOSE 8080
CMD ["python", "-m", "subscription_service"]

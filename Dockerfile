# One image for both services; compose.yaml says which one a container runs. Everything as locked, nothing runs as root.
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements requirements
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/uv.txt
RUN python -m venv --without-pip /app \
    && uv pip install --no-cache --compile-bytecode --python /app/bin/python --require-hashes --only-binary :all: -r requirements/run.lock
COPY . .
RUN uv build --no-cache --wheel --build-constraints requirements/all.lock --require-hashes --out-dir dist \
    && uv pip install --no-cache --offline --python /app/bin/python --no-deps dist/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home tenure
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1
USER tenure
EXPOSE 8080
CMD ["python", "-m", "subscription_service"]

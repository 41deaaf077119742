# The image of chaosd. Base images and packages come from the registries that your builder is set up
# for; `--build-arg PYTHON=...` takes another Python from 3.11 on.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
# requirements-aws.txt has what `action: terminate` needs on AWS.
ARG REQUIREMENTS=requirements.txt
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Exactly the pinned packages, by hash, as wheels: nothing is compiled, nothing else is fetched.
COPY ${REQUIREMENTS} requirements-build.txt ./
RUN python -m pip install --require-hashes --only-binary=:all: -r requirements-build.txt \
 && python -m venv --without-pip /opt/chaosd \
 && python -m pip --python /opt/chaosd/bin/python install \
        --require-hashes --only-binary=:all: -r "${REQUIREMENTS}"
COPY pyproject.toml LICENSE ./
COPY chaosd ./chaosd
RUN python -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
 && python -m pip --python /opt/chaosd/bin/python install --no-index --no-deps /wheels/*.whl

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="chaosd" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/chaosd /opt/chaosd
# Modules are compiled above. Nothing is written: the root file system can be read-only.
# glibc gives each thread an arena of its own; two for all threads take less memory.
ENV PATH=/opt/chaosd/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=2
# By number, so that Kubernetes can see that it isn't root.
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["chaosd"]
CMD ["run", "/etc/chaosd/chaosd.yaml"]

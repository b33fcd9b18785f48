"""What schemathesis has to be told of the store: how NDJSON is written, and that an unknown header is no error in HTTP."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    lines = value if isinstance(value, list) else [value]
    return "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines).encode()


@schemathesis.hook
def filter_case(ctx, case):
    return "x-schemathesis-unknown-property" not in (case.headers or {})

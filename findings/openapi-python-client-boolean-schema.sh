#!/usr/bin/env bash
# openapi-python-client 0.29.0 refuses a whole OpenAPI 3.1 document in which one schema is the boolean `true`.
#
# Expected: `true` is a schema of JSON Schema 2020-12 that everything satisfies, the same as `{}`, and OpenAPI 3.1 takes
#           every such schema. A generator types the property as "any value", as it does for `{}`.
# Seen:     the document is refused ("Failed to parse OpenAPI document"), and no client is made at all; with `{}` in the
#           place of `true` the same document gives a client whose property is `Any`. A checker of OpenAPI 3.1
#           (openapi-spec-validator 0.9.0) calls both documents right.
# So:       a document that other people's generators shall read has no boolean schema. schemars writes `true` for
#           `serde_json::Value`.
#
# Needs python3 with venv, and a package index. Works in a temporary folder. Ends with 0 while this is still so.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet 'openapi-python-client==0.29.0' 'openapi-spec-validator==0.9.0'

document() {
    printf '{"openapi":"3.1.0","info":{"title":"t","version":"1"},"paths":{"/a":{"get":{"operationId":"get_a",
    "responses":{"200":{"description":"ok","content":{"application/json":{"schema":{"$ref":"#/components/schemas/A"}}}}}}}},
    "components":{"schemas":{"A":{"type":"object","properties":{"anything":%s}}}}}' "$1"
}

attempt() {
    document "$2" >"$1.json"
    venv/bin/openapi-spec-validator "$1.json" >/dev/null
    if venv/bin/openapi-python-client generate --path "$1.json" --output-path "$1" >"$1.log" 2>&1; then
        echo made
    else
        grep -o 'Failed to parse OpenAPI document' "$1.log"
    fi
}

with_true=$(attempt true true)
with_object=$(attempt object '{}')
echo "property schema true: $with_true"
echo "property schema {}:   $with_object"
[ "$with_true" = 'Failed to parse OpenAPI document' ] && [ "$with_object" = made ]

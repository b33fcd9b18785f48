// A call, a read, a list and a refusal through the client that openapi-typescript makes of the store's description.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./generated/openapi-typescript.js";

const client = createClient<paths>({ baseUrl: process.argv[2]! });
const line = { stock_code: "85123A", units: 6, price_milli: 2550, time: "2010-12-01T08:26", customer: "17850", country: "France" };
const params = { path: { key: "generated" }, header: { "Idempotency-Key": '"line-1"' } };

const called = await client.POST("/entities/invoice/{key}/line", { params, body: { line } });
assert.equal(called.response.status, 200);
const again = await client.POST("/entities/invoice/{key}/line", { params, body: { line } });
assert.equal(again.response.headers.get("idempotency-replayed"), "true");

const read = await client.GET("/entities/invoice/{key}", { params: { path: { key: "generated" } } });
assert.equal(read.data?.key, "generated");
assert.equal(read.data?.state.customer, "17850");

const listed = await client.GET("/entities/invoice", { params: { query: { limit: 1000 } } });
assert.ok(listed.data?.items.some((item) => item.key === "generated"));

const refused = await client.POST("/entities/invoice/{key}/line", {
  params: { path: { key: "generated" } },
  body: { line: { ...line, stock_code: "" } },
});
assert.equal(refused.response.status, 422);
assert.equal(refused.error?.code, "refused");
assert.equal(refused.error?.refusal?.code, "no-stock-code");
console.log("the generated client has called, read, listed, and been refused");

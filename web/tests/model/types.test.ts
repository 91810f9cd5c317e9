import { readFileSync } from "node:fs";
import openapiTypes, { astToString, COMMENT_HEADER } from "openapi-typescript";
import { expect, it } from "vitest";
import openapi from "../../src/api/openapi.json";
import { SCHEMA_VERSION } from "../../src/model/document";

const API = new URL("../../src/api/", import.meta.url);

/** Reading the compiler takes most of it. */
const GENERATED_WITHIN_MS = 60_000;

it(
  "the types of the API are those of its description",
  async () => {
    const generated = COMMENT_HEADER + astToString(await openapiTypes(new URL("openapi.json", API)));
    // Else: npm run api-types.
    expect(generated).toBe(readFileSync(new URL("types.ts", API), "utf8"));
  },
  GENERATED_WITHIN_MS,
);

it("the version of the document is the one that is described", () => {
  expect(openapi.components.schemas.PortfolioBody.properties.schemaVersion.const).toBe(SCHEMA_VERSION);
});

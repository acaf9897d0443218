import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSchema, type DocumentNode, print, validate } from "graphql";
import { beforeAll, describe, expect, it, vi } from "vitest";

const documents = vi.hoisted(() => [] as DocumentNode[]);

vi.mock("gql.tada", async (original) => {
  const tada = await original<typeof import("gql.tada")>();
  return {
    ...tada,
    initGraphQLTada: () => {
      const graphql = tada.initGraphQLTada();
      return (...args: Parameters<typeof graphql>) => {
        const document = graphql(...args);
        documents.push(document as unknown as DocumentNode);
        return document;
      };
    },
  };
});

const modules = import.meta.glob([
  "../../**/*.{ts,tsx}",
  "!../../main.tsx",
  "!../../**/*.test.*",
  "!../../styles/**",
  "!../../**/*.d.ts",
]);
const schema = buildSchema(
  readFileSync(join(import.meta.dirname, "../../../../graphql/schema.graphql"), "utf8"),
);

describe("documents", () => {
  beforeAll(async () => {
    await Promise.all(Object.values(modules).map((load) => load()));
  }, 60_000);

  it("are all found", () => expect(documents.length).toBeGreaterThan(50));

  // The types check each field; only this checks that fields of a union can be merged.
  it("are valid against the contract", () => {
    for (const document of documents) {
      const operations = document.definitions.filter((one) => one.kind === "OperationDefinition");
      if (operations.length > 0) expect(validate(schema, document).map(String), print(document)).toEqual([]);
    }
  });
});

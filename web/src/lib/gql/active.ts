//! Knows which queries are on screen, so that "refetch what is visible" can mean exactly that.
import { type Exchange, makeOperation, type Operation } from "@urql/core";
import type { Client } from "urql";
import { pipe, tap } from "wonka";

export class ActiveQueries {
  private readonly operations = new Map<number, Operation>();

  readonly exchange: Exchange =
    ({ forward }) =>
    (operations$) =>
      forward(
        pipe(
          operations$,
          tap((operation) => {
            if (operation.kind === "query") this.operations.set(operation.key, operation);
            else if (operation.kind === "teardown") this.operations.delete(operation.key);
          }),
        ),
      );

  refetch(client: Client, names?: readonly string[]): void {
    for (const operation of [...this.operations.values()]) {
      if (names && !names.includes(nameOf(operation) ?? "")) continue;
      client.reexecuteOperation(
        makeOperation("query", operation, { ...operation.context, requestPolicy: "network-only" }),
      );
    }
  }
}

function nameOf(operation: Operation): string | undefined {
  for (const node of operation.query.definitions)
    if (node.kind === "OperationDefinition") return node.name?.value;
}

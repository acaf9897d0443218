//! A stand-in server for `pnpm dev:mock`: executes the real schema over made-up rows, so that screens can be
//! built and looked at without a server. `?` knobs are environment variables: MOCK_SETUP=1 (first run),
//! MOCK_TICKETS, MOCK_LATENCY_MS, MOCK_QUIET=1 (nothing happens by itself).
import { readFileSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { join } from "node:path";
import { buildSchema, execute, type GraphQLSchema, parse, subscribe, validate } from "graphql";
import { useServer as serveSockets } from "graphql-ws/use/ws";
import type { Connect, Plugin } from "vite";
import { WebSocketServer } from "ws";
import { resolvers } from "./resolvers";
import { World } from "./world";

const schemaPath = join(import.meta.dirname, "../../graphql/schema.graphql");

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => resolve(text));
    request.on("error", reject);
  });
}

async function answer(
  schema: GraphQLSchema,
  world: World,
  request: IncomingMessage,
  response: ServerResponse,
) {
  const { query, variables } = JSON.parse(await readBody(request)) as {
    query: string;
    variables?: Record<string, unknown>;
  };
  await new Promise((resolve) => setTimeout(resolve, world.latency));
  const document = parse(query);
  const faults = validate(schema, document);
  const signedIn =
    (request.headers.authorization ?? "").startsWith("Bearer ") ||
    (request.headers.cookie ?? "").includes("mock=");
  const result = faults.length
    ? { errors: faults }
    : await execute({
        schema,
        document,
        rootValue: resolvers(world, {
          signedIn,
          setCookie: (value) =>
            response.setHeader("set-cookie", `mock=${value}; Path=/; HttpOnly; SameSite=Strict`),
        }),
        variableValues: variables ?? null,
      });
  response.setHeader("content-type", "application/graphql-response+json");
  response.end(JSON.stringify(result));
}

function mount(middlewares: Connect.Server, server: Server | null): void {
  const schema = buildSchema(readFileSync(schemaPath, "utf8"));
  const world = new World();
  middlewares.use((request, response, next) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    if (path === "/graphql" && request.method === "POST")
      return void answer(schema, world, request, response);
    if (path.startsWith("/media/uploads/") && request.method === "PUT") {
      request.resume();
      request.on("end", () => response.end());
      return;
    }
    if (path.startsWith("/media/")) {
      response.setHeader("content-type", "image/svg+xml");
      return void response.end(world.picture(path));
    }
    if (path === "/mock/drop") {
      for (const client of sockets.clients) client.close(1012, "restart");
      return void response.end("dropped");
    }
    if (path === "/mock/offer") {
      world.offerSomething();
      return void response.end("offered");
    }
    next();
  });
  const overSocket = resolvers(world, { signedIn: true, setCookie() {} }) as Record<string, object>;
  const sockets = new WebSocketServer({ noServer: true });
  serveSockets(
    {
      schema,
      // graphql-ws would load its own copy of graphql, to which this schema is a stranger.
      execute,
      subscribe,
      validate,
      roots: {
        query: overSocket,
        mutation: overSocket,
        subscription: overSocket,
      },
      onConnect: (context) => typeof context.connectionParams?.accessToken === "string",
    },
    sockets,
  );
  server?.on("upgrade", (request, socket, head) => {
    if ((request.url ?? "").startsWith("/graphql"))
      sockets.handleUpgrade(request, socket, head, (one) => sockets.emit("connection", one, request));
  });
}

export function mockServer(): Plugin {
  return {
    name: "meari-mock",
    configureServer: (server) => mount(server.middlewares, server.httpServer as Server | null),
    configurePreviewServer: (server) => mount(server.middlewares, server.httpServer as Server),
  };
}

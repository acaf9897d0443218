// Runs the GraphQL-over-HTTP audit of `graphql-http` against MEARI_HTTP and fails unless every check is ok.
// Then asks the standard introspection query, which must fit into the depth limit.
import { auditServer } from 'graphql-http';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';

const url = process.env.MEARI_HTTP ?? 'http://127.0.0.1:4010/graphql';
const results = await auditServer({ url });
const bad = results.filter((result) => result.status !== 'ok');
for (const result of bad) console.error(`${result.status} ${result.id} ${result.name}: ${result.reason}`);
console.log(`${results.length - bad.length}/${results.length} ok`);

const response = await fetch(url, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ query: getIntrospectionQuery() }),
});
const { data, errors } = await response.json();
if (errors) console.error('introspection:', JSON.stringify(errors));
else buildClientSchema(data);
process.exit(bad.length > 0 || results.length < 61 || errors ? 1 : 0);

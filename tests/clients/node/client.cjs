// A Flight SQL client in JavaScript, as a program: see test_other_languages.py for its commands.
//
// The packages lie in the folder that LAKEGATE_NODE_MODULES names, outside of the source tree.

"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");

const packages = createRequire(path.join(process.env.LAKEGATE_NODE_MODULES, "package.json"));
const { FlightSQLClient } = packages("@gizmodata/gizmosql-client");
const { tableToIPC } = packages("apache-arrow");

const NAME = 0;

async function browse(client) {
  const catalogs = await client.getCatalogs();
  const tables = await client.getTables(catalogs[0]);
  return {
    catalogs,
    databases: (await client.getSchemas(catalogs[0])).map((each) => each.schema),
    tables: tables.map((each) => `${each.schema}.${each.tableName}`),
    table_types: await client.getTableTypes(),
    server: (await client.getSqlInfo([NAME])).get(NAME),
  };
}

// Numbers that a double cannot hold are BigInts, which JSON does not know.
function asJson(rows) {
  return JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
}

async function main([address, user, command, sql]) {
  const [host, port] = address.split(":");
  const client = new FlightSQLClient({ host, port: Number(port), plaintext: true, username: user, password: user });
  await client.connect();
  try {
    switch (command) {
      case "query":
        return tableToIPC(await client.execute(sql), "stream");
      case "rows":
        return asJson((await client.execute(sql)).toArray());
      case "browse":
        return JSON.stringify(await browse(client));
      default:
        throw new Error(`unknown command ${command}`);
    }
  } finally {
    await client.close();
  }
}

main(process.argv.slice(2)).then(
  (answer) => process.stdout.write(answer),
  (error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);

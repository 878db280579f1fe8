// Writes grafana/schema/dashboard.schema.json from the types of @grafana/schema: npm ci && npm run generate.
// It has one definition for the dashboard, and for each kind of panel one of its options and one of what its fields know.
import { readFileSync, writeFileSync } from 'node:fs';
import { createGenerator } from 'ts-json-schema-generator';

const source = JSON.parse(readFileSync('node_modules/@grafana/schema/package.json', 'utf8'));
const types = 'node_modules/@grafana/schema/dist/types/raw';
const panels = {
  barchart: ['barchart', 'Options', 'FieldConfig'],
  bargauge: ['bargauge', 'Options'],
  candlestick: ['candlestick', 'Options', 'FieldConfig'],
  stat: ['stat', 'Options'],
  'status-history': ['statushistory', 'Options', 'FieldConfig'],
  table: ['table', 'Options', 'FieldConfig'],
  timeseries: ['timeseries', 'Options', 'FieldConfig'],
};

// derive adds the definition of one exported type, with those that it needs under names of its own.
function derive(definitions, name, path, type) {
  const schema = createGenerator({
    path, tsconfig: 'tsconfig.json', type, skipTypeCheck: true, additionalProperties: false, sortProps: true, jsDoc: 'none',
  }).createSchema(type);
  const own = (text) => text.replaceAll('"#/definitions/', `"#/definitions/${name}.`);
  for (const [key, value] of Object.entries(schema.definitions)) {
    definitions[`${name}.${key}`] = JSON.parse(own(JSON.stringify(value)));
  }
  definitions[name] = { $ref: `#/definitions/${name}.${type}` };
}

const definitions = {};
derive(definitions, 'dashboard', `${types}/dashboard/x/types.gen.d.ts`, 'Dashboard');
for (const [name, [folder, ...exported]] of Object.entries(panels)) {
  for (const type of exported) {
    derive(definitions, `${name}.${type}`, `${types}/composable/${folder}/panelcfg/x/types.gen.d.ts`, type);
  }
}
const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $comment: `Derived by tools/grafanaschema from the types of ${source.name} ${source.version} (${source.license}). Do not edit.`,
  $ref: '#/definitions/dashboard',
  definitions,
};
writeFileSync(process.argv[2] ?? '../../grafana/schema/dashboard.schema.json', JSON.stringify(schema, null, 1) + '\n');
